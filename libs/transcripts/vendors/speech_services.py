"""Transcription services: AssemblyAI, Deepgram, Speechmatics, Gladia, ElevenLabs, Trint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import FormatDefinition, FormatFamily, adapt_json_functions
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


def _is_assemblyai(document: Any) -> bool:
    words = get_nested(document, "words")
    utterances = get_nested(document, "utterances")
    named = isinstance(document, dict) and bool(
        {"audio_url", "acoustic_model", "language_model", "status", "audio_duration"}
        & set(document)
    )
    shaped = is_object_list(utterances) and all(
        "speaker" in one and "start" in one for one in utterances
    )
    # Whole milliseconds: others, such as Gentle, have a status and words in seconds.
    counted = is_object_list(words) and not any(
        isinstance(one.get("start"), float) for one in words
    )
    return (named and (shaped or counted)) or (shaped and "confidence" in utterances[0])


def _assemblyai(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    utterances = filter_objects(document.get("utterances"))
    if utterances:
        yield from _utterances(utterances, clock)
    else:
        yield from group_words_by_speaker(_words(document.get("words"), clock), notices)


def _utterances(
    utterances: Iterable[dict[str, Any]], clock: TimeConverter
) -> Iterator[SpokenPassage]:
    for one in utterances:
        label = get_first_present(one, "speaker", "speaker_id", "channel")
        yield from build_segment_passages(
            format_speaker_label(label),
            get_text_or_empty(get_first_present(one, "text", "transcript")),
            clock.span(one.get("start"), one.get("end")),
            _words(one.get("words"), clock, with_speakers=False),
        )


def _words(listed: Any, clock: TimeConverter, *, with_speakers: bool = True) -> Iterator[TimedWord]:
    for word in filter_objects(listed):
        label = get_first_present(word, "speaker", "speaker_id") if with_speakers else None
        text = get_first_present(word, "punctuated_word", "text", "word")
        start_ms, end_ms = clock.span(word.get("start"), word.get("end"))
        speaker = None if label is None else format_speaker_label(label)
        yield new_timed_word((get_text_or_empty(text), start_ms, end_ms, speaker, False))


def _is_deepgram(document: Any) -> bool:
    results = get_nested(document, "results")
    return is_object_list(get_nested(results, "channels")) or is_object_list(
        get_nested(results, "utterances")
    )


def _deepgram(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    results = document["results"]
    utterances = filter_objects(results.get("utterances"))
    channels = filter_objects(results.get("channels"))
    if utterances and (len(channels) < 2 or any("speaker" in one for one in utterances)):  # noqa: PLR2004
        yield from _utterances(utterances, clock)
        return
    paragraphs = _deepgram_paragraphs(channels)
    if paragraphs:
        for one in paragraphs:
            said = " ".join(
                get_text_or_empty(part.get("text")) for part in filter_objects(one.get("sentences"))
            )
            times = clock.span(one.get("start"), one.get("end"))
            yield from build_segment_passages(format_speaker_label(one.get("speaker")), said, times)
        return
    spoken: list[tuple[int, TimedWord]] = []
    for number, channel in enumerate(channels):
        best = next(iter(filter_objects(channel.get("alternatives"))), {})
        words = list(_words(best.get("words"), clock))
        if not words and get_text_or_empty(best.get("transcript")):
            words = [TimedWord(get_text_or_empty(best.get("transcript")))]
        if len(channels) > 1 and not any(word.speaker for word in words):
            words = [
                TimedWord(word.text, word.start_ms, word.end_ms, f"Channel {number}")
                for word in words
            ]
        spoken += [(number, word) for word in words]
    if len(channels) > 1:
        spoken.sort(key=lambda pair: pair[1].start_ms or 0)
    yield from group_words_by_speaker((word for _, word in spoken), notices)


def _deepgram_paragraphs(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Paragraphs with speakers, where the words have none and there is one channel."""
    if len(channels) != 1:
        return []
    best = next(iter(filter_objects(channels[0].get("alternatives"))), {})
    listed = filter_objects(get_nested(best, "paragraphs", "paragraphs"))
    has_sentences = all("speaker" in one and "sentences" in one for one in listed)
    return (
        listed
        if has_sentences and not any("speaker" in one for one in filter_objects(best.get("words")))
        else []
    )


