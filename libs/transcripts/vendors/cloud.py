"""Transcription by cloud providers: AWS, Google, Azure and IBM Watson."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import LIKELY, Family, Format, by_document
from transcripts.notices import Notices
from transcripts.turns import Passage
from transcripts.vendors.words import (
    Clock,
    Word,
    at,
    first,
    is_objects,
    key,
    objects,
    of_segment,
    of_words,
    text,
    ticks,
    voice,
)


def _is_aws(document: Any) -> bool:
    items = at(document, "results", "items")
    return is_objects(items) and any("alternatives" in one for one in items)


def _aws(document: Any, notices: Notices) -> Iterator[Passage]:
    results = document["results"]
    clock = Clock(1_000, notices)
    channels = objects(at(results, "channel_labels", "channels"))
    if len(channels) > 1:
        spoken = [
            (text(channel.get("channel_label")), item)
            for channel in channels
            for item in objects(channel.get("items"))
        ]
        words = [_aws_word(item, label, clock) for label, item in spoken]
        yield from of_words(_in_order(words), notices)
        return
    labels = {
        key(one.get("start_time"), one.get("end_time")): text(one.get("speaker_label"))
        for segment in objects(at(results, "speaker_labels", "segments"))
        for one in objects(segment.get("items"))
    }
    yield from of_words(
        (
            _aws_word(
                item,
                text(item.get("speaker_label"))
                or labels.get(key(item.get("start_time"), item.get("end_time")), ""),
                clock,
            )
            for item in objects(results["items"])
        ),
        notices,
    )


def _aws_word(item: dict[str, Any], label: str, clock: Clock) -> Word:
    best = next(iter(objects(item.get("alternatives"))), {})
    punctuation = item.get("type") == "punctuation"
    return Word(
        text(best.get("content")),
        *clock.span(item.get("start_time"), item.get("end_time")),
        speaker=None if punctuation else label,
        hangs=punctuation,
    )


def _in_order(words: list[Word]) -> list[Word]:
    """Words of several channels in order of time; punctuation stays behind its word."""
    latest = 0
    keyed: list[tuple[int, int, Word]] = []
    label = ""
    for position, word in enumerate(words):
        latest = word.start_ms if word.start_ms is not None else latest
        label = word.speaker or label
        keyed.append(
            (latest, position, Word(word.text, word.start_ms, word.end_ms, label, word.hangs))
        )
    return [word for _, _, word in sorted(keyed, key=lambda one: one[:2])]


def _is_aws_calls(document: Any) -> bool:
    listed = at(document, "Transcript")
    return is_objects(listed) and any("Content" in one for one in listed)


def _aws_calls(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    for one in objects(document["Transcript"]):
        words = [
            Word(
                text(item.get("Content")),
                *clock.span(item.get("BeginOffsetMillis"), item.get("EndOffsetMillis")),
            )
            for item in objects(one.get("Items"))
        ]
        label = text(first(one, "ParticipantRole", "ParticipantId"))
        times = clock.span(one.get("BeginOffsetMillis"), one.get("EndOffsetMillis"))
        yield from of_segment(label, text(one.get("Content")), times, words)


def _google_results(document: Any) -> Any:
    return first(
        {
            "top": at(document, "results"),
            "response": at(document, "response", "results"),
            "inline": at(document, "inlineResult", "transcript", "results"),
        },
        "top",
        "response",
        "inline",
    )


def _is_google(document: Any) -> bool:
    results = _google_results(document)
    return is_objects(results) and any(
        "transcript" in best for one in results for best in objects(one.get("alternatives"))
    )


def _google(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    bests = [
        (one, best)
        for one in objects(_google_results(document))
        for best in objects(one.get("alternatives"))[:1]
    ]
    tagged = [best for _, best in bests if any(map(_google_tag, objects(best.get("words"))))]
    if tagged and "speakerTag" in "".join(str(sorted(w)) for w in objects(tagged[-1]["words"])[:1]):
        # The last result repeats all words, with speakers.
        yield from of_words(_google_words(tagged[-1], clock), notices)
        return
    channels = {key(one.get("channelTag")) for one, _ in bests if one.get("channelTag")}
    for one, best in bests:
        words = list(_google_words(best, clock))
        channel = f"Channel {one.get('channelTag')}" if len(channels) > 1 else ""
        if any(word.speaker for word in words):
            yield from of_words(words, notices)
        else:
            starts = [word.start_ms for word in words if word.start_ms is not None]
            ends = [word.end_ms for word in words if word.end_ms is not None]
            times = (min(starts, default=None), max(ends, default=None))
            yield from of_segment(channel, text(best.get("transcript")), times, words)


def _google_tag(word: dict[str, Any]) -> bool:
    return bool(first(word, "speakerTag", "speakerLabel"))


def _google_words(best: dict[str, Any], clock: Clock) -> Iterator[Word]:
    for word in objects(best.get("words")):
        label = first(word, "speakerTag", "speakerLabel")
        yield Word(
            text(word.get("word")),
            *clock.span(
                first(word, "startTime", "startOffset", "start_time"),
                first(word, "endTime", "endOffset", "end_time"),
            ),
            speaker=voice(label) if label else None,
        )


def _is_azure(document: Any) -> bool:
    return is_objects(at(document, "recognizedPhrases")) or (
        is_objects(at(document, "phrases")) and "combinedPhrases" in document
    )


def _azure(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    phrases = objects(document.get("recognizedPhrases")) or objects(document.get("phrases"))
    channels = {key(one.get("channel")) for one in phrases}
    made: list[tuple[int, Passage]] = []
    for one in phrases:
        best = next(iter(objects(one.get("nBest"))), one)
        start, length = _azure_time(one, "offset"), _azure_time(one, "duration")
        times = clock.span(start, None if start is None or length is None else start + length)
        label = one.get("speaker")
        name = voice(label) if label is not None else ""
        if not name and len(channels) > 1:
            name = f"Channel {one.get('channel')}"
        words = [
            Word(text(first(word, "word", "text")), *_azure_span(word, clock))
            for word in objects(first(best, "displayWords", "words"))
        ]
        said = text(first(best, "display", "text", "lexical"))
        made += [(times[0] or 0, passage) for passage in of_segment(name, said, times, words)]
    yield from (passage for _, passage in sorted(made, key=lambda pair: pair[0]))


def _azure_span(word: dict[str, Any], clock: Clock) -> tuple[int | None, int | None]:
    start, length = _azure_time(word, "offset"), _azure_time(word, "duration")
    return clock.span(start, None if start is None or length is None else start + length)


def _azure_time(one: dict[str, Any], name: str) -> float | None:
    given = first(one, f"{name}Milliseconds", f"{name}InMilliseconds")
    return given if isinstance(given, int | float) else ticks(one.get(f"{name}InTicks"))


def _is_watson(document: Any) -> bool:
    results = at(document, "results")
    return is_objects(results) and any(
        isinstance(best.get("timestamps"), list)
        for one in results
        for best in objects(one.get("alternatives"))
    )


def _watson(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    labels = {
        key(one.get("from"), one.get("to")): voice(one.get("speaker"))
        for one in objects(document.get("speaker_labels"))
    }

    def words() -> Iterator[Word]:
        for one in objects(document["results"]):
            best = next(iter(objects(one.get("alternatives"))), {})
            for stamp in best.get("timestamps") or []:
                if isinstance(stamp, list) and len(stamp) == 3:  # noqa: PLR2004 - word, from, to
                    said, start, end = stamp
                    label = labels.get(key(start, end))
                    yield Word(text(said), *clock.span(start, end), speaker=label)

    yield from of_words(words(), notices)


FORMATS: Final = (
    Format(
        TranscriptFormat.AWS,
        Family.SERVICES,
        "Amazon Transcribe",
        *by_document(_is_aws, _aws),
        (
            '{"results": {"items": [{"type": "pronunciation", "start_time": "1.0", "end_time": "2'
            '.0", "speaker_label": "spk_0", "alternatives": [{"content": "How"}]}, {"type": "punc'
            'tuation", "alternatives": [{"content": "?"}]}]}}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.AWS_CALLS,
        Family.SERVICES,
        "Amazon Transcribe Call Analytics",
        *by_document(_is_aws_calls, _aws_calls),
        (
            '{"Transcript": [{"ParticipantRole": "AGENT", "Content": "How?", "BeginOffsetMillis":'
            ' 1000, "EndOffsetMillis": 2000}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.WATSON,
        Family.SERVICES,
        "IBM Watson",
        *by_document(_is_watson, _watson),
        (
            '{"results": [{"alternatives": [{"timestamps": [["How?", 1, 2]]}]}], "speaker_labels"'
            ': [{"from": 1, "to": 2, "speaker": 0}]}'
        ),
        confidence=LIKELY + 0.1,
        json=True,
    ),
    Format(
        TranscriptFormat.GOOGLE,
        Family.SERVICES,
        "Google Speech-to-Text, versions 1 and 2",
        *by_document(_is_google, _google),
        (
            '{"results": [{"alternatives": [{"transcript": "How?", "words": [{"word": "How?", "st'
            'artOffset": "1s", "endOffset": "2s", "speakerLabel": "1"}]}]}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.AZURE,
        Family.SERVICES,
        "Azure Speech, batch and fast",
        *by_document(_is_azure, _azure),
        (
            '{"recognizedPhrases": [{"speaker": 1, "channel": 0, "offsetInTicks": 10000000, "dura'
            'tionInTicks": 10000000, "nBest": [{"display": "How?"}]}]}'
        ),
        json=True,
    ),
)
