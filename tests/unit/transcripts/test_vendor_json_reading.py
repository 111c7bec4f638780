"""Rev's and Amberscript's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.transcript import Role, TranscriptFormat
from transcripts import EmptyTranscriptError, MalformedTranscriptError, UnknownFormatError
from unit.transcripts.reading_support import assert_sound, read, said


def span(value: str, ts: Any = None, end: Any = None) -> dict[str, Any]:
    times = {"ts": ts, "endTs": end}
    return {"type": 0, "value": value} | {key: at for key, at in times.items() if at is not None}


def rev(*monologues: tuple[int, list[dict[str, Any]]], **extra: Any) -> str:
    speakers = [
        {"id": 0, "name": "Ann", "note": "interviewer"},
        {"id": 1, "name": "Speaker 2", "note": ""},
    ]
    turns = [{"speaker": speaker, "spans": spans} for speaker, spans in monologues]
    return json.dumps({"speakers": speakers, "monologues": turns} | extra)


def amberscript(*segments: tuple[str, list[dict[str, Any]]], **extra: Any) -> str:
    speakers = [{"spkid": "spk1", "name": "Interviewer"}, {"spkid": "spk2", "name": "Guy"}]
    turns = [{"speaker": speaker, "words": words} for speaker, words in segments]
    return json.dumps({"speakers": speakers, "segments": turns} | extra)


def test_puts_revs_spans_together_as_they_are() -> None:
    spans = [
        span("Are", 0.54, 0.57),
        span(" "),
        span("you", 0.5699999, 0.63),
        span(', "'),
        span("Don't", 0.99, 1.23),
        span(' live  now?"'),
    ]
    reading = read(rev((0, spans), (1, [span("Yes", 2)]), (1, [span("No", 3)])))
    assert reading.format is TranscriptFormat.REV
    assert said(reading) == [("Ann", 'Are you, "Don\'t live now?"'), ("Speaker 2", "Yes No")]
    first, second = reading.segments
    assert [(word.offset, word.start_ms, word.end_ms) for word in first.words] == [
        (0, 540, 570),
        (4, 570, 630),
        (10, 990, 1_230),
    ]
    assert (second.start_ms, second.end_ms) == (2_000, 3_000)
    assert [first.role, second.role] == [Role.INTERVIEWER, Role.PARTICIPANT]


def test_reads_revs_api_without_names() -> None:
    elements = [
        {"type": "text", "value": "Hi", "ts": 0.5, "end_ts": 0.75, "confidence": 1.0},
        {"type": "punct", "value": ", "},
        {"type": "unknown", "value": "<inaudible>"},
        {"type": "punct", "value": "."},
    ]
    reading = read(json.dumps({"monologues": [{"speaker": 1, "elements": elements}]}))
    assert said(reading) == [("Speaker 1", "Hi, <inaudible>.")]
    assert reading.segments[0].end_ms == 750


def test_reads_amberscripts_words_one_space_apart() -> None:
    words = [
        {"start": 0.5, "end": 0.75, "text": "What", "conf": 1},
        {"start": 0.96, "end": 0.57, "text": "now?", "conf": 1},
    ]
    reading = read(amberscript(("spk1", words), ("spk2", [{"text": "[Uh]"}]), startTimeOffset=10))
    assert reading.format is TranscriptFormat.AMBERSCRIPT
    assert said(reading) == [("Interviewer", "What now?"), ("Guy", "[Uh]")]
    first, second = reading.segments
    assert [(word.offset, word.start_ms, word.end_ms) for word in first.words] == [
        (0, 10_500, 10_750),
        (5, 10_960, 10_960),
    ]
    assert (second.start_ms, second.words, second.role) == (None, (), Role.PARTICIPANT)
    # Nothing follows, so when it was said is not known.
    assert reading.notices == ("1 time ended before it began; its end was set to its start",)


def test_says_where_an_aligner_lost_track() -> None:
    words = [{"start": 0.57, "end": 0.57, "text": "word"}] * 12
    assert read(amberscript(("spk1", words))).notices == (
        "12 words stand in runs of words at one instant; their times are not reliable",
    )


@pytest.mark.parametrize("time", [-1, "soon", True, 1e300, 10**400, [], float("nan")])
def test_keeps_words_whose_time_is_no_time(time: Any) -> None:
    reading = read(rev((0, [span("Hello", time), span(" you", 2, 3)])))
    assert said(reading) == [("Ann", "Hello you")]
    assert [word.offset for word in reading.segments[0].words] == [6]
    assert reading.notices == ("1 time was negative or no number and was left out",)


def test_places_an_untimed_turn_between_its_neighbours() -> None:
    turns = [(0, [span("Well?", 1, 2)]), (1, [span("[crosstalk]")]), (0, [span("So", 3.5, 4)])]
    reading = read(rev(*turns))
    assert [(one.start_ms, one.end_ms) for one in reading.segments] == [
        (1_000, 2_000),
        (2_000, 3_500),
        (3_500, 4_000),
    ]
    assert reading.notices == (
        "1 turn has no time of its own and was placed between its neighbours",
    )


def test_passes_over_turns_without_text() -> None:
    reading = read(rev((0, []), (1, [span(" ")]), (0, [span("Hi", 1)])))
    assert said(reading) == [("Ann", "Hi")]
    assert reading.notices == ("2 turns without text were passed over",)


def test_keeps_speakers_of_one_name_apart() -> None:
    document = {
        "speakers": [{"id": 0, "name": "Ann"}, {"id": 1, "name": "Ann"}],
        "monologues": [{"speaker": n, "spans": [span("x")]} for n in (0, 1)],
    }
    assert said(read(json.dumps(document))) == [("Ann", "x"), ("Ann (1)", "x")]


def test_an_accent_in_a_span_of_its_own_joins_its_letter() -> None:
    spans = [span("caf", 1, 2), span("e", 2, 3), span("\u0301", 3, 4), span(" \ud800ok", 4, 5)]
    reading = read(rev((0, spans)))
    assert said(reading) == [("Ann", "caf\u00e9 \ufffdok")]
    assert [word.offset for word in reading.segments[0].words] == [0, 5]
    assert_sound(reading.segments)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"monologues": [{"speaker": 0, "spans": []}, {"speaker": 0}]}, "monologue 2"),
        ({"monologues": [{"speaker": 0, "spans": [{"value": 5}]}]}, "monologue 1"),
        ({"monologues": [1]}, "monologues"),
        ({"monologues": [], "speakers": {}}, "speakers"),
        ({"speakers": [], "segments": [{"speaker": "x", "words": 1}]}, "segment 1"),
        ({"speakers": [{"spkid": "x", "name": 1}], "segments": []}, "speaker 1"),
    ],
)
def test_names_the_place_of_what_is_missing(document: dict[str, Any], place: str) -> None:
    with pytest.raises(MalformedTranscriptError, match=place):
        read(json.dumps(document))


@pytest.mark.parametrize("content", ['{"monologues": [', "{]", "[" * 100_000, '{"a": %s}'])
def test_refuses_broken_json(content: str) -> None:
    broken = content.replace("%s", "1" * 5_000)
    for known in (TranscriptFormat.REV, TranscriptFormat.AMBERSCRIPT):
        with pytest.raises(MalformedTranscriptError, match="JSON"):
            read(broken, known)


def test_tells_the_keys_of_an_unknown_vendor_but_no_words() -> None:
    document = {f"key{number}": "secret" for number in range(20)} | {"k" * 500: 1}
    with pytest.raises(UnknownFormatError, match=r"key0, .*key7, \.\.\.; supported") as caught:
        read(json.dumps(document))
    assert len(str(caught.value)) < 300
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "{}", '[{"speaker": "Ann"}]', '{"results": {}}'])
def test_refuses_json_of_unknown_vendors(content: str) -> None:
    with pytest.raises(UnknownFormatError):
        read(content)


def test_refuses_vendors_json_without_words() -> None:
    for content in (rev(), rev((0, [])), amberscript()):
        with pytest.raises(EmptyTranscriptError):
            read(content)
