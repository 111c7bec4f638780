"""Meeting and research tools: Google Meet, Fireflies, podcasts, QMSum, oTranscribe, YouTube."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import unescape
from typing import Any, Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import (
    FormatDefinition,
    FormatFamily,
    TranscriptContent,
    adapt_json_functions,
)
from transcripts.notices import Notices
from transcripts.plain_text.reader import read_plain_transcript
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan
from transcripts.times import parse_clock_time
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
)


def _meet_entries(document: Any) -> Any:
    return document if isinstance(document, list) else get_nested(document, "transcriptEntries")


def _is_meet(document: Any) -> bool:
    entries = _meet_entries(document)
    return is_object_list(entries) and all(
        "participant" in one and "text" in one for one in entries[:5]
    )


def _meet(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    names = {
        get_text_or_empty(one.get("name")): get_text_or_empty(
            get_first_present(
                {
                    str(number): get_nested(one, kind, "displayName")
                    for number, kind in enumerate(("signedinUser", "anonymousUser", "phoneUser"))
                },
                "0",
                "1",
                "2",
            )
        )
        for one in filter_objects(get_nested(document, "participants"))
    }
    entries = filter_objects(_meet_entries(document))
    begin = next((moment for one in entries if (moment := _moment(one.get("startTime")))), None)
    for one in entries:
        participant = one.get("participant")
        label = get_text_or_empty(participant) or get_text_or_empty(get_nested(participant, "name"))
        start, end = (_moment(one.get(key)) for key in ("startTime", "endTime"))
        times = clock.span(
            None if start is None or begin is None else (start - begin).total_seconds(),
            None if end is None or begin is None else (end - begin).total_seconds(),
        )
        name = names.get(label) or label.rpartition("/")[2]
        yield from build_segment_passages(name, get_text_or_empty(one.get("text")), times)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(get_text_or_empty(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _fireflies_sentences(document: Any) -> Any:
    return get_first_present(
        {
            "top": get_nested(document, "sentences"),
            "api": get_nested(document, "data", "transcript", "sentences"),
            "transcript": get_nested(document, "transcript", "sentences"),
            "list": document if isinstance(document, list) else None,
        },
        "top",
        "api",
        "transcript",
        "list",
    )


def _is_fireflies(document: Any) -> bool:
    sentences = _fireflies_sentences(document)
    return is_object_list(sentences) and all("speaker_name" in one for one in sentences[:5])


def _fireflies(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    for one in filter_objects(_fireflies_sentences(document)):
        times = clock.span(
            get_first_present(one, "start_time", "startTime", "time"),
            get_first_present(one, "end_time", "endTime"),
        )
        label = get_text_or_empty(one.get("speaker_name")) or format_speaker_label(
            one.get("speaker_id")
        )
        said = get_text_or_empty(get_first_present(one, "text", "sentence", "raw_text"))
        yield from build_segment_passages(label, said, times)


def _is_podcast(document: Any) -> bool:
    segments = get_nested(document, "segments")
    # Where a speaker stands under another key, any list of turns is read with it.
    return is_object_list(segments) and any(
        "body" in one and "startTime" in one and ("speaker" in one or "speakerName" not in one)
        for one in segments
    )


def _podcast(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    segments = filter_objects(document["segments"])
    # The namespace lets a segment leave out a speaker who has not changed.
    carries = any(get_text_or_empty(one.get("speaker")) for one in segments)
    speaker = ""
    for one in segments:
        speaker = get_text_or_empty(one.get("speaker")) or (speaker if carries else "")
        times = clock.span(one.get("startTime"), one.get("endTime"))
        yield from build_segment_passages(speaker, get_text_or_empty(one.get("body")), times)


def _is_qmsum(document: Any) -> bool:
    turns = get_nested(document, "meeting_transcripts")
    return is_object_list(turns) and all("content" in one for one in turns[:5])


def _qmsum(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    del notices
    for one in filter_objects(document["meeting_transcripts"]):
        yield SpokenPassage(
            get_text_or_empty(one.get("speaker")),
            (TextSpan(get_text_or_empty(one.get("content"))),),
        )


def _is_youtube(document: Any) -> bool:
    return is_object_list(get_nested(document, "events")) and any(
        "segs" in one for one in document["events"]
    )


def _youtube(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)

    def words() -> Iterator[TimedWord]:
        for event in filter_objects(document["events"]):
            start_ms = clock(event.get("tStartMs"))
            for one in filter_objects(event.get("segs")):
                offset_ms = clock(one.get("tOffsetMs")) or 0
                said = get_text_or_empty(one.get("utf8"))
                if said.strip():
                    began = None if start_ms is None else start_ms + offset_ms
                    yield TimedWord(f" {said}" if not offset_ms else said, began, hangs=True)

    yield from group_words_by_speaker(words(), notices)


_TAG: Final = re.compile(r"<[^<>]{0,500}>")
# oTranscribe shows whole seconds, and keeps the exact time in an attribute.
_STATED_TIME: Final = re.compile(
    r"(?P<tag><span[^<>]{0,200}data-timestamp=\"(?P<exact>\d{1,6}\.\d{1,9})\"[^<>]{0,200}>)"
    r"\s*(?P<shown>(?:\d{1,3}:)?\d{1,3}:\d{2})\s*(?=</span>)"
)
_SHOWN_TIME: Final = re.compile(
    r"(<span[^<>]{0,200}data-timestamp=[^<>]{0,200}>)"
    r"\s*((?:\d{1,3}:)?\d{1,3}:\d{2}(?:\.\d{3})?)\s*(?=</span>)"
)


def is_otranscribe(document: Any) -> bool:
    """Return whether a JSON document is an export of the program oTranscribe."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("text"), str)
        and not {"media", "media-time", "media-source"}.isdisjoint(document)
    )


