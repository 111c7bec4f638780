"""Transcription services: AssemblyAI, Deepgram, Speechmatics, Gladia, ElevenLabs, Trint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import Family, Format, by_document
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


def _is_assemblyai(document: Any) -> bool:
    words = at(document, "words")
    utterances = at(document, "utterances")
    named = isinstance(document, dict) and bool(
        {"audio_url", "acoustic_model", "language_model", "status", "audio_duration"}
        & set(document)
    )
    shaped = is_objects(utterances) and all("speaker" in one for one in utterances)
    return (named and (shaped or is_objects(words))) or (shaped and "confidence" in utterances[0])


def _assemblyai(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    utterances = objects(document.get("utterances"))
    if utterances:
        yield from _utterances(utterances, clock)
    else:
        yield from of_words(_words(document.get("words"), clock), notices)


def _utterances(utterances: Iterable[dict[str, Any]], clock: Clock) -> Iterator[Passage]:
    for one in utterances:
        label = first(one, "speaker", "speaker_id", "channel")
        yield from of_segment(
            voice(label),
            text(first(one, "text", "transcript")),
            clock.span(one.get("start"), one.get("end")),
            _words(one.get("words"), clock, with_speakers=False),
        )


def _words(listed: Any, clock: Clock, *, with_speakers: bool = True) -> Iterator[Word]:
    for word in objects(listed):
        label = first(word, "speaker", "speaker_id") if with_speakers else None
        yield Word(
            text(first(word, "punctuated_word", "text", "word")),
            *clock.span(word.get("start"), word.get("end")),
            speaker=None if label is None else voice(label),
        )


def _is_deepgram(document: Any) -> bool:
    results = at(document, "results")
    return is_objects(at(results, "channels")) or is_objects(at(results, "utterances"))


def _deepgram(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    results = document["results"]
    utterances = objects(results.get("utterances"))
    channels = objects(results.get("channels"))
    if utterances and (len(channels) < 2 or any("speaker" in one for one in utterances)):  # noqa: PLR2004
        yield from _utterances(utterances, clock)
        return
    paragraphs = _deepgram_paragraphs(channels)
    if paragraphs:
        for one in paragraphs:
            said = " ".join(text(part.get("text")) for part in objects(one.get("sentences")))
            times = clock.span(one.get("start"), one.get("end"))
            yield from of_segment(voice(one.get("speaker")), said, times)
        return
    spoken: list[tuple[int, Word]] = []
    for number, channel in enumerate(channels):
        best = next(iter(objects(channel.get("alternatives"))), {})
        words = list(_words(best.get("words"), clock))
        if not words and text(best.get("transcript")):
            words = [Word(text(best.get("transcript")))]
        if len(channels) > 1 and not any(word.speaker for word in words):
            words = [
                Word(word.text, word.start_ms, word.end_ms, f"Channel {number}") for word in words
            ]
        spoken += [(number, word) for word in words]
    if len(channels) > 1:
        spoken.sort(key=lambda pair: pair[1].start_ms or 0)
    yield from of_words((word for _, word in spoken), notices)


def _deepgram_paragraphs(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Paragraphs with speakers, where the words have none and there is one channel."""
    if len(channels) != 1:
        return []
    best = next(iter(objects(channels[0].get("alternatives"))), {})
    listed = objects(at(best, "paragraphs", "paragraphs"))
    has_sentences = all("speaker" in one and "sentences" in one for one in listed)
    return (
        listed
        if has_sentences and not any("speaker" in one for one in objects(best.get("words")))
        else []
    )


def _is_speechmatics(document: Any) -> bool:
    results = at(document, "results")
    return is_objects(results) and any(
        "alternatives" in one and one.get("type") in ("word", "punctuation", "entity")
        for one in results
    )


def _speechmatics(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)

    def words() -> Iterator[Word]:
        for one in objects(document["results"]):
            best = next(iter(objects(one.get("alternatives"))), {})
            label = text(best.get("speaker")) or text(one.get("channel"))
            punctuation = one.get("type") == "punctuation"
            yield Word(
                text(best.get("content")),
                *clock.span(one.get("start_time"), one.get("end_time")),
                speaker=("" if label == "UU" else label) if label and not punctuation else None,
                hangs=punctuation or one.get("attaches_to") == "previous",
            )

    yield from of_words(words(), notices)


def _is_speechmatics_v1(document: Any) -> bool:
    words = at(document, "words")
    return is_objects(words) and all("name" in one and "time" in one for one in words[:5])


