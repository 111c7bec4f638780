"""kcat hands interviews in and reads what became of them."""

from __future__ import annotations

import json
import random
import secrets
import string
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from contracts.events import (
    NotesStored,
    SettledOutcome,
    TranscriptSettled,
    TranscriptSubmitted,
)
from support.pipeline import Pipeline
from support.waiting import until

EXAMPLES: Final = Path(__file__).parents[3] / "schemas" / "examples" / "TranscriptSubmitted"
WITH_NOTES: Final = {"full", "minimal"}
"""Examples in which the simulator finds something to note."""

Kcat = Callable[..., subprocess.CompletedProcess[bytes]]


def read(file: Path) -> TranscriptSubmitted:
    return TranscriptSubmitted.model_validate_json(file.read_bytes())


def example(**changes: Any) -> bytes:
    """The minimal example as an interview of its own, with changes; ``...`` leaves a field out."""
    document = json.loads((EXAMPLES / "minimal.json").read_bytes())
    document |= {"transcript_id": str(uuid4())} | changes
    return json.dumps(
        {name: value for name, value in document.items() if value is not ...}
    ).encode()


@pytest.fixture
def send(kcat: str, pipeline: Pipeline, tmp_path: Path) -> Kcat:
    """Sends one file with nothing but what is told."""

    def run(value: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
        file = tmp_path / "value"
        file.write_bytes(value)
        servers = pipeline.env["KAFKA_BOOTSTRAP_SERVERS"]
        command = [kcat, "-P", "-b", servers, "-t", "transcripts-submitted", *words, str(file)]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
        )

    return run


def traced(trace: str) -> tuple[str, str]:
    return ("-H", f"traceparent=00-{trace}-{secrets.token_hex(8)}-01")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.json")), ids=lambda file: file.stem)
async def test_an_example_as_it_is_ends_in_notes_that_kcat_reads_of(
    pipeline: Pipeline, run_shell: Any, file: Path
) -> None:
    sent = run_shell("submit.sh", file)

    assert sent.returncode == 0, sent.stderr
    submitted = read(file)
    output = await until(
        lambda: run_shell("stored.sh", sent.stdout.strip()).stdout or None, within_s=60
    )
    events = [NotesStored.model_validate_json(line) for line in output.splitlines()]
    assert {(one.transcript_id, one.revision) for one in events} == {
        (submitted.transcript_id, submitted.revision)
    }
    rows = await pipeline.rows(
        "SELECT note_id FROM notes WHERE (transcript_id, revision) = ($1, $2)",
        submitted.transcript_id,
        submitted.revision,
    )
    assert {row["note_id"] for row in rows} == {one for event in events for one in event.note_ids}
    assert rows or file.stem not in WITH_NOTES
    outcome = await settled(run_shell, submitted.transcript_id)
    assert (outcome.outcome, outcome.revision) == (SettledOutcome.COMPLETE, submitted.revision)
    assert outcome.content_sha256 == submitted.content_sha256


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_is_read(send: Kcat, stored_of: Any, codec: str) -> None:
    trace = secrets.token_hex(16)
    talk = (
        "Interviewer: Do you share the tap?\n\nParticipant: No, I carry ten cans from the stream."
    )
    value = example(content="\n\n".join([talk] * 50))

    sent = send(value, "-z", codec, *traced(trace))

    assert sent.returncode == 0, sent.stderr
    assert str((await stored_of(trace)).transcript_id) == json.loads(value)["transcript_id"]


async def test_neither_key_nor_headers_are_needed(pipeline: Pipeline, send: Kcat) -> None:
    value = example()

    assert send(value).returncode == 0

    await notes_are_stored(pipeline, value)


@pytest.mark.long
async def test_a_body_in_confluents_wire_format_is_read_and_accounted_for(
    pipeline: Pipeline, send: Kcat
) -> None:
    value = example()

    assert send(b"\x00\x00\x00\x00\x07" + value).returncode == 0

    await notes_are_stored(pipeline, value)
    assert (await pipeline.settled()).balances
    query = "SELECT 1 FROM submissions WHERE transcript_id = $1"

    async def control_knows_it() -> bool:
        return bool(await pipeline.rows(query, json.loads(value)["transcript_id"]))

    await until(control_knows_it)


WRONG: Final[dict[str, tuple[bytes, tuple[str, ...], str]]] = {
    "a field is missing": (
        example(title=...),
        (),
        "ingestion invalid_event: not a valid TranscriptSubmitted: title: is missing",
    ),
    "another type of event": (
        example(),
        ("-H", "ce_type=acme.Order.v1"),
        "ingestion invalid_event: the topic carries onrecord.TranscriptSubmitted.v1, this says",
    ),
    "no JSON": (
        b"Participant: hello",
        (),
        "ingestion undecodable: the value is not a JSON document in UTF-8",
    ),
    "nothing was said": (example(content=""), (), "ingestion empty_transcript: "),
    "an unknown format": (example(content="just words"), (), "ingestion unknown_format: "),
    "a broken format": (
        example(content="WEBVTT\n\n00:00:01.000 --> soon\nAda: hello", format="webvtt"),
        (),
        "ingestion malformed_transcript: ",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_told_by_trace(send: Kcat, run_shell: Any, case: str) -> None:
    value, words, reason = WRONG[case]
    trace = secrets.token_hex(16)

    assert send(value, *traced(trace), *words).returncode == 0

    output = await until(lambda: run_shell("letters.sh", trace).stdout or None, within_s=60)
    (line,) = output.splitlines()
    assert line.startswith(reason)


async def test_a_refused_interview_is_settled_with_the_field_that_is_wrong(
    send: Kcat, run_shell: Any
) -> None:
    value = example(title=...)

    assert send(value, "-k", json.loads(value)["transcript_id"]).returncode == 0

    outcome = await settled(run_shell, json.loads(value)["transcript_id"])
    assert (outcome.outcome, outcome.content_sha256) == (SettledOutcome.REFUSED, None)
    (reason,) = outcome.reasons
    assert (reason.service, reason.code) == ("ingestion", "invalid_event")
    assert "title: is missing" in reason.message


async def test_other_content_under_a_stored_revision_is_refused(
    pipeline: Pipeline, send: Kcat, run_shell: Any
) -> None:
    value, trace = example(), secrets.token_hex(16)
    assert send(value).returncode == 0
    await notes_are_stored(pipeline, value)

    assert send(value.replace(b"10 cans", b"12 cans"), *traced(trace)).returncode == 0

    output = await until(lambda: run_shell("letters.sh", trace).stdout or None, within_s=60)
    assert output.startswith("persistence revision_conflict: ")


def test_the_broker_refuses_what_is_larger_than_the_topic_takes(send: Kcat) -> None:
    letters = random.Random(7).choices(string.ascii_letters, k=9_000_000)

    sent = send(example(content="".join(letters)), "-X", "message.max.bytes=25000000")

    assert sent.returncode == 1
    assert b"too large" in sent.stderr


async def settled(run_shell: Any, transcript_id: object) -> TranscriptSettled:
    """What became of an interview, as the page's program prints it."""
    output = await until(lambda: run_shell("settled.sh", transcript_id).stdout or None, within_s=60)
    (line,) = output.splitlines()
    return TranscriptSettled.model_validate_json(line)


async def notes_are_stored(pipeline: Pipeline, value: bytes) -> None:
    transcript = json.loads(value)["transcript_id"]
    query = "SELECT statement FROM notes WHERE transcript_id = $1"

    async def look() -> bool:
        return bool(await pipeline.rows(query, transcript))

    await until(look, within_s=60)
