"""Draft notes on interviews as the simulator's paraphrasing mode does: pairs with known labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.study import Study, Theme
from contracts.transcript import Segment
from evaluation.grounding.pairs import LabelledPair
from prompts.notes import CURRENT
from simulator.paraphrasing import ParaphrasingRates, write_labelled_notes
from simulator.prompt import parse_notes_prompt
from transcripts.segments.chunks import split_into_chunks

RATES: Final = ParaphrasingRates(notes=24)
_STUDY: Final = Study(
    study_id="evaluation", name="Evaluation", themes=(Theme(id="all", name="All"),)
)


def draft_paraphrases(
    interviews: Mapping[str, Sequence[Segment]], seeds: Sequence[int]
) -> Iterator[LabelledPair]:
    """Yield labelled notes on the chunks that the pipeline would make of interviews.

    Args:
        interviews: the segments of each, by name.
        seeds: each writes notes of its own on every chunk; what two of them write is yielded once.
    """
    for name, segments in interviews.items():
        for chunk in build_chunks(name, segments):
            drawn: set[tuple[str, str]] = set()
            messages = [{"role": "user", "content": CURRENT.document(chunk)}]
            passage = parse_notes_prompt(messages)
            assert passage, "a prompt's document is a passage"
            for seed in seeds:
                for one in write_labelled_notes(passage, RATES, seed):
                    key = (one.note.statement, str(one.note.evidence))
                    if key in drawn:
                        continue
                    drawn.add(key)
                    place = f"{name}, segment {one.note.evidence[0].segment}"
                    yield LabelledPair(place, chunk, one.note, one.is_true, (one.kind,))


def build_chunks(name: str, segments: Sequence[Segment]) -> list[ChunkReady]:
    """Return an interview's chunks, of the size that ingestion makes by default."""
    chunks = split_into_chunks(segments)
    return [
        ChunkReady(
            chunk_id=UUID(int=one.index),
            transcript_id=UUID(int=0),
            revision=1,
            index=one.index,
            chunk_count=len(chunks),
            title=name,
            study=_STUDY,
            context=one.context,
            segments=one.segments,
            speakers=tuple(dict.fromkeys(segment.speaker for segment in segments)),
        )
        for one in chunks
    ]