def extract_otranscribe_text(document: Any) -> str:
    """Extract the plain text from oTranscribe's HTML, one line per paragraph."""
    html = re.sub(r"(?i)</p>|<br\s*/?>|</div>", "\n", get_text_or_empty(document.get("text")))
    html = _STATED_TIME.sub(_exact_time, html)
    html = "\n".join(map(_bracket_inner_times, html.split("\n")))
    html = re.sub(
        r"(?i)</span>(?:[ \u00a0]|&nbsp;)*", " ", html
    )  # a time, which may touch what follows
    return unescape(_TAG.sub("", html)).replace("\u00a0", " ")


def _bracket_inner_times(line: str) -> str:
    """Put brackets around times behind some text, where they would be words without them."""
    begin, has_text, parts = 0, False, []
    for match in _SHOWN_TIME.finditer(line):
        before = line[begin : match.start()]
        has_text = has_text or bool(unescape(_TAG.sub("", before)).strip())
        parts += [before, match[1], f"[{match[2]}]" if has_text else match[2]]
        begin = match.end()
    return "".join([*parts, line[begin:]])


def _exact_time(match: re.Match[str]) -> str:
    """The time of a paragraph with milliseconds, where it is the one that is shown."""
    shown_ms, exact_ms = parse_clock_time(match["shown"]), round(float(match["exact"]) * 1_000)
    if shown_ms is None or not shown_ms <= exact_ms < shown_ms + 1_000:
        return match[0]
    return f"{match['tag']}{match['shown']}.{exact_ms - shown_ms:03d}"


_WORD_STARTS: Final = ("start_timestamp", "start", "data_start", "start_time", "startTime", "from")
_WORD_ENDS: Final = ("end_timestamp", "end", "data_end", "end_time", "endTime", "to")
"""Keys of a word's times, in seconds: Recall.ai's, then of others who have turns of words."""


def _is_recall(document: Any) -> bool:
    return is_object_list(document) and all(
        is_object_list(one.get("words"))
        and ("participant" in one or "speaker" in one)
        and get_first_present(one["words"][0], *_WORD_STARTS) is not None
        for one in document[:5]
    )


