"""True notes of real transcripts and the same notes spoiled: how many of each are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import DraftNote
from contracts.transcript import Segment
from grounding.assessment import weigh
from grounding.evaluation.extracts import extracts, whole
from grounding.evaluation.scoring import Verdict
from grounding.evaluation.spoiling import KINDS, Kind, attributed
from grounding.evaluation.turning import TURNED
from grounding.syntax.clauses import Parser
from grounding.text.words import clip
from grounding.uncertainty import in_doubt

__all__ = ["INTERVIEWER", "Kind", "examine", "examine_turned"]

INTERVIEWER: Final = "interviewer"
"""The kind of a note that tells as a finding what an interviewer said."""
_EXAMPLE: Final = 140


def examine(
    title: str, segments: Sequence[Segment], seed: int, parse: Parser | None = None
) -> Iterator[Verdict]:
    """Judge the true and the spoiled notes of one transcript.

    Args:
        title: what identifies the transcript.
        segments: its turns.
        seed: of the choices among ways to spoil.
        parse: the parser of the heavy mode, if that is what is measured.

    Yields:
        A verdict for each note: a true one has no kind. Every sentence gives two true notes, one
        in its own words and one that names its speaker.
    """
    chunk = whole(title, segments)
    random = Random(f"{seed} {title}")  # noqa: S311 - a choice of examples, no secret
    for extract in extracts(chunk):
        yield _verdict(extract.draft, chunk, title, parse)
        yield _verdict(attributed(extract, extract.segment.speaker), chunk, title, parse)
        for kind in KINDS:
            spoiled = kind.spoil(extract, chunk, random)
            if spoiled is not None:
                yield _verdict(spoiled, chunk, title, parse, kind.name)
    for extract in extracts(chunk, asked=True):
        yield _verdict(extract.draft, chunk, title, parse, INTERVIEWER)


def examine_turned(
    title: str, segments: Sequence[Segment], parse: Parser | None = None
) -> Iterator[Verdict]:
    """Judge notes of one transcript that are turned in what only a parser sees.

    Args:
        title: what identifies the transcript.
        segments: its turns.
        parse: the parser of the heavy mode, if that is what is measured.
    """
    chunk = whole(title, segments)
    for extract in extracts(chunk):
        for kind in TURNED:
            spoiled = kind.spoil(extract)
            if spoiled is not None:
                yield _verdict(spoiled, chunk, title, parse, kind.name)


def _verdict(
    draft: DraftNote, chunk: ChunkReady, title: str, parse: Parser | None, kind: str = ""
) -> Verdict:
    weighed = weigh(draft, chunk, parse)
    return Verdict(
        is_true=not kind,
        is_accepted=not weighed.failures,
        kinds=(kind,) if kind else (),
        checks=tuple(one.check for one in weighed.failures),
        example=clip(draft.statement, _EXAMPLE),
        document=title,
        is_doubted=in_doubt(weighed) is not None,
    )
