"""The JSON, tables and mark-up of transcription tools: who, what and when, one sample each."""

# ruff: noqa: E501, ISC004 - samples read best a line each

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.transcript import TranscriptFormat
from transcripts import MalformedTranscriptError
from unit.transcripts.reading_support import assert_sound, read

WORDS = ["With", "a", "ladder."]


def timed(*, unit: float = 1, start: str = "start", end: str = "end", word: str = "word") -> Any:
    return [
        {word: text, start: (3 + n) * unit, end: (3.5 + n) * unit} for n, text in enumerate(WORDS)
    ]


def ms(value: float) -> int:
    return round(value * 1_000)


Turns = list[tuple[str, str, int | None]]
TWO: Turns = [("Speaker 0", "How?", 1_000), ("Speaker 1", "With a ladder.", 3_000)]
SAMPLES: list[tuple[TranscriptFormat, Any, Turns]] = [
    (
        TranscriptFormat.WHISPER,
        {"text": "How? With a ladder.", "language": "en", "segments": [
            {"id": 0, "start": 1.0, "end": 2.0, "text": " How?"},
            {"id": 1, "start": 3.0, "end": 5.5, "text": " With a ladder.", "words": timed()}]},
        [("Speaker", "How? With a ladder.", 1_000)],
    ),
    (
        TranscriptFormat.WHISPER,
        {"segments": [{"start": 1, "end": 2, "text": "How?", "speaker": "SPEAKER_00"},
                      {"start": 3, "end": 5.5, "text": "With a ladder.", "speaker": "SPEAKER_01"}]},
        [("SPEAKER_00", "How?", 1_000), ("SPEAKER_01", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.WHISPER_CPP,
        {"result": {"language": "en"}, "transcription": [
            {"offsets": {"from": 1000, "to": 2000}, "text": " How?", "speaker": "0"},
            {"offsets": {"from": 3000, "to": 5500}, "text": " With a ladder.", "speaker": "1"}]},
        TWO,
    ),
    (
        TranscriptFormat.HUGGING_FACE,
        {"text": "", "chunks": [{"timestamp": [1.0, 2.0], "text": " How?"},
                                {"timestamp": [3.0, None], "text": " With a ladder."}]},
        [("Speaker", "How? With a ladder.", 1_000)],
    ),
    (
        TranscriptFormat.ASSEMBLYAI,
        {"status": "completed", "utterances": [
            {"speaker": "A", "start": 1000, "end": 2000, "text": "How?", "confidence": 0.9},
            {"speaker": "B", "start": 3000, "end": 5500, "text": "With a ladder.", "confidence": 0.9,
             "words": timed(unit=1_000, word="text")}]},
        [("Speaker A", "How?", 1_000), ("Speaker B", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.DEEPGRAM,
        {"results": {"utterances": [
            {"speaker": 0, "start": 1, "end": 2, "transcript": "How?"},
            {"speaker": 1, "start": 3, "end": 5.5, "transcript": "With a ladder.", "words": [
                {**one, "punctuated_word": one["word"]} for one in timed()]}], "channels": []}},
        TWO,
    ),
    (
        TranscriptFormat.DEEPGRAM,
        {"results": {"channels": [{"alternatives": [{"transcript": "How? With a ladder.", "words": [
            {"word": "how", "punctuated_word": "How?", "start": 1, "end": 2, "speaker": 0},
            *({**one, "punctuated_word": one["word"], "speaker": 1} for one in timed())]}]}]}},
        TWO,
    ),
    (
        TranscriptFormat.DEEPGRAM,
        {"results": {"channels": [
            {"alternatives": [{"words": [{"word": "how?", "start": 1, "end": 2}]}]},
            {"alternatives": [{"words": timed()}]}]}},
        [("Channel 0", "how?", 1_000), ("Channel 1", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.AWS,
        {"results": {"items": [
            {"type": "pronunciation", "start_time": "1.0", "end_time": "2.0", "speaker_label": "spk_0",
             "alternatives": [{"content": "How"}]},
            {"type": "punctuation", "alternatives": [{"content": "?"}]},
            *({"type": "pronunciation", "start_time": str(one["start"]), "end_time": str(one["end"]),
               "speaker_label": "spk_1", "alternatives": [{"content": one["word"]}]}
              for one in timed())]}},
        [("spk_0", "How?", 1_000), ("spk_1", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.AWS,
        {"results": {"speaker_labels": {"segments": [{"items": [
            {"start_time": "1.0", "end_time": "2.0", "speaker_label": "spk_0"}]}]}, "items": [
            {"type": "pronunciation", "start_time": "1.0", "end_time": "2.0",
             "alternatives": [{"content": "How?"}]}]}},
        [("spk_0", "How?", 1_000)],
    ),
    (
        TranscriptFormat.AWS_CALLS,
        {"Transcript": [
            {"ParticipantRole": "AGENT", "Content": "How?", "BeginOffsetMillis": 1000,
             "EndOffsetMillis": 2000},
            {"ParticipantRole": "CUSTOMER", "Content": "With a ladder.", "BeginOffsetMillis": 3000,
             "EndOffsetMillis": 5500}]},
        [("AGENT", "How?", 1_000), ("CUSTOMER", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.GOOGLE,
        {"results": [
            {"alternatives": [{"transcript": "How? With a ladder."}]},
            {"alternatives": [{"words": [
                {"word": "How?", "startTime": "1s", "endTime": "2s", "speakerTag": 1},
                *({"word": one["word"], "startTime": f"{one['start']}s", "endTime": f"{one['end']}s",
                   "speakerTag": 2} for one in timed())], "transcript": ""}]}]},
        [("Speaker 1", "How?", 1_000), ("Speaker 2", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.GOOGLE,
        {"results": [{"alternatives": [{"transcript": "How?", "words": [
            {"word": "How?", "startOffset": "1.000s", "endOffset": "2s", "speakerLabel": "1"}]}]}]},
        [("Speaker 1", "How?", 1_000)],
    ),
    (
        TranscriptFormat.AZURE,
        {"recognizedPhrases": [
            {"speaker": 1, "channel": 0, "offsetInTicks": 10_000_000, "durationInTicks": 10_000_000,
             "nBest": [{"display": "How?"}]},
            {"speaker": 2, "channel": 0, "offsetInTicks": 30_000_000, "durationInTicks": 25_000_000,
             "nBest": [{"display": "With a ladder."}]}]},
        [("Speaker 1", "How?", 1_000), ("Speaker 2", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.SPEECHMATICS,
        {"format": "2.9", "results": [
            {"type": "word", "start_time": 1, "end_time": 2,
             "alternatives": [{"content": "How", "speaker": "S1"}]},
            {"type": "punctuation", "start_time": 2, "end_time": 2, "attaches_to": "previous",
             "alternatives": [{"content": "?", "speaker": "S1"}]},
            *({"type": "word", "start_time": one["start"], "end_time": one["end"],
               "alternatives": [{"content": one["word"], "speaker": "S2"}]} for one in timed())]},
        [("S1", "How?", 1_000), ("S2", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.GLADIA,
        {"result": {"transcription": {"utterances": [
            {"speaker": 0, "start": 1, "end": 2, "text": "How?"},
            {"speaker": 1, "start": 3, "end": 5.5, "text": "With a ladder.", "words": timed()}]}}},
        TWO,
    ),
    (
        TranscriptFormat.ELEVENLABS,
        {"language_code": "en", "words": [
            {"text": "How?", "start": 1, "end": 2, "type": "word", "speaker_id": "speaker_0"},
            {"text": " ", "type": "spacing", "speaker_id": "speaker_0"},
            {"text": "With", "start": 3, "end": 4, "type": "word", "speaker_id": "speaker_1"}]},
        [("speaker_0", "How?", 1_000), ("speaker_1", "With", 3_000)],
    ),
    (
        TranscriptFormat.TRINT,
        {"transcript": {"paragraphs": [
            {"speaker": "Odile", "words": [{"value": "How?", "start": 1000, "duration": 500}]},
            {"speaker": "Ravi", "words": [{"value": "With", "start": 3000, "duration": 500}]}]}},
        [("Odile", "How?", 1_000), ("Ravi", "With", 3_000)],
    ),
    (
        TranscriptFormat.FIREFLIES,
        {"data": {"transcript": {"sentences": [
            {"speaker_name": "Odile", "text": "How?", "start_time": 1, "end_time": 2},
            {"speaker_name": "Ravi", "text": "With a ladder.", "start_time": 3, "end_time": 5.5}]}}},
        [("Odile", "How?", 1_000), ("Ravi", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.GOOGLE_MEET,
        {"transcriptEntries": [
            {"participant": "conferenceRecords/x/participants/7", "text": "How?",
             "startTime": "2026-03-04T14:00:01Z", "endTime": "2026-03-04T14:00:02Z"},
            {"participant": "conferenceRecords/x/participants/8", "text": "With a ladder.",
             "startTime": "2026-03-04T14:00:03Z", "endTime": "2026-03-04T14:00:05Z"}],
         "participants": [{"name": "conferenceRecords/x/participants/7",
                           "signedinUser": {"displayName": "Odile"}}]},
        [("Odile", "How?", 0), ("8", "With a ladder.", 2_000)],
    ),
    (
        TranscriptFormat.PODCAST,
        {"version": "1.0.0", "segments": [
            {"speaker": "Odile", "startTime": 1, "endTime": 2, "body": "How?"},
            {"speaker": "Ravi", "startTime": 3, "endTime": 4, "body": "With"},
            {"startTime": 4, "endTime": 5.5, "body": "a ladder."}]},
        [("Odile", "How?", 1_000), ("Ravi", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.QMSUM,
        {"meeting_transcripts": [{"speaker": "Odile", "content": "How?"},
                                 {"speaker": "Ravi", "content": "With a ladder."}]},
        [("Odile", "How?", None), ("Ravi", "With a ladder.", None)],
    ),
    (
        TranscriptFormat.OTRANSCRIBE,
        {"media": "a.mp3", "media-time": 1, "text":
            "<p><span class='timestamp'>0:01</span> Odile: How?</p><p>0:03 Ravi: With a ladder.</p>"},
        [("Odile", "How?", 1_000), ("Ravi", "With a ladder.", 3_000)],
    ),
    (
        TranscriptFormat.WATSON,
        {"results": [{"alternatives": [{"timestamps": [["How?", 1, 2], ["With", 3, 4]]}]}],
         "speaker_labels": [{"from": 1, "to": 2, "speaker": 0}, {"from": 3, "to": 4, "speaker": 1}]},
        [("Speaker 0", "How?", 1_000), ("Speaker 1", "With", 3_000)],
    ),
    (
        TranscriptFormat.TURNS,
        {"meeting": {"items": [
            {"who": {"displayName": "Odile"}, "said": "How?", "startMs": 1000},
            {"who": {"displayName": "Ravi"}, "said": "With a ladder.", "startMs": 3000}]}},
        [("Odile", "How?", 1_000), ("Ravi", "With a ladder.", 3_000)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("format_", "document", "turns"), SAMPLES, ids=lambda one: str(one)[:24])
def test_reads_who_what_and_when(
    format_: TranscriptFormat, document: Any, turns: list[tuple[str, str, int | None]]
) -> None:
    reading = read(json.dumps(document))
    assert reading.format is format_
    assert [(one.speaker, one.text, one.start_ms) for one in reading.segments] == turns
    assert_sound(reading.segments)


def test_keeps_the_times_of_words() -> None:
    _, document, _ = next(one for one in SAMPLES if one[0] is TranscriptFormat.GLADIA)
    words = read(json.dumps(document)).segments[1].words
    assert [(word.offset, word.start_ms) for word in words] == [(0, 3_000), (5, 4_000), (7, 5_000)]


def test_every_json_format_has_a_sample() -> None:
    texts = {
        "webvtt",
        "srt",
        "plain",
        "rev",
        "amberscript",
        "ttml",
        "html",
        "elan",
        "chat",
        "table",
        "textgrid",
        "transcriber",
        "exmaralda",
        "folker",
        "sami",
        "message-page",
        "ohms",
        "xml-turns",
        "tei",
        "microdvd",
        "akoma-ntoso",
        "stm",
        "ctm",
        "latex",
        "imessage",
        "line",
    }
    others = {"recall", "gong", "vosk", "youtube", "speechmatics-v1", "timed-text", "ass"}
    named = {one[0].value for one in SAMPLES}
    assert {one.value for one in TranscriptFormat} == named | texts | others


def test_a_list_of_turns_of_an_unknown_tool_says_how_it_was_read() -> None:
    _, document, _ = SAMPLES[-1]
    (notice,) = read(json.dumps(document)).notices
    assert "words from 'said', speakers from 'who', times from 'startMs'" in notice


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        (TranscriptFormat.TTML,
         '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata">'
         '<head><metadata><ttm:agent xml:id="o"><ttm:name>Odile</ttm:name></ttm:agent>'
         '<ttm:agent xml:id="r"><ttm:name>Ravi</ttm:name></ttm:agent></metadata></head><body><div>'
         '<p begin="00:00:01.000" end="00:00:02.000" ttm:agent="o">How?</p>'
         '<p begin="3s" dur="2.5s" ttm:agent="r">With a<br/>ladder.</p></div></body></tt>'),
        (TranscriptFormat.ASS,
         "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
         "MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,Odile,0,0,0,,How?\n"
         "Dialogue: 0,0:00:03.00,0:00:05.50,Default,Ravi,0,0,0,,With {\\i1}a\\Nladder.\n"),
        (TranscriptFormat.HTML,
         "<html><body><cite>Odile:</cite><time>0:01</time><p>How?</p>"
         "<cite>Ravi:</cite><time>0:03</time><p>With a ladder.</p></body></html>"),
        (TranscriptFormat.EAF,
         '<?xml version="1.0"?><ANNOTATION_DOCUMENT><TIME_ORDER>'
         '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="2000"/>'
         '<TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="3000"/><TIME_SLOT TIME_SLOT_ID="d" TIME_VALUE="5500"/>'
         '</TIME_ORDER><TIER TIER_ID="r" PARTICIPANT="Ravi"><ANNOTATION><ALIGNABLE_ANNOTATION '
         'TIME_SLOT_REF1="c" TIME_SLOT_REF2="d"><ANNOTATION_VALUE>With a ladder.</ANNOTATION_VALUE>'
         '</ALIGNABLE_ANNOTATION></ANNOTATION></TIER><TIER TIER_ID="Odile"><ANNOTATION>'
         '<ALIGNABLE_ANNOTATION TIME_SLOT_REF1="a" TIME_SLOT_REF2="b"><ANNOTATION_VALUE>How?'
         '</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>'),
        (TranscriptFormat.CHAT,
         "@UTF8\n@Begin\n@Participants:\tODI Odile Investigator, RAV Ravi Participant\n"
         "*ODI:\tHow ? \x151000_2000\x15\n*RAV:\tWith a ladder . \x153000_5500\x15\n@End\n"),
        (TranscriptFormat.TABLE,
         "Speaker,Start,End,Text\nOdile,0:01,0:02,How?\nRavi,0:03,0:05,With a ladder.\n"),
        (TranscriptFormat.TABLE,
         "Line\tSpkr\tStTime\tContent\tEnTime\n1\tOdile\t1.0\tHow?\t2.0\n"
         "2\tRavi\t2.0\t(pause 1.00)\t3.0\n3\tRavi\t3.0\tWith a ladder.\t5.5\n"),
    ],
)  # fmt: skip
def test_reads_mark_up_and_tables(format_: TranscriptFormat, content: str) -> None:
    reading = read(content)
    assert reading.format is format_
    assert [(one.speaker, one.text, one.start_ms) for one in reading.segments] == [
        ("Odile", "How?", 1_000),
        ("Ravi", "With a ladder.", 3_000),
    ]


def test_refuses_xml_that_declares_entities() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cc">]><tt xmlns="http://www.w3.org/ns/ttml">&b;</tt>'
    with pytest.raises(MalformedTranscriptError, match="declares entities"):
        read(bomb, TranscriptFormat.TTML)


def test_refuses_json_with_a_key_that_stands_twice() -> None:
    with pytest.raises(MalformedTranscriptError, match="'monologues' twice"):
        read('{"monologues": [], "monologues": []}')
