"""Check true notes of real transcripts, and the same notes after a mutation made them false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import DraftNote
from contracts.transcript import Segment
from evaluation.grounding.mutations import MUTATIONS, attribute_to
from evaluation.grounding.parser_mutations import PARSER_MUTATIONS
from evaluation.grounding.true_notes import build_chunk, iter_true_notes
from evaluation.grounding.verdicts import LabelledVerdict, derive_standing, is_shown_as_finding
from grounding.assessment import check_note
from grounding.syntax.clauses import SyntaxParser
from grounding.text.words import truncate_text
from grounding.uncertainty import classify_uncertainty

INTERVIEWER: Final = "interviewer"
"""The category of a note that states as a finding what an interviewer said."""
_MAX_EXAMPLE_LENGTH: Final = 140


def check_mutated_notes(
    title: str, segments: Sequence[Segment], seed: int, parse: SyntaxParser | None = None
) -> Iterator[LabelledVerdict]:
    """Check the true and the mutated notes of one transcript.

    Args:
        title: identifies the transcript.
        segments: its turns.
        seed: of the choices among ways to mutate.
        parse: the parser of the heavy mode, if that is what is measured.

    Yields:
        A verdict for each note: a true one has no category. Every sentence gives two true
        notes, one in its own words and one that names its speaker.
    """
    chunk = build_chunk(title, segments)
    random = Random(f"{seed} {title}")  # noqa: S311 - a choice of examples, no secret
    for note in iter_true_notes(chunk):
        yield _check(note.draft, chunk, title, parse)
        yield _check(attribute_to(note, note.segment.speaker), chunk, title, parse)
        for mutation in MUTATIONS:
            mutated = mutation.mutate(note, chunk, random)
            if mutated is not None:
                yield _check(mutated, chunk, title, parse, mutation.name)
    for note in iter_true_notes(chunk, by_interviewer=True):
        yield _check(note.draft, chunk, title, parse, INTERVIEWER)


def check_parser_mutations(
    title: str, segments: Sequence[Segment], parse: SyntaxParser | None = None
) -> Iterator[LabelledVerdict]:
    """Check notes of one transcript that are mutated in what only a parser sees.

    Args:
        title: identifies the transcript.
        segments: its turns.
        parse: the parser of the heavy mode, if that is what is measured.
    """
    chunk = build_chunk(title, segments)
    for note in iter_true_notes(chunk):
        for mutation in PARSER_MUTATIONS:
            mutated = mutation.mutate(note)
            if mutated is not None:
                yield _check(mutated, chunk, title, parse, mutation.name)


def _check(
    draft: DraftNote, chunk: ChunkReady, title: str, parse: SyntaxParser | None, category: str = ""
) -> LabelledVerdict:
    checked = check_note(draft, chunk, parse)
    return LabelledVerdict(
        is_true=not category,
        is_accepted=not checked.failures,
        categories=(category,) if category else (),
        failed_checks=tuple(one.check for one in checked.failures),
        example=truncate_text(draft.statement, _MAX_EXAMPLE_LENGTH),
        document=title,
        is_uncertain=classify_uncertainty(checked) is not None,
        is_shown=is_shown_as_finding(derive_standing(checked)),
    )
