"""Meeting and research tools: Google Meet, Fireflies, podcasts, QMSum, oTranscribe, YouTube."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import unescape
from typing import Any, Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import Content, Family, Format, by_document
from transcripts.notices import Notices
from transcripts.plain import read_plain
from transcripts.text import Piece
from transcripts.turns import Passage, Source
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


def _meet_entries(document: Any) -> Any:
    return document if isinstance(document, list) else at(document, "transcriptEntries")


def _is_meet(document: Any) -> bool:
    entries = _meet_entries(document)
    return is_objects(entries) and all(
        "participant" in one and "text" in one for one in entries[:5]
    )


def _meet(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    names = {
        text(one.get("name")): text(
            first(
                {
                    str(number): at(one, kind, "displayName")
                    for number, kind in enumerate(("signedinUser", "anonymousUser", "phoneUser"))
                },
                "0",
                "1",
                "2",
            )
        )
        for one in objects(at(document, "participants"))
    }
    entries = objects(_meet_entries(document))
    begin = next((moment for one in entries if (moment := _moment(one.get("startTime")))), None)
    for one in entries:
        participant = one.get("participant")
        label = text(participant) or text(at(participant, "name"))
        start, end = (_moment(one.get(key)) for key in ("startTime", "endTime"))
        times = clock.span(
            None if start is None or begin is None else (start - begin).total_seconds(),
            None if end is None or begin is None else (end - begin).total_seconds(),
        )
        name = names.get(label) or label.rpartition("/")[2]
        yield from of_segment(name, text(one.get("text")), times)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _fireflies_sentences(document: Any) -> Any:
    return first(
        {
            "top": at(document, "sentences"),
            "api": at(document, "data", "transcript", "sentences"),
            "transcript": at(document, "transcript", "sentences"),
            "list": document if isinstance(document, list) else None,
        },
        "top",
        "api",
        "transcript",
        "list",
    )


def _is_fireflies(document: Any) -> bool:
    sentences = _fireflies_sentences(document)
    return is_objects(sentences) and all("speaker_name" in one for one in sentences[:5])


def _fireflies(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    for one in objects(_fireflies_sentences(document)):
        times = clock.span(
            first(one, "start_time", "startTime", "time"), first(one, "end_time", "endTime")
        )
        label = text(one.get("speaker_name")) or voice(one.get("speaker_id"))
        said = text(first(one, "text", "sentence", "raw_text"))
        yield from of_segment(label, said, times)


def _is_podcast(document: Any) -> bool:
    segments = at(document, "segments")
    return is_objects(segments) and any("body" in one and "startTime" in one for one in segments)


def _podcast(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    segments = objects(document["segments"])
    # The namespace lets a segment leave out a speaker who has not changed.
    carries = any(text(one.get("speaker")) for one in segments)
    speaker = ""
    for one in segments:
        speaker = text(one.get("speaker")) or (speaker if carries else "")
        times = clock.span(one.get("startTime"), one.get("endTime"))
        yield from of_segment(speaker, text(one.get("body")), times)


def _is_qmsum(document: Any) -> bool:
    turns = at(document, "meeting_transcripts")
    return is_objects(turns) and all("content" in one for one in turns[:5])


def _qmsum(document: Any, notices: Notices) -> Iterator[Passage]:
    del notices
    for one in objects(document["meeting_transcripts"]):
        yield Passage(text(one.get("speaker")), (Piece(text(one.get("content"))),))


def _is_youtube(document: Any) -> bool:
    return is_objects(at(document, "events")) and any("segs" in one for one in document["events"])


def _youtube(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)

    def words() -> Iterator[Word]:
        for event in objects(document["events"]):
            start_ms = clock(event.get("tStartMs"))
            for one in objects(event.get("segs")):
                offset_ms = clock(one.get("tOffsetMs")) or 0
                said = text(one.get("utf8"))
                if said.strip():
                    began = None if start_ms is None else start_ms + offset_ms
                    yield Word(f" {said}" if not offset_ms else said, began, hangs=True)

    yield from of_words(words(), notices)


_TAG: Final = re.compile(r"<[^<>]{0,500}>")


def is_otranscribe(document: Any) -> bool:
    """Return whether a document is oTranscribe's: HTML under ``text``, and ``media``."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("text"), str)
        and not {"media", "media-time", "media-source"}.isdisjoint(document)
    )


