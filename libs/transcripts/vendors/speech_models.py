"""Open speech models: Whisper and its many ports, Hugging Face pipelines, Vosk, and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices
from transcripts.segments.turns import SpokenPassage
from transcripts.vendors.words import (
    TimeConverter,
    TimedWord,
    build_segment_passages,
    filter_objects,
    format_speaker_label,
    get_first_present,
    get_nested,
    get_text_or_empty,
    group_words_by_speaker,
    is_object_list,
    new_timed_word,
)


def _is_whisper(document: Any) -> bool:
    """``segments[{start, end, text}]``; not Rev's or Amberscript's, which have no such text."""
    segments = get_nested(document, "segments")
    return is_object_list(segments) and any(
        isinstance(one.get("text"), str) and "start" in one for one in segments
    )


def _whisper(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    names = _names(document)
    labels: dict[str, str | None] = {}

    def label_of(identifier: Any) -> str | None:
        if type(identifier) is not str:
            return names.get(str(identifier), format_speaker_label(identifier)) or None
        if identifier not in labels:
            labels[identifier] = names.get(identifier, format_speaker_label(identifier)) or None
        return labels[identifier]

    for segment in filter_objects(document["segments"]):
        speaker = get_first_present(segment, "speaker", "speaker_id", "speaker_label")
        words = [
            new_timed_word(
                (
                    get_text_or_empty(get_first_present(word, "word", "text")),
                    *clock.span(word.get("start"), word.get("end")),
                    label_of(word.get("speaker")),
                    False,
                )
            )
            for word in filter_objects(segment.get("words"))
        ]
        yield from build_segment_passages(
            label_of(speaker) or "",
            get_text_or_empty(segment.get("text")),
            clock.span(segment.get("start"), segment.get("end")),
            words,
        )


def _names(document: Any) -> dict[str, str]:
    listed = get_nested(document, "speakers")
    if isinstance(listed, dict):  # `{"0": "Ann Lee", "1": {"name": "Tom"}}`
        named = {
            str(one): get_text_or_empty(get_nested(name, "name")) or get_text_or_empty(name)
            for one, name in listed.items()
        }
        return {one: name.strip() for one, name in named.items() if name.strip()}
    return {
        str(one.get("id")): get_text_or_empty(one.get("name")).strip()
        for one in filter_objects(get_nested(document, "speakers"))
        if get_text_or_empty(one.get("name")).strip()
    }


def _is_whisper_cpp(document: Any) -> bool:
    listed = get_nested(document, "transcription")
    return is_object_list(listed) and any("offsets" in one or "timestamps" in one for one in listed)


def _whisper_cpp(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    for one in filter_objects(document["transcription"]):
        stamps = one.get("offsets") or one.get("timestamps")
        times = clock.span(get_nested(stamps, "from"), get_nested(stamps, "to"))
        yield from build_segment_passages(
            format_speaker_label(one.get("speaker")), get_text_or_empty(one.get("text")), times
        )


def _is_hugging_face(document: Any) -> bool:
    chunks = get_nested(document, "speakers")
    chunks = (
        chunks
        if is_object_list(chunks) and "timestamp" in chunks[0]
        else get_nested(document, "chunks")
    )
    return is_object_list(chunks) and any("timestamp" in one for one in chunks)


def _hugging_face(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    diarised = filter_objects(document.get("speakers"))
    chunks = (
        diarised if diarised and "timestamp" in diarised[0] else filter_objects(document["chunks"])
    )
    for one in chunks:
        stamp = one.get("timestamp")
        start, end = (*stamp, None, None)[:2] if isinstance(stamp, list) else (None, None)
        yield from build_segment_passages(
            format_speaker_label(one.get("speaker")),
            get_text_or_empty(one.get("text")),
            clock.span(start, end),
        )


def _is_vosk(document: Any) -> bool:
    listed = get_nested(document, "result")
    return is_object_list(listed) and all("word" in one and "start" in one for one in listed)


def _vosk(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    yield from group_words_by_speaker(
        (
            TimedWord(
                get_text_or_empty(one.get("word")), *clock.span(one.get("start"), one.get("end"))
            )
            for one in filter_objects(document["result"])
        ),
        notices,
    )


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.WHISPER_CPP,
        FormatFamily.MODELS,
        "whisper.cpp",
        *adapt_json_functions(_is_whisper_cpp, _whisper_cpp),
        (
            '{"transcription": [{"offsets": {"from": 1000, "to": 2000}, "text": " How?", "speaker'
            '": "0"}, {"offsets": {"from": 3000, "to": 5500}, "text": " With a ladder.", "speaker'
            '": "1"}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.HUGGING_FACE,
        FormatFamily.MODELS,
        "Hugging Face pipelines, Insanely Fast Whisper",
        *adapt_json_functions(_is_hugging_face, _hugging_face),
        (
            '{"text": "", "chunks": [{"timestamp": [1.0, 2.0], "text": " How?"}, {"timestamp": [3'
            '.0, null], "text": " With a ladder."}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.WHISPER,
        FormatFamily.MODELS,
        "Whisper, faster-whisper, WhisperX, whisper-timestamped, OpenAI's and Groq's API",
        *adapt_json_functions(_is_whisper, _whisper),
        (
            '{"segments": [{"start": 1, "end": 2, "text": "How?", "speaker": "SPEAKER_00"}, {"sta'
            'rt": 3, "end": 5.5, "text": "With a ladder.", "speaker": "SPEAKER_01"}]}'
        ),
        confidence=POSSIBLE + 0.1,
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.VOSK,
        FormatFamily.MODELS,
        "Vosk",
        *adapt_json_functions(_is_vosk, _vosk),
        '{"result": [{"word": "how", "start": 1.0, "end": 2.0, "conf": 1.0}], "text": "how"}',
        json=True,
    ),
)
