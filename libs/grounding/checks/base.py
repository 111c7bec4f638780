"""Define what a check is: a name, a rule in one sentence, and a function that returns a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import CheckFailure, DraftNote
from contracts.study import Study
from contracts.transcript import Segment
from grounding.evidence import QuotedPassage, ResolvedCitations
from grounding.syntax.clauses import SyntaxParser
from grounding.text.sentence_alignment import SentenceAlignment, align_sentences_with_quotes
from grounding.text.terms import split_terms
from grounding.text.words import split_at_full_stops, split_spoken_words

_SHORT_ANSWER: Final = 6
"""Words of an answer up to which the question belongs to it: “No, never.”"""


@lru_cache(maxsize=16)
def list_label_words(labels: tuple[str, ...]) -> frozenset[str]:
    """Return the set of words that occur in the labels of an interview's speakers."""
    return frozenset(term.text for label in labels for term in split_terms(label))


@dataclass(frozen=True)
class CheckContext:
    """Input of a check of a note: the draft note, its chunk, and the quotes that it cites.

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
    def quotes_with_questions(self) -> tuple[str, ...]:
        """The quotes, a short answer behind its question, without which it says nothing."""
        return tuple(
            text
            for passage in self.citations.found
            for text in (self._find_question(passage), passage.quote)
            if text
        )

    def _find_question(self, passage: QuotedPassage) -> str:
        if len(split_spoken_words(passage.quote)) > _SHORT_ANSWER:
            return ""
        before = self._segments.get(passage.segment.number - 1)
        is_cited = any(
            one.segment.number == passage.segment.number - 1 for one in self.citations.found
        )
        if before is None or is_cited or not before.text.rstrip().endswith("?"):
            return ""
        return split_at_full_stops(before.text)[-1]

    @cached_property
    def _segments(self) -> dict[int, Segment]:
        return {one.number: one for one in (*self.chunk.context, *self.chunk.segments)}

    @cached_property
    def sentences(self) -> tuple[SentenceAlignment, ...]:
        """The statement's sentences, each aligned with the quotes."""
        return align_sentences_with_quotes(self.draft.statement, self.quotes)

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
    """Definition of a check of a note: its name, its function, and how its failure is treated.

    Attributes:
        name: stable, as verdicts carry it.
        rule: one sentence that says what a note has to fulfil.
        function: the failure of a case, or None if it passes; it never raises.
        is_heavy: whether it takes a parser; without one it passes everything.
        is_doubt: whether it fails true notes nearly as often as false ones, so that failing it
            is no reason to refuse a note, only one not to show its statement as a finding.
        bars_proof: whether a note that fails it is never proven, though it may be true.
    """

    name: str
    rule: str
    function: Callable[[CheckContext], CheckFailure | None]
    is_heavy: bool = False
    is_doubt: bool = False
    bars_proof: bool = False

    def __call__(self, context: CheckContext) -> CheckFailure | None:
        """Return the failure of a note, or None if it passes."""
        return self.function(context)
