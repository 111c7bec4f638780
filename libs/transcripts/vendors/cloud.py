"""Transcription by cloud providers: AWS, Google, Azure and IBM Watson."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import LIKELY, FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices
from transcripts.segments.turns import SpokenPassage
from transcripts.vendors.words import (
    TimeConverter,
    TimedWord,
    build_lookup_key,
    build_segment_passages,
    filter_objects,
    format_speaker_label,
    get_first_present,
    get_nested,
    get_text_or_empty,
    group_words_by_speaker,
    is_object_list,
    new_timed_word,
    ticks_to_ms,
)


def _is_aws(document: Any) -> bool:
    channels = filter_objects(get_nested(document, "results", "channel_labels", "channels"))
    lists = [get_nested(document, "results", "items"), *(one.get("items") for one in channels)]
    return any(
        is_object_list(items) and any("alternatives" in one for one in items) for items in lists
    )


def _aws(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    results = document["results"]
    clock = TimeConverter(1_000, notices)
    channels = filter_objects(get_nested(results, "channel_labels", "channels"))
    if channels and (len(channels) > 1 or not filter_objects(results.get("items"))):
        spoken = [
            (get_text_or_empty(channel.get("channel_label")), item)
            for channel in channels
            for item in filter_objects(channel.get("items"))
        ]
        words = [_aws_word(item, label, clock) for label, item in spoken]
        yield from group_words_by_speaker(_in_order(words), notices)
        return
    labels = {
        build_lookup_key(one.get("start_time"), one.get("end_time")): get_text_or_empty(
            one.get("speaker_label")
        )
        for segment in filter_objects(get_nested(results, "speaker_labels", "segments"))
        for one in filter_objects(segment.get("items"))
    }
    yield from group_words_by_speaker(
        (
            _aws_word(
                item,
                get_text_or_empty(item.get("speaker_label"))
                or labels.get(build_lookup_key(item.get("start_time"), item.get("end_time")), ""),
                clock,
            )
            for item in filter_objects(results["items"])
        ),
        notices,
    )


def _aws_word(item: dict[str, Any], label: str, clock: TimeConverter) -> TimedWord:
    best = next(iter(filter_objects(item.get("alternatives"))), {})
    punctuation = item.get("type") == "punctuation"
    start_ms, end_ms = clock.span(item.get("start_time"), item.get("end_time"))
    speaker = None if punctuation else label
    return new_timed_word(
        (get_text_or_empty(best.get("content")), start_ms, end_ms, speaker, punctuation)
    )


def _in_order(words: list[TimedWord]) -> list[TimedWord]:
    """Words of several channels in order of time; punctuation stays behind its word."""
    latest = 0
    keyed: list[tuple[int, int, TimedWord]] = []
    label = ""
    for position, word in enumerate(words):
        latest = word.start_ms if word.start_ms is not None else latest
        label = word.speaker or label
        keyed.append(
            (latest, position, TimedWord(word.text, word.start_ms, word.end_ms, label, word.hangs))
        )
    return [word for _, _, word in sorted(keyed, key=lambda one: one[:2])]


def _is_aws_calls(document: Any) -> bool:
    listed = get_nested(document, "Transcript")
    return is_object_list(listed) and any("Content" in one for one in listed)


def _aws_calls(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    roles = {
        get_text_or_empty(one.get("ParticipantId")): get_text_or_empty(one.get("ParticipantRole"))
        for one in filter_objects(document.get("Participants"))
    }
    if len(set(roles.values())) < len(roles):
        roles = {}  # several customers in one call
    for one in filter_objects(document["Transcript"]):
        words = [
            TimedWord(
                get_text_or_empty(item.get("Content")),
                *clock.span(item.get("BeginOffsetMillis"), item.get("EndOffsetMillis")),
            )
            for item in filter_objects(one.get("Items"))
        ]
        label = get_text_or_empty(get_first_present(one, "ParticipantRole", "ParticipantId"))
        label = roles.get(label) or label
        times = clock.span(one.get("BeginOffsetMillis"), one.get("EndOffsetMillis"))
        yield from build_segment_passages(
            label, get_text_or_empty(one.get("Content")), times, words
        )


def _google_results(document: Any) -> Any:
    return get_first_present(
        {
            "top": get_nested(document, "results"),
            "response": get_nested(document, "response", "results"),
            "inline": get_nested(document, "inlineResult", "transcript", "results"),
        },
        "top",
        "response",
        "inline",
    )


def _is_google(document: Any) -> bool:
    results = _google_results(document)
    return is_object_list(results) and any(
        "transcript" in best for one in results for best in filter_objects(one.get("alternatives"))
    )


def _google(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    bests = [
        (one, best)
        for one in filter_objects(_google_results(document))
        for best in filter_objects(one.get("alternatives"))[:1]
    ]
    tagged = [best for _, best in bests if any(map(_google_tag, filter_objects(best.get("words"))))]
    if tagged and "speakerTag" in "".join(
        str(sorted(w)) for w in filter_objects(tagged[-1]["words"])[:1]
    ):
        # The last result repeats all words, with speakers.
        yield from group_words_by_speaker(_google_words(tagged[-1], clock), notices)
        return
    channels = {
        build_lookup_key(one.get("channelTag")) for one, _ in bests if one.get("channelTag")
    }
    for one, best in bests:
        words = list(_google_words(best, clock))
        channel = f"Channel {one.get('channelTag')}" if len(channels) > 1 else ""
        if any(word.speaker for word in words):
            yield from group_words_by_speaker(words, notices)
        else:
            starts = [word.start_ms for word in words if word.start_ms is not None]
            ends = [word.end_ms for word in words if word.end_ms is not None]
            times = (min(starts, default=None), max(ends, default=None))
            yield from build_segment_passages(
                channel, get_text_or_empty(best.get("transcript")), times, words
            )


def _google_tag(word: dict[str, Any]) -> bool:
    return bool(get_first_present(word, "speakerTag", "speakerLabel"))


def _google_words(best: dict[str, Any], clock: TimeConverter) -> Iterator[TimedWord]:
    for word in filter_objects(best.get("words")):
        label = get_first_present(word, "speakerTag", "speakerLabel")
        yield TimedWord(
            get_text_or_empty(word.get("word")),
            *clock.span(
                get_first_present(word, "startTime", "startOffset", "start_time"),
                get_first_present(word, "endTime", "endOffset", "end_time"),
            ),
            speaker=format_speaker_label(label) if label else None,
        )


def _is_azure(document: Any) -> bool:
    return is_object_list(get_nested(document, "recognizedPhrases")) or (
        is_object_list(get_nested(document, "phrases")) and "combinedPhrases" in document
    )


def _azure(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    phrases = filter_objects(document.get("recognizedPhrases")) or filter_objects(
        document.get("phrases")
    )
    channels = {build_lookup_key(one.get("channel")) for one in phrases}
    made: list[tuple[int, SpokenPassage]] = []
    for one in phrases:
        best = next(iter(filter_objects(one.get("nBest"))), one)
        start, length = _azure_time(one, "offset"), _azure_time(one, "duration")
        times = clock.span(start, None if start is None or length is None else start + length)
        label = one.get("speaker")
        name = format_speaker_label(label) if label is not None else ""
        if not name and len(channels) > 1:
            name = f"Channel {one.get('channel')}"
        words = [
            TimedWord(
                get_text_or_empty(get_first_present(word, "word", "text")),
                *_azure_span(word, clock),
            )
            for word in filter_objects(get_first_present(best, "displayWords", "words"))
        ]
        said = get_text_or_empty(get_first_present(best, "display", "text", "lexical"))
        made += [
            (times[0] or 0, passage) for passage in build_segment_passages(name, said, times, words)
        ]
    yield from (passage for _, passage in sorted(made, key=lambda pair: pair[0]))


def _azure_span(word: dict[str, Any], clock: TimeConverter) -> tuple[int | None, int | None]:
    start, length = _azure_time(word, "offset"), _azure_time(word, "duration")
    return clock.span(start, None if start is None or length is None else start + length)


def _azure_time(one: dict[str, Any], name: str) -> float | None:
    given = get_first_present(one, f"{name}Milliseconds", f"{name}InMilliseconds")
    return given if isinstance(given, int | float) else ticks_to_ms(one.get(f"{name}InTicks"))


def _is_watson(document: Any) -> bool:
    results = get_nested(document, "results")
    return is_object_list(results) and any(
        isinstance(best.get("timestamps"), list)
        for one in results
        for best in filter_objects(one.get("alternatives"))
    )


def _watson(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    labels = {
        build_lookup_key(one.get("from"), one.get("to")): format_speaker_label(one.get("speaker"))
        for one in filter_objects(document.get("speaker_labels"))
    }

    def words() -> Iterator[TimedWord]:
        for one in filter_objects(document["results"]):
            best = next(iter(filter_objects(one.get("alternatives"))), {})
            for stamp in best.get("timestamps") or []:
                if isinstance(stamp, list) and len(stamp) == 3:  # noqa: PLR2004 - word, from, to
                    said, start, end = stamp
                    label = labels.get(build_lookup_key(start, end))
                    yield TimedWord(get_text_or_empty(said), *clock.span(start, end), speaker=label)

    yield from group_words_by_speaker(words(), notices)


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.AWS,
        FormatFamily.SERVICES,
        "Amazon Transcribe",
        *adapt_json_functions(_is_aws, _aws),
        (
            '{"results": {"items": [{"type": "pronunciation", "start_time": "1.0", "end_time": "2'
            '.0", "speaker_label": "spk_0", "alternatives": [{"content": "How"}]}, {"type": "punc'
            'tuation", "alternatives": [{"content": "?"}]}]}}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.AWS_CALLS,
        FormatFamily.SERVICES,
        "Amazon Transcribe Call Analytics",
        *adapt_json_functions(_is_aws_calls, _aws_calls),
        (
            '{"Transcript": [{"ParticipantRole": "AGENT", "Content": "How?", "BeginOffsetMillis":'
            ' 1000, "EndOffsetMillis": 2000}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.WATSON,
        FormatFamily.SERVICES,
        "IBM Watson",
        *adapt_json_functions(_is_watson, _watson),
        (
            '{"results": [{"alternatives": [{"timestamps": [["How?", 1, 2]]}]}], "speaker_labels"'
            ': [{"from": 1, "to": 2, "speaker": 0}]}'
        ),
        confidence=LIKELY + 0.1,
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.GOOGLE,
        FormatFamily.SERVICES,
        "Google Speech-to-Text, versions 1 and 2",
        *adapt_json_functions(_is_google, _google),
        (
            '{"results": [{"alternatives": [{"transcript": "How?", "words": [{"word": "How?", "st'
            'artOffset": "1s", "endOffset": "2s", "speakerLabel": "1"}]}]}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.AZURE,
        FormatFamily.SERVICES,
        "Azure Speech, batch and fast",
        *adapt_json_functions(_is_azure, _azure),
        (
            '{"recognizedPhrases": [{"speaker": 1, "channel": 0, "offsetInTicks": 10000000, "dura'
            'tionInTicks": 10000000, "nBest": [{"display": "How?"}]}]}'
        ),
        json=True,
    ),
)
