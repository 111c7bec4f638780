"""Open speech models: Whisper and its many ports, Hugging Face pipelines, Vosk, and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import POSSIBLE, Family, Format, by_document
from transcripts.notices import Notices
from transcripts.turns import Passage
from transcripts.vendors.words import (
    Clock,
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
    listed = at(document, "speakers")
    if isinstance(listed, dict):  # `{"0": "Ann Lee", "1": {"name": "Tom"}}`
        named = {str(one): text(at(name, "name")) or text(name) for one, name in listed.items()}
        return {one: name.strip() for one, name in named.items() if name.strip()}
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
    Format(
        TranscriptFormat.WHISPER_CPP,
        Family.MODELS,
        "whisper.cpp",
        *by_document(_is_whisper_cpp, _whisper_cpp),
        (
            '{"transcription": [{"offsets": {"from": 1000, "to": 2000}, "text": " How?", "speaker'
            '": "0"}, {"offsets": {"from": 3000, "to": 5500}, "text": " With a ladder.", "speaker'
            '": "1"}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.HUGGING_FACE,
        Family.MODELS,
        "Hugging Face pipelines, Insanely Fast Whisper",
        *by_document(_is_hugging_face, _hugging_face),
        (
            '{"text": "", "chunks": [{"timestamp": [1.0, 2.0], "text": " How?"}, {"timestamp": [3'
            '.0, null], "text": " With a ladder."}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.WHISPER,
        Family.MODELS,
        "Whisper, faster-whisper, WhisperX, whisper-timestamped, OpenAI's and Groq's API",
        *by_document(_is_whisper, _whisper),
        (
            '{"segments": [{"start": 1, "end": 2, "text": "How?", "speaker": "SPEAKER_00"}, {"sta'
            'rt": 3, "end": 5.5, "text": "With a ladder.", "speaker": "SPEAKER_01"}]}'
        ),
        confidence=POSSIBLE + 0.1,
        json=True,
    ),
    Format(
        TranscriptFormat.VOSK,
        Family.MODELS,
        "Vosk",
        *by_document(_is_vosk, _vosk),
        '{"result": [{"word": "how", "start": 1.0, "end": 2.0, "conf": 1.0}], "text": "how"}',
        json=True,
    ),
)
