"""Any number of interviews of made-up words, with drafts of their chunks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.events import ChunkRef, Event, NotesValidated, TranscriptIngested
from contracts.ids import derive_id
from contracts.notes import Evidence, Note, Usage
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment, TranscriptFormat

NOTES_A_CHUNK: Final = 5
REPEATED: Final = 10
"""Every tenth note repeats an earlier one of its interview in slightly other words."""
STUDY: Final = Study(study_id="bench", name="Bench", themes=(Theme(id="any", name="Anything"),))
_SYLLABLES: Final = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]


@dataclass(frozen=True, slots=True)
class Interview:
    """An interview and the drafts of its chunks, as events."""

    ingested: TranscriptIngested
    drafts: tuple[NotesValidated, ...]


def interview(number: int, chunks: int) -> Interview:
    """Return an interview of made-up words; equal number and size give equal words."""
    words = random.Random(f"{number}/{chunks}")
    transcript_id = derive_id("transcript", "bench", number, chunks)
    segments = tuple(_segment(words, index) for index in range(1, chunks + 1))
    refs = tuple(
        ChunkRef(
            chunk_id=derive_id("chunk", transcript_id, index),
            index=index,
            first_segment=index,
            last_segment=index,
        )
        for index in range(1, chunks + 1)
    )
    ingested = TranscriptIngested(
        transcript_id=transcript_id,
        revision=1,
        title=f"Interview {number}",
        study=STUDY,
        format=TranscriptFormat.WEBVTT,
        content_sha256="0" * 64,
        segments=segments,
        chunks=refs,
    )
    spoken: list[str] = []
    drafts = tuple(
        NotesValidated(
            chunk_id=ref.chunk_id,
            transcript_id=transcript_id,
            revision=1,
            study_id=STUDY.study_id,
            attempt=1,
            notes=tuple(_notes(words, ref, segment, spoken)),
            model="simulated-notes",
            prompt_version="notes-1",
            usage=Usage(input_tokens=900, output_tokens=200),
        )
        for ref, segment in zip(refs, segments, strict=True)
    )
    return Interview(ingested, drafts)


def _segment(words: random.Random, number: int) -> Segment:
    text = ". ".join(_sentence(words) for _ in range(NOTES_A_CHUNK)) + "."
    return Segment(
        number=number,
        speaker="Bo",
        role=Role.PARTICIPANT,
        text=text,
        start_ms=number * 1_000,
        end_ms=number * 1_000 + 900,
    )


def _sentence(words: random.Random) -> str:
    def word() -> str:
        return "".join(words.choices(_SYLLABLES, k=3))

    return f"We {word()} {words.randint(2, 90)} {word()} {word()} with the {word()} at {word()}"


def _notes(
    words: random.Random, chunk: ChunkRef, segment: Segment, spoken: list[str]
) -> Iterator[Note]:
    start = 0
    for quote in segment.text.removesuffix(".").split(". "):
        spoken.append(f"They {quote.removeprefix('We ')}")
        again = len(spoken) % REPEATED == 0
        statement = f"{words.choice(spoken[:-1])}!" if again else f"{spoken[-1]}."
        cited = Evidence(
            segment=segment.number,
            start=start,
            length=len(quote),
            quote=quote,
            speaker=segment.speaker,
            role=segment.role,
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
        )
        yield Note(
            note_id=derive_id("note", chunk.chunk_id, statement, start),
            statement=statement,
            evidence=(cited,),
            themes=("any",),
        )
        start += len(quote) + 2


def shuffled(events: Sequence[Event]) -> list[Event]:
    """Return the events in another order, the same one each time."""
    order = random.Random(11)
    return order.sample(events, k=len(events))
