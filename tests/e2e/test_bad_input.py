"""Bad input ends in a dead letter that says why, byte for byte; the next message goes through."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from contracts.errors import ErrorCode
from contracts.study import Question, Study, Theme
from support.pipeline import Pipeline, submitted

STUDY = Study(
    study_id="bad-input",
    name="Paying for repairs",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
    questions=(Question(id="cost", text="What do people pay for a repair?"),),
)
TALK = (
    "Interviewer: What did you pay?\n\nParticipant: I paid forty dollars for the repair, no more.\n"
)
OUT_OF_ORDER = """WEBVTT

00:00:05.000 --> 00:00:09.000
Participant: I paid forty dollars for the repair, which was expensive.

00:00:01.000 --> 00:00:04.000
Interviewer: What did you pay?
"""
TOO_MUCH = "Participant: I paid forty dollars for the repair, no more.\n" * 530_000


def body(content: str, **changes: Any) -> dict[str, Any]:
    document = submitted(STUDY, "bad", content).model_dump(mode="json")
    return {key: value for key, value in {**document, **changes}.items() if value is not ...}


BAD: dict[str, tuple[bytes, ErrorCode, str]] = {
    "an empty transcript": (
        json.dumps(body("")).encode(),
        ErrorCode.EMPTY_TRANSCRIPT,
        "empty",
    ),
    "nothing but white space": (
        json.dumps(body(" \n\t\n")).encode(),
        ErrorCode.EMPTY_TRANSCRIPT,
        "empty",
    ),
    "30 MB": (
        json.dumps(body(TOO_MUCH)).encode(),
        ErrorCode.TOO_LARGE,
        "the limit is",
    ),
    "invalid UTF-8": (
        json.dumps(body("caf\x00")).encode().replace(b"\\u0000", b"\xe9\xff"),
        ErrorCode.UNDECODABLE,
        "UTF-8",
    ),
    "no JSON at all": (b"Participant: hello\n", ErrorCode.UNDECODABLE, "JSON"),
    "JSON of an unknown vendor": (
        json.dumps(body(json.dumps({"talks": [{"who": "A", "what": "hi"}]}))).encode(),
        ErrorCode.UNKNOWN_FORMAT,
        "talks",
    ),
    "a study without themes": (
        json.dumps(body(TALK, study={**STUDY.model_dump(mode="json"), "themes": []})).encode(),
        ErrorCode.INVALID_EVENT,
        "study.themes",
    ),
    "a missing field": (
        json.dumps(body(TALK, transcript_id=...)).encode(),
        ErrorCode.INVALID_EVENT,
        "transcript_id",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("case", BAD)
async def test_bad_input_becomes_a_letter_and_the_next_message_goes_through(
    pipeline: Pipeline, case: str
) -> None:
    value, code, output = BAD[case]
    key = f"bad-{case}".encode()
    headers = [
        ("x-producer", b"one"),
        ("x-producer", b"\xff\xfe"),
        ("onrecord-added-headers", b"1"),
    ]
    await pipeline.publish_bytes("transcripts-submitted", value, key=key, headers=headers)
    good = submitted(STUDY, f"good after {case}", TALK)
    await pipeline.publish([good])

    balance = await pipeline.settled()

    assert balance.balances
    (letter,) = await pipeline.letters(key.decode())
    assert letter["service"] == "ingestion"
    assert letter["error_code"] == code
    assert output in letter["error_message"]
    assert letter["size_bytes"] == len(value)
    assert letter["key"] == key
    kept = [(name, base64.b64decode(data)) for name, data in json.loads(letter["headers"])]
    assert kept[: len(headers)] == headers
    stored = [note for note in await pipeline.notes(STUDY.study_id) if note[0] == good.title]
    assert stored, "the next message was to end in a note"


@pytest.mark.long
async def test_a_record_without_a_key_is_an_interview_like_any_other(pipeline: Pipeline) -> None:
    good = submitted(STUDY, "no key", TALK)
    await pipeline.publish_bytes("transcripts-submitted", good.model_dump_json().encode())

    balance = await pipeline.settled()

    assert balance.balances
    assert any(note[0] == "no key" for note in await pipeline.notes(STUDY.study_id))


@pytest.mark.long
async def test_cues_out_of_order_are_sorted_and_end_in_notes(pipeline: Pipeline) -> None:
    await pipeline.publish([submitted(STUDY, "out of order", OUT_OF_ORDER)])

    balance = await pipeline.settled()

    assert balance.balances
    notes = [note for note in await pipeline.notes(STUDY.study_id) if note[0] == "out of order"]
    ((segment, _start, _length, quote, speaker, _role, start_ms, _end_ms),) = notes[0][-1]
    assert (segment, speaker, start_ms) == (2, "Participant", 5_000)
    assert "forty dollars" in quote


@pytest.mark.long
async def test_the_same_interview_twice_changes_nothing(pipeline: Pipeline) -> None:
    interview = submitted(STUDY, "twice", TALK)
    await pipeline.publish([interview, interview])
    await pipeline.settled()
    once = await pipeline.notes(STUDY.study_id)
    await pipeline.publish([interview])

    balance = await pipeline.settled()

    assert balance.balances
    assert await pipeline.notes(STUDY.study_id) == once


@pytest.mark.long
async def test_other_content_under_a_stored_revision_is_refused_and_a_new_revision_supersedes(
    pipeline: Pipeline,
) -> None:
    first = submitted(STUDY, "corrected", TALK)
    await pipeline.publish([first])
    await pipeline.settled()
    changed = TALK.replace("forty", "fifty")
    await pipeline.publish([submitted(STUDY, "corrected", changed)])
    await pipeline.settled()

    (letter,) = [
        one
        for one in await pipeline.letters(first.transcript_id)
        if one["error_code"] == ErrorCode.REVISION_CONFLICT
    ]
    assert "revision" in letter["error_message"]

    await pipeline.publish([submitted(STUDY, "corrected", changed, revision=2)])
    balance = await pipeline.settled()
    assert balance.balances
    current = await pipeline.rows(
        "SELECT coalesce(statement, model_reading) AS statement FROM current_notes"
        " WHERE transcript_id = $1",
        first.transcript_id,
    )
    assert current
    assert all("fifty" in row["statement"] for row in current)