def _recall(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1_000, notices)
    for one in filter_objects(document):
        label = get_text_or_empty(get_nested(one.get("participant"), "name")) or get_text_or_empty(
            one.get("speaker")
        )
        words = [
            TimedWord(
                get_text_or_empty(word.get("text")),
                *clock.span(
                    _relative(get_first_present(word, *_WORD_STARTS)),
                    _relative(get_first_present(word, *_WORD_ENDS)),
                ),
                speaker=label or format_speaker_label(get_nested(one.get("participant"), "id")),
            )
            for word in filter_objects(one.get("words"))
        ]
        yield from group_words_by_speaker(words, notices)


def _relative(stamp: Any) -> Any:
    return stamp.get("relative") if isinstance(stamp, dict) else stamp


def _is_gong(document: Any) -> bool:
    calls = get_nested(document, "callTranscripts")
    return is_object_list(calls) and is_object_list(calls[0].get("transcript"))


def _gong(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(1, notices)
    for call in filter_objects(document["callTranscripts"]):
        for turn in filter_objects(call.get("transcript")):
            for one in filter_objects(turn.get("sentences")):
                times = clock.span(one.get("start"), one.get("end"))
                yield from build_segment_passages(
                    format_speaker_label(turn.get("speakerId")),
                    get_text_or_empty(one.get("text")),
                    times,
                )


def _read_otranscribe(
    content: TranscriptContent, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    if not is_otranscribe(content.document):
        raise MalformedTranscriptError("the JSON does not have the shape of otranscribe")
    return read_plain_transcript(
        TranscriptContent(extract_otranscribe_text(content.document)), speakers, notices
    )


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.OTRANSCRIBE,
        FormatFamily.RESEARCH,
        "oTranscribe (.otr)",
        lambda content: is_otranscribe(content.document),
        _read_otranscribe,
        '{"media": "a.mp3", "media-time": 1, "text": "<p>0:01 Odile: How?</p>"}',
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.RECALL,
        FormatFamily.MEETINGS,
        "Recall.ai",
        *adapt_json_functions(_is_recall, _recall),
        (
            '[{"participant": {"name": "Odile"}, "words": [{"text": "How?", "start_timestamp": {"'
            'relative": 1.0}, "end_timestamp": {"relative": 2.0}}]}]'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.GONG,
        FormatFamily.MEETINGS,
        "Gong",
        *adapt_json_functions(_is_gong, _gong),
        (
            '{"callTranscripts": [{"transcript": [{"speakerId": "7", "sentences": [{"start": 1000'
            ', "end": 2000, "text": "How?"}]}]}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.QMSUM,
        FormatFamily.RESEARCH,
        "QMSum",
        *adapt_json_functions(_is_qmsum, _qmsum),
        '{"meeting_transcripts": [{"speaker": "Odile", "content": "How?"}]}',
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.PODCAST,
        FormatFamily.MEETINGS,
        "The podcast namespace (Buzzsprout, Transistor, …)",
        *adapt_json_functions(_is_podcast, _podcast),
        (
            '{"version": "1.0.0", "segments": [{"speaker": "Odile", "startTime": 1, "endTime": 2,'
            ' "body": "How?"}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.GOOGLE_MEET,
        FormatFamily.MEETINGS,
        "Google Meet's REST API",
        *adapt_json_functions(_is_meet, _meet),
        (
            '{"transcriptEntries": [{"participant": "conferenceRecords/x/participants/7", "text":'
            ' "How?", "startTime": "2026-03-04T14:00:01Z", "endTime": "2026-03-04T14:00:02Z"}]}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.FIREFLIES,
        FormatFamily.MEETINGS,
        "Fireflies",
        *adapt_json_functions(_is_fireflies, _fireflies),
        (
            '{"data": {"transcript": {"sentences": [{"speaker_name": "Odile", "text": "How?", "st'
            'art_time": 1, "end_time": 2}]}}}'
        ),
        json=True,
    ),
    FormatDefinition(
        TranscriptFormat.YOUTUBE,
        FormatFamily.CAPTIONS,
        "YouTube's json3",
        *adapt_json_functions(_is_youtube, _youtube),
        '{"events": [{"tStartMs": 1000, "dDurationMs": 1000, "segs": [{"utf8": "How?"}]}]}',
        json=True,
    ),
)