def otranscribe_text(document: Any) -> str:
    """Return the plain text of oTranscribe's HTML, a paragraph a line."""
    html = re.sub(r"(?i)</p>|<br\s*/?>|</div>", "\n", text(document.get("text")))
    return unescape(_TAG.sub("", html)).replace("\u00a0", " ")


def _is_recall(document: Any) -> bool:
    return is_objects(document) and all(
        is_objects(one.get("words")) and ("participant" in one or "speaker" in one)
        for one in document[:5]
    )


def _recall(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1_000, notices)
    for one in objects(document):
        label = text(at(one.get("participant"), "name")) or text(one.get("speaker"))
        words = [
            Word(
                text(word.get("text")),
                *clock.span(
                    _relative(first(word, "start_timestamp", "start")),
                    _relative(first(word, "end_timestamp", "end")),
                ),
                speaker=label or voice(at(one.get("participant"), "id")),
            )
            for word in objects(one.get("words"))
        ]
        yield from of_words(words, notices)


def _relative(stamp: Any) -> Any:
    return stamp.get("relative") if isinstance(stamp, dict) else stamp


def _is_gong(document: Any) -> bool:
    calls = at(document, "callTranscripts")
    return is_objects(calls) and is_objects(calls[0].get("transcript"))


def _gong(document: Any, notices: Notices) -> Iterator[Passage]:
    clock = Clock(1, notices)
    for call in objects(document["callTranscripts"]):
        for turn in objects(call.get("transcript")):
            for one in objects(turn.get("sentences")):
                times = clock.span(one.get("start"), one.get("end"))
                yield from of_segment(voice(turn.get("speakerId")), text(one.get("text")), times)


def _read_otranscribe(content: Content, speakers: Sequence[Speaker], notices: Notices) -> Source:
    if not is_otranscribe(content.document):
        raise MalformedTranscriptError("the JSON does not have the shape of otranscribe")
    return read_plain(Content(otranscribe_text(content.document)), speakers, notices)


FORMATS: Final = (
    Format(
        TranscriptFormat.OTRANSCRIBE,
        Family.RESEARCH,
        "oTranscribe (.otr)",
        lambda content: is_otranscribe(content.document),
        _read_otranscribe,
        '{"media": "a.mp3", "media-time": 1, "text": "<p>0:01 Odile: How?</p>"}',
        json=True,
    ),
    Format(
        TranscriptFormat.RECALL,
        Family.MEETINGS,
        "Recall.ai",
        *by_document(_is_recall, _recall),
        (
            '[{"participant": {"name": "Odile"}, "words": [{"text": "How?", "start_timestamp": {"'
            'relative": 1.0}, "end_timestamp": {"relative": 2.0}}]}]'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.GONG,
        Family.MEETINGS,
        "Gong",
        *by_document(_is_gong, _gong),
        (
            '{"callTranscripts": [{"transcript": [{"speakerId": "7", "sentences": [{"start": 1000'
            ', "end": 2000, "text": "How?"}]}]}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.QMSUM,
        Family.RESEARCH,
        "QMSum",
        *by_document(_is_qmsum, _qmsum),
        '{"meeting_transcripts": [{"speaker": "Odile", "content": "How?"}]}',
        json=True,
    ),
    Format(
        TranscriptFormat.PODCAST,
        Family.MEETINGS,
        "The podcast namespace (Buzzsprout, Transistor, …)",
        *by_document(_is_podcast, _podcast),
        (
            '{"version": "1.0.0", "segments": [{"speaker": "Odile", "startTime": 1, "endTime": 2,'
            ' "body": "How?"}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.GOOGLE_MEET,
        Family.MEETINGS,
        "Google Meet's REST API",
        *by_document(_is_meet, _meet),
        (
            '{"transcriptEntries": [{"participant": "conferenceRecords/x/participants/7", "text":'
            ' "How?", "startTime": "2026-03-04T14:00:01Z", "endTime": "2026-03-04T14:00:02Z"}]}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.FIREFLIES,
        Family.MEETINGS,
        "Fireflies",
        *by_document(_is_fireflies, _fireflies),
        (
            '{"data": {"transcript": {"sentences": [{"speaker_name": "Odile", "text": "How?", "st'
            'art_time": 1, "end_time": 2}]}}}'
        ),
        json=True,
    ),
    Format(
        TranscriptFormat.YOUTUBE,
        Family.CAPTIONS,
        "YouTube's json3",
        *by_document(_is_youtube, _youtube),
        '{"events": [{"tStartMs": 1000, "dDurationMs": 1000, "segs": [{"utf8": "How?"}]}]}',
        json=True,
    ),
)
