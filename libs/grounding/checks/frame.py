"""What a check is: a name, a rule in one sentence, and a function from a case to its failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from contracts.events import ChunkReady
from contracts.notes import CheckFailure, DraftNote
from contracts.study import Study
from grounding.evidence import Citations
from grounding.syntax.clauses import Parser
from grounding.text.sentence_alignment import Laid, lay
from grounding.text.words import spoken_words


@dataclass(frozen=True)
class Case:
    """All a check may look at: the note, the chunk it was drafted from, and what it cites.

    Attributes:
        draft: the note.
        chunk: what the model was shown.
        citations: what became of the note's evidence.
        parse: the parser of the heavy mode, if there is one.
    """

    draft: DraftNote
    chunk: ChunkReady
    citations: Citations
    parse: Parser | None = None

    @property
    def study(self) -> Study:
        """The customer's themes and questions."""
        return self.chunk.study

    @property
    def quotes(self) -> tuple[str, ...]:
        """The passages that were found, in the transcript's order."""
        return tuple(passage.quote for passage in self.citations.found)

    @cached_property
    def sentences(self) -> tuple[Laid, ...]:
        """The statement's sentences, each laid beside the quotes."""
        return lay(self.draft.statement, self.quotes)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of all who speak in the chunk and its context."""
        segments = (*self.chunk.segments, *self.chunk.context)
        return tuple(dict.fromkeys(segment.speaker for segment in segments))

    @cached_property
    def is_verbatim(self) -> bool:
        """Whether the statement is one of the quotes, word for word."""
        claimed = [one.text for one in spoken_words(self.draft.statement)]
        return any(claimed == [one.text for one in spoken_words(quote)] for quote in self.quotes)

    @property
    def is_cited(self) -> bool:
        """Whether every citation was found: only then can its words bear out the statement."""
        return bool(self.citations.found) and not self.citations.missing


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a note can fail.

    Attributes:
        name: stable, as verdicts carry it.
        rule: one sentence that says what a note has to fulfil.
        function: the failure of a case, or None if it passes; it never raises.
        is_heavy: whether it takes a parser; without one it passes everything.
    """

    name: str
    rule: str
    function: Callable[[Case], CheckFailure | None]
    is_heavy: bool = False

    def __call__(self, case: Case) -> CheckFailure | None:
        """Judge one case."""
        return self.function(case)
