"""Check notes made of the SummEdits benchmark: summaries that editors found true or false.

The benchmark is described in Laban et al., "SummEdits: Measuring LLM Ability at Factual Reasoning
Through The Lens of Summarization", EMNLP 2023. A summary becomes one note that cites the whole of
its document; a dialogue becomes one segment a turn. The unedited summary that the files also hold
is not used: in production there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.ids import derive_id
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Segment
from evaluation.grounding.verdicts import LabelledVerdict
from grounding.assessment import check_note
from grounding.syntax.clauses import SyntaxParser
from grounding.text.words import split_words, truncate_text
from grounding.uncertainty import classify_uncertainty

_TURN: Final = re.compile(r"(?:^|\s*\.\s+)(?P<speaker>[A-Z][\w '.-]{0,30}):\s")
_MIN_TURNS: Final = 3
_THEME: Final = Theme(id="summary", name="Summary")
_STUDY: Final = Study(study_id="summedits", name="SummEdits", themes=(_THEME,))
_MAX_EXAMPLE_LENGTH: Final = 140


@dataclass(frozen=True, slots=True)
class SummEditsSample:
    """A summary with its document, whether it is consistent with it, and how it was edited."""

    document: str
    summary: str
    is_consistent: bool
    edits: tuple[str, ...]


def parse_summedits(text: str) -> list[SummEditsSample]:
    """Parse the text of a file of the benchmark.

    Raises:
        ValueError: it is not JSON, or not in the benchmark's form.
    """
    try:
        return [_parse_sample(one) for one in json.loads(text)]
    except (TypeError, KeyError) as error:
        raise ValueError("a sample has no doc, summary or label") from error


def _parse_sample(one: dict[str, Any]) -> SummEditsSample:
    return SummEditsSample(
        document=str(one["doc"]),
        summary=str(one["summary"]),
        is_consistent=bool(one["label"]),
        edits=tuple(one.get("edit_types") or ()),
    )


def check_sample(sample: SummEditsSample, parse: SyntaxParser | None = None) -> LabelledVerdict:
    """Check a sample's summary as a note; with a parser, by the heavy mode's checks too."""
    chunk = _build_chunk(sample.document)
    cited = tuple(DraftEvidence(segment=one.number) for one in chunk.segments)
    draft = DraftNote(statement=sample.summary, evidence=cited, themes=(_THEME.id,))
    checked = check_note(draft, chunk, parse)
    failures = checked.failures
    example = failures[0].claim if failures else sample.summary
    return LabelledVerdict(
        is_true=sample.is_consistent,
        is_accepted=not failures,
        categories=sample.edits,
        failed_checks=tuple(one.check for one in failures),
        example=truncate_text(example, _MAX_EXAMPLE_LENGTH),
        document=sample.document,
        is_uncertain=classify_uncertainty(checked) is not None,
    )


def _build_chunk(document: str) -> ChunkReady:
    turns = [turn for turn in _split_turns(document) if split_words(turn[1])]
    segments = tuple(
        Segment(number=number, speaker=speaker, text=text)
        for number, (speaker, text) in enumerate(turns, start=1)
    )
    identity = derive_id("summedits", document)
    return ChunkReady(
        chunk_id=identity,
        transcript_id=UUID(int=1),
        revision=1,
        index=1,
        chunk_count=1,
        title="A document",
        study=_STUDY,
        segments=segments,
    )


def _split_turns(document: str) -> Iterator[tuple[str, str]]:
    """Yield speaker and words of each turn of a dialogue; a text that is none is one turn."""
    starts = list(_TURN.finditer(document))
    if len(starts) < _MIN_TURNS:
        yield "Speaker", document
        return
    ends = [one.start() for one in starts[1:]] + [len(document)]
    for start, end in zip(starts, ends, strict=True):
        yield start["speaker"], document[start.end() : end].strip() or " "
