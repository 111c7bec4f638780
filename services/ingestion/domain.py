"""Conversion of a submitted interview to segments and chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from contracts import ids
from contracts.events import ChunkReady, ChunkRef, Event, TranscriptIngested, TranscriptSubmitted
from contracts.reading_report import BoundedReadingReport
from contracts.study import DoubtfulSpeakers, Study
from contracts.transcript import ContentForm, Segment, TranscriptFormat
from ingestion.content import MAX_CONTENT_BYTES, resolve_content_to_text
from ingestion.reports import build_reading_report
from transcripts import DEFAULT_MAX_BYTES, read_transcript, split_into_chunks
from transcripts.limits import check_utf8_size


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Maximum sizes of an interview chunk and of its context, in characters.

    Attributes:
        max_characters: about how much talk goes to the model in one call.
        context_characters: about how much of the talk before goes along to be understood.
    """

    max_characters: int
    context_characters: int


@dataclass(frozen=True, slots=True)
class StoredInterview:
    """Stored interview of which new notes are to be made: title, format and segments.

    Attributes:
        title: what people call it.
        format: the format it came in.
        recorded_at: when it took place, if that is known.
        segments: what was said, by whom, as far as people corrected it.
        reading_report: how a corrected one was read, if that is known; None of one that is asked
            again, as its content's report holds.
    """

    title: str
    format: TranscriptFormat
    recorded_at: datetime | None
    segments: tuple[Segment, ...]
    reading_report: BoundedReadingReport | None = None


def build_ingestion_events(
    submitted: TranscriptSubmitted,
    chunk_sizes: ChunkSizes,
    fetched: bytes | None = None,
    max_content_bytes: int = MAX_CONTENT_BYTES,
    study: Study | None = None,
) -> tuple[Event, ...]:
    """Parse an interview; return an event with its segments, and one for each chunk.

    Args:
        submitted: the interview as the producer handed it in.
        chunk_sizes: how it is cut.
        fetched: the file behind its URI, if its content is one.
        max_content_bytes: the most bytes of a file, before and after decompression.
        study: what it is for, with the policies that count; the study in it if None.

    Returns:
        The interview as segments, then its chunks in order.

    Raises:
        transcripts.errors: the content is empty, too large, malformed, of no known format, or in
            doubt and not accepted so.
        ingestion.errors: the content is not what it says it is.
    """
    if submitted.content_form is ContentForm.TEXT:
        # To hash a text takes several times its size, and running out of memory there, in
        # pydantic's Rust, may leave the process hanging.
        check_utf8_size(submitted.content, DEFAULT_MAX_BYTES)
    # As control finds it in the message, which knows no fetched content.
    content_sha256 = submitted.content_sha256
    submitted, decoded = resolve_content_to_text(submitted, fetched, max_content_bytes)
    study = study or submitted.study
    assert study is not None, "whoever submits only an id is given the study"
    reading = read_transcript(
        submitted.content, format=submitted.format, speakers=submitted.speakers
    )
    if not (submitted.accept_doubtful or study.doubtful_speakers is DoubtfulSpeakers.ACCEPT):
        reading.refuse_doubts()
    ingested, *chunks = _build_events(
        submitted, content_sha256, reading.segments, reading.format, study, chunk_sizes
    )
    report = build_reading_report(reading, decoded)
    return (ingested.model_copy(update={"reading_report": report}), *chunks)


def build_events_of_stored(
    submitted: TranscriptSubmitted,
    stored: StoredInterview,
    study: Study,
    chunk_sizes: ChunkSizes,
) -> tuple[Event, ...]:
    """Build the events to make new notes of a stored interview, one for each of its chunks.

    Args:
        submitted: what asks for it: a refresh or a correction.
        stored: what was said.
        study: what it is asked, with the policies that count.
        chunk_sizes: how it is cut.
    """
    known = {"title": stored.title, "recorded_at": stored.recorded_at}
    ingested, *chunks = _build_events(
        submitted.model_copy(update=known),
        submitted.content_sha256,
        stored.segments,
        stored.format,
        study,
        chunk_sizes,
    )
    return (ingested.model_copy(update={"reading_report": stored.reading_report}), *chunks)


def _build_events(  # noqa: PLR0913, PLR0917 - what an interview consists of
    submitted: TranscriptSubmitted,
    content_sha256: str,
    segments: tuple[Segment, ...],
    found_format: TranscriptFormat,
    study: Study,
    chunk_sizes: ChunkSizes,
) -> tuple[Event, ...]:
    chunks = split_into_chunks(
        segments,
        max_characters=chunk_sizes.max_characters,
        context_characters=chunk_sizes.context_characters,
    )
    speakers = tuple(dict.fromkeys(segment.speaker for segment in segments))
    ready = tuple(
        ChunkReady(
            chunk_id=ids.derive_chunk_id(
                submitted.transcript_id, submitted.revision, content_sha256, chunk.index
            ),
            transcript_id=submitted.transcript_id,
            revision=submitted.revision,
            index=chunk.index,
            chunk_count=len(chunks),
            title=submitted.title,
            study=study,
            context=chunk.context,
            segments=chunk.segments,
            speakers=speakers,
        )
        for chunk in chunks
    )
    ingested = TranscriptIngested(
        transcript_id=submitted.transcript_id,
        revision=submitted.revision,
        title=submitted.title,
        study=study,
        format=found_format,
        content_sha256=content_sha256,
        recorded_at=submitted.recorded_at,
        segments=segments,
        chunks=tuple(_refs(ready)),
    )
    return (ingested, *ready)


def _refs(chunks: tuple[ChunkReady, ...]) -> Iterator[ChunkRef]:
    for chunk in chunks:
        yield ChunkRef(
            chunk_id=chunk.chunk_id,
            index=chunk.index,
            first_segment=chunk.segments[0].number,
            last_segment=chunk.segments[-1].number,
        )
