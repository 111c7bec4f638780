"""Define what a check is: a name, a rule in one sentence, and a function that returns a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from contracts.events import ChunkReady
from contracts.notes import CheckFailure, DraftNote
from contracts.study import Study
from grounding.evidence import ResolvedCitations
from grounding.syntax.clauses import SyntaxParser
from grounding.text.sentence_alignment import SentenceAlignment, align_sentences
from grounding.text.words import split_spoken_words


@dataclass(frozen=True)
class CheckContext:
    """Input of a check: the note, the chunk it was drafted from, and its evidence.

    Attributes:
        draft: the note.
        chunk: what the model was shown.
        citations: what became of the note's evidence.
        parse: the parser of the heavy mode, if there is one.
    """

    draft: DraftNote
    chunk: ChunkReady
    citations: ResolvedCitations
    parse: SyntaxParser | None = None

    @property
    def study(self) -> Study:
        """The study, with the customer's themes and questions."""
        return self.chunk.study

    @property
    def quotes(self) -> tuple[str, ...]:
        """The texts of the cited passages that were found, in the transcript's order."""
        return tuple(passage.quote for passage in self.citations.found)

    @cached_property
    def sentences(self) -> tuple[SentenceAlignment, ...]:
        """The statement's sentences, each aligned with the quotes."""
        return align_sentences(self.draft.statement, self.quotes)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of all who speak in the chunk and its context."""
        segments = (*self.chunk.segments, *self.chunk.context)
        return tuple(dict.fromkeys(segment.speaker for segment in segments))

    @cached_property
    def is_verbatim(self) -> bool:
        """Whether the statement is one of the quotes, word for word."""
        claimed = [one.text for one in split_spoken_words(self.draft.statement)]
        return any(
            claimed == [one.text for one in split_spoken_words(quote)] for quote in self.quotes
        )

    @property
    def is_cited(self) -> bool:
        """Whether every citation was found: only then can the evidence support the statement."""
        return bool(self.citations.found) and not self.citations.missing


@dataclass(frozen=True, slots=True)
class Check:
    """Check that a note has to pass: its name and the function that runs it.

    Attributes:
        name: stable, as verdicts carry it.
        rule: one sentence that says what a note has to fulfil.
        function: the failure of a case, or None if it passes; it never raises.
        is_heavy: whether it takes a parser; without one it passes everything.
    """

    name: str
    rule: str
    function: Callable[[CheckContext], CheckFailure | None]
    is_heavy: bool = False

    def __call__(self, context: CheckContext) -> CheckFailure | None:
        """Return the failure of a note, or None if it passes."""
        return self.function(context)
