"""Open speech models: Whisper and its many ports, Hugging Face pipelines, Vosk, and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.notices import Notices
from transcripts.turns import Passage
from transcripts.vendors.format import (
    Clock,
    JsonFormat,
    Word,
    at,
    first,
    is_objects,
    objects,
    of_segment,
    of_words,
    text,
    voice,
)


def _is_whisper(document: Any) -> bool:
    """``segments[{start, end, text}]``; not Rev's or Amberscript's, which have no such text."""
    segments = at(document, "segments")
    return is_objects(segments) and any(
        isinstance(one.get("text"), str) and "start" in one for one in segments
    )


def _whisper(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    names = _names(document)
    for segment in objects(document["segments"]):
        speaker = first(segment, "speaker", "speaker_id", "speaker_label")
        words = [
            Word(
                text(first(word, "word", "text")),
                *clock.span(word.get("start"), word.get("end")),
                speaker=names.get(str(word.get("speaker")), voice(word.get("speaker"))) or None,
            )
            for word in objects(segment.get("words"))
        ]
        yield from of_segment(
            names.get(str(speaker), voice(speaker)),
            text(segment.get("text")),
            clock.span(segment.get("start"), segment.get("end")),
            words,
        )


def _names(document: Any) -> dict[str, str]:
    return {
        str(one.get("id")): text(one.get("name")).strip()
        for one in objects(at(document, "speakers"))
        if text(one.get("name")).strip()
    }


def _is_whisper_cpp(document: Any) -> bool:
    listed = at(document, "transcription")
    return is_objects(listed) and any("offsets" in one or "timestamps" in one for one in listed)


def _whisper_cpp(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    for one in objects(document["transcription"]):
        stamps = one.get("offsets") or one.get("timestamps")
        times = clock.span(at(stamps, "from"), at(stamps, "to"))
        yield from of_segment(voice(one.get("speaker")), text(one.get("text")), times)


def _is_hugging_face(document: Any) -> bool:
    chunks = at(document, "speakers")
    chunks = chunks if is_objects(chunks) and "timestamp" in chunks[0] else at(document, "chunks")
    return is_objects(chunks) and any("timestamp" in one for one in chunks)


def _hugging_face(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    diarised = objects(document.get("speakers"))
    chunks = diarised if diarised and "timestamp" in diarised[0] else objects(document["chunks"])
    for one in chunks:
        stamp = one.get("timestamp")
        start, end = (*stamp, None, None)[:2] if isinstance(stamp, list) else (None, None)
        yield from of_segment(
            voice(one.get("speaker")), text(one.get("text")), clock.span(start, end)
        )


def _is_vosk(document: Any) -> bool:
    listed = at(document, "result")
    return is_objects(listed) and all("word" in one and "start" in one for one in listed)


def _vosk(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    yield from of_words(
        (
            Word(text(one.get("word")), *clock.span(one.get("start"), one.get("end")))
            for one in objects(document["result"])
        ),
        notices,
    )


FORMATS: Final = (
    JsonFormat(TranscriptFormat.WHISPER_CPP, _is_whisper_cpp, _whisper_cpp),
    JsonFormat(TranscriptFormat.HUGGING_FACE, _is_hugging_face, _hugging_face),
    JsonFormat(TranscriptFormat.WHISPER, _is_whisper, _whisper),
    JsonFormat(TranscriptFormat.VOSK, _is_vosk, _vosk),
)