def _is_speechmatics(document: Any) -> bool:
    results = get_nested(document, "results")
    return is_object_list(results) and any(
        "alternatives" in one and one.get("type") in ("word", "punctuation", "entity")
        for one in results
    )


def _speechmatics(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)

    def words() -> Iterator[TimedWord]:
        for one in filter_objects(document["results"]):
            best = next(iter(filter_objects(one.get("alternatives"))), {})
            label = get_text_or_empty(best.get("speaker")) or get_text_or_empty(one.get("channel"))
            punctuation = one.get("type") == "punctuation"
            yield TimedWord(
                get_text_or_empty(best.get("content")),
                *clock.span(one.get("start_time"), one.get("end_time")),
                speaker=("" if label == "UU" else label) if label and not punctuation else None,
                hangs=punctuation or one.get("attaches_to") == "previous",
            )

    yield from group_words_by_speaker(words(), notices)


def _is_speechmatics_v1(document: Any) -> bool:
    words = get_nested(document, "words")
    return is_object_list(words) and all("name" in one and "time" in one for one in words[:5])


def _speechmatics_v1(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    starts = sorted(
        (clock(one.get("time")) or 0, get_text_or_empty(one.get("name")))
        for one in filter_objects(document.get("speakers"))
    )

    def words() -> Iterator[TimedWord]:
        position = -1
        for one in filter_objects(document["words"]):
            start_ms, length_ms = clock(one.get("time")), clock(one.get("duration"))
            while position + 1 < len(starts) and starts[position + 1][0] <= (start_ms or 0):
                position += 1
            yield TimedWord(
                get_text_or_empty(one.get("name")),
                start_ms,
                None if start_ms is None or length_ms is None else start_ms + length_ms,
                speaker=starts[position][1] if position >= 0 else "",
            )

    yield from group_words_by_speaker(words(), notices)


def _gladia_part(document: Any) -> Any:
    return get_first_present(
        {
            "result": get_nested(document, "result", "transcription"),
            "top": get_nested(document, "transcription"),
        },
        "result",
        "top",
    )


def _is_gladia(document: Any) -> bool:
    return is_object_list(get_nested(_gladia_part(document), "utterances"))


def _gladia(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    utterances = filter_objects(_gladia_part(document)["utterances"])
    yield from _utterances(utterances, TimeConverter(1_000, notices))


def _is_elevenlabs(document: Any) -> bool:
    words = get_nested(document, "words")
    return is_object_list(words) and any(
        one.get("type") in ("word", "spacing", "audio_event") and "text" in one for one in words
    )


def _elevenlabs(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)

    def words() -> Iterator[TimedWord]:
        for one in filter_objects(document["words"]):
            label = one.get("speaker_id")
            yield TimedWord(
                get_text_or_empty(one.get("text")),
                *(
                    (None, None)
                    if one.get("type") == "spacing"
                    else clock.span(one.get("start"), one.get("end"))
                ),
                speaker=format_speaker_label(label) if label else None,
                hangs=True,  # blanks are items of their own
            )

    yield from group_words_by_speaker(words(), notices)


def _is_trint(document: Any) -> bool:
    paragraphs = get_nested(document, "transcript", "paragraphs")
    return is_object_list(paragraphs) or _has_words_by_paragraph(document)


def _has_words_by_paragraph(document: Any) -> bool:
    """Whether the words name their paragraphs and speakers themselves."""
    words = get_nested(document, "transcript", "words")
    return is_object_list(words) and all(
        isinstance(one, dict) and {"name", "time", "para"} <= one.keys() for one in words[:20]
    )


def _trint(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    transcript = document["transcript"]
    names = {
        str(one.get("id")): get_text_or_empty(one.get("name"))
        for one in filter_objects(transcript.get("speakers"))
    }
    loose = {
        key: list(group)
        for key, group in groupby(
            filter_objects(transcript.get("words")), key=lambda one: str(one.get("paragraphId"))
        )
    }
    if _has_words_by_paragraph(document):
        yield from group_words_by_speaker(_trint_words(transcript["words"], names, clock), notices)
        return
    for paragraph in filter_objects(transcript["paragraphs"]):
        label = get_text_or_empty(paragraph.get("speaker")) or str(paragraph.get("speaker") or "")
        listed = paragraph.get("words") or loose.get(str(paragraph.get("id")), [])
        words = []
        for one in filter_objects(listed):
            start_ms, length_ms = (
                clock(get_first_present(one, "start", "time")),
                clock(one.get("duration")),
            )
            end_ms = None if start_ms is None or length_ms is None else start_ms + length_ms
            words.append(
                TimedWord(
                    get_text_or_empty(get_first_present(one, "value", "text", "word")),
                    start_ms,
                    end_ms,
                )
            )
        for passage in group_words_by_speaker(words, notices):
            yield SpokenPassage(names.get(label) or label, passage.pieces)


def _trint_words(
    listed: Any, names: Mapping[str, str], clock: TimeConverter
) -> Iterator[TimedWord]:
    for one in filter_objects(listed):
        start_ms, length_ms = clock(one.get("time")), clock(one.get("duration"))
        end_ms = None if start_ms is None or length_ms is None else start_ms + length_ms
        label = str(one.get("speaker") or "")
        yield TimedWord(
            get_text_or_empty(one.get("name")),
            start_ms,
            end_ms,
            speaker=names.get(label) or label or None,
        )


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.DEEPGRAM,
        FormatFamily.SERVICES,
        "Deepgram: utterances, diarised words, channels",
        *adapt_json_functions(_is_deepgram, _deepgram),
        (
            '{"results": {"utterances": [{"speaker": 0, "start": 1, "end": 2, "transcript": "How?'
            '"}, {"speaker": 1, "start": 3, "end": 5.5, "transcript": "With a ladder."}]}}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.SPEECHMATICS,
        FormatFamily.SERVICES,
        "Speechmatics",
        *adapt_json_functions(_is_speechmatics, _speechmatics),
        (
            '{"format": "2.9", "results": [{"type": "word", "start_time": 1, "end_time": 2, "alte'
            'rnatives": [{"content": "How", "speaker": "S1"}]}, {"type": "punctuation", "start_ti'
            'me": 2, "end_time": 2, "alternatives": [{"content": "?", "speaker": "S1"}]}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.SPEECHMATICS_V1,
        FormatFamily.SERVICES,
        "Speechmatics, first version",
        *adapt_json_functions(_is_speechmatics_v1, _speechmatics_v1),
        (
            '{"speakers": [{"name": "M1", "time": "1.0"}], "words": [{"name": "How?", "time": "1.'
            '0", "duration": "0.5"}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.GLADIA,
        FormatFamily.SERVICES,
        "Gladia",
        *adapt_json_functions(_is_gladia, _gladia),
        (
            '{"result": {"transcription": {"utterances": [{"speaker": 0, "start": 1, "end": 2, "t'
            'ext": "How?"}]}}}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.ELEVENLABS,
        FormatFamily.SERVICES,
        "ElevenLabs Scribe",
        *adapt_json_functions(_is_elevenlabs, _elevenlabs),
        (
            '{"language_code": "en", "words": [{"text": "How?", "start": 1, "end": 2, "type": "wo'
            'rd", "speaker_id": "speaker_0"}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.TRINT,
        FormatFamily.SERVICES,
        "Trint",
        *adapt_json_functions(_is_trint, _trint),
        (
            '{"transcript": {"paragraphs": [{"speaker": "Odile", "words": [{"value": "How?", "sta'
            'rt": 1000, "duration": 500}]}]}}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.ASSEMBLYAI,
        FormatFamily.SERVICES,
        "AssemblyAI",
        *adapt_json_functions(_is_assemblyai, _assemblyai),
        (
            '{"status": "completed", "utterances": [{"speaker": "A", "start": 1000, "end": 2000, '
            '"text": "How?", "confidence": 0.9}]}'
        ),
        json=True,
    ),
)