def _speechmatics_v1(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    starts = sorted(
        (clock(one.get("time")) or 0, text(one.get("name")))
        for one in objects(document.get("speakers"))
    )

    def words() -> Iterator[Word]:
        position = -1
        for one in objects(document["words"]):
            start_ms, length_ms = clock(one.get("time")), clock(one.get("duration"))
            while position + 1 < len(starts) and starts[position + 1][0] <= (start_ms or 0):
                position += 1
            yield Word(
                text(one.get("name")),
                start_ms,
                None if start_ms is None or length_ms is None else start_ms + length_ms,
                speaker=starts[position][1] if position >= 0 else "",
            )

    yield from of_words(words(), notices)


def _gladia_part(document: Any) -> Any:
    return first(
        {
            "result": at(document, "result", "transcription"),
            "top": at(document, "transcription"),
        },
        "result",
        "top",
    )


def _is_gladia(document: Any) -> bool:
    return is_objects(at(_gladia_part(document), "utterances"))


def _gladia(document: Any, notices: Notices) -> Iterator[Passage]:
    utterances = objects(_gladia_part(document)["utterances"])
    yield from _utterances(utterances, Clock(1_000, notices))


def _is_elevenlabs(document: Any) -> bool:
    words = at(document, "words")
    return is_objects(words) and any(
        one.get("type") in ("word", "spacing", "audio_event") and "text" in one for one in words
    )


def _elevenlabs(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)

    def words() -> Iterator[Word]:
        for one in objects(document["words"]):
            label = one.get("speaker_id")
            yield Word(
                text(one.get("text")),
                *(
                    (None, None)
                    if one.get("type") == "spacing"
                    else clock.span(one.get("start"), one.get("end"))
                ),
                speaker=voice(label) if label else None,
                hangs=True,  # blanks are items of their own
            )

    yield from of_words(words(), notices)


def _is_trint(document: Any) -> bool:
    paragraphs = at(document, "transcript", "paragraphs")
    return is_objects(paragraphs)


def _trint(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    transcript = document["transcript"]
    names = {
        str(one.get("id")): text(one.get("name")) for one in objects(transcript.get("speakers"))
    }
    loose = {
        key: list(group)
        for key, group in groupby(
            objects(transcript.get("words")), key=lambda one: str(one.get("paragraphId"))
        )
    }
    for paragraph in objects(transcript["paragraphs"]):
        label = text(paragraph.get("speaker")) or str(paragraph.get("speaker") or "")
        listed = paragraph.get("words") or loose.get(str(paragraph.get("id")), [])
        words = []
        for one in objects(listed):
            start_ms, length_ms = clock(first(one, "start", "time")), clock(one.get("duration"))
            end_ms = None if start_ms is None or length_ms is None else start_ms + length_ms
            words.append(Word(text(first(one, "value", "text", "word")), start_ms, end_ms))
        for passage in of_words(words, notices):
            yield Passage(names.get(label) or label, passage.pieces)


FORMATS: Final = (
    Format(
        TranscriptFormat.DEEPGRAM,
        Family.SERVICES,
        "Deepgram: utterances, diarised words, channels",
        *by_document(_is_deepgram, _deepgram),
        (
            '{"results": {"utterances": [{"speaker": 0, "start": 1, "end": 2, "transcript": "How?'
            '"}, {"speaker": 1, "start": 3, "end": 5.5, "transcript": "With a ladder."}]}}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.SPEECHMATICS,
        Family.SERVICES,
        "Speechmatics",
        *by_document(_is_speechmatics, _speechmatics),
        (
            '{"format": "2.9", "results": [{"type": "word", "start_time": 1, "end_time": 2, "alte'
            'rnatives": [{"content": "How", "speaker": "S1"}]}, {"type": "punctuation", "start_ti'
            'me": 2, "end_time": 2, "alternatives": [{"content": "?", "speaker": "S1"}]}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.SPEECHMATICS_V1,
        Family.SERVICES,
        "Speechmatics, first version",
        *by_document(_is_speechmatics_v1, _speechmatics_v1),
        (
            '{"speakers": [{"name": "M1", "time": "1.0"}], "words": [{"name": "How?", "time": "1.'
            '0", "duration": "0.5"}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.GLADIA,
        Family.SERVICES,
        "Gladia",
        *by_document(_is_gladia, _gladia),
        (
            '{"result": {"transcription": {"utterances": [{"speaker": 0, "start": 1, "end": 2, "t'
            'ext": "How?"}]}}}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.ELEVENLABS,
        Family.SERVICES,
        "ElevenLabs Scribe",
        *by_document(_is_elevenlabs, _elevenlabs),
        (
            '{"language_code": "en", "words": [{"text": "How?", "start": 1, "end": 2, "type": "wo'
            'rd", "speaker_id": "speaker_0"}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.TRINT,
        Family.SERVICES,
        "Trint",
        *by_document(_is_trint, _trint),
        (
            '{"transcript": {"paragraphs": [{"speaker": "Odile", "words": [{"value": "How?", "sta'
            'rt": 1000, "duration": 500}]}]}}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.ASSEMBLYAI,
        Family.SERVICES,
        "AssemblyAI",
        *by_document(_is_assemblyai, _assemblyai),
        (
            '{"status": "completed", "utterances": [{"speaker": "A", "start": 1000, "end": 2000, '
            '"text": "How?", "confidence": 0.9}]}'
        ),
        json=True,
    ),
)
