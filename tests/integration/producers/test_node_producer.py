"""A Node program hands interviews in and follows what became of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from contracts.events import NotesStored, SettledOutcome, TranscriptSettled, TranscriptSubmitted
from contracts.topics import NOTES_STORED
from messaging import KafkaSettings, Publisher
from support.pipeline import Pipeline
from support.waiting import until

EXAMPLES: Final = sorted(
    (Path(__file__).parents[3] / "schemas" / "examples" / "TranscriptSubmitted").glob("*.json")
)


@pytest.fixture
def traces(run_node: Any) -> list[str]:
    """Under which all examples were handed in, in order."""
    sent = run_node("submit.mjs", *EXAMPLES)
    assert sent.returncode == 0, sent.stderr
    return list(sent.stdout.split())


async def test_the_examples_as_they_are_end_in_notes(
    pipeline: Pipeline, stored_of: Any, traces: list[str]
) -> None:
    assert len(set(traces)) == len(EXAMPLES)
    for file, trace in zip(EXAMPLES, traces, strict=True):
        submitted = TranscriptSubmitted.model_validate_json(file.read_bytes())
        stored = await stored_of(trace)
        assert (stored.transcript_id, stored.revision) == (
            submitted.transcript_id,
            submitted.revision,
        )
        rows = await pipeline.rows(
            "SELECT note_id FROM notes WHERE (transcript_id, revision) = ($1, $2)",
            submitted.transcript_id,
            submitted.revision,
        )
        assert {row["note_id"] for row in rows} == set(stored.note_ids)
        assert rows or file.stem not in {"full", "minimal"}


async def test_node_reads_of_the_notes_where_the_broker_tells_topic_ids(
    run_node: Any,
    node_folder: Path,
    environment: dict[str, str],
    traces: list[str],
    tmp_path: Path,
) -> None:
    ran = run_node("topic-ids.mjs", NOTES_STORED.name)
    assert ran.returncode == 0, ran.stderr
    if ran.stdout.strip() != "true":
        pytest.skip("the embedded broker tells no topic ids, which this Node client reads by")
    again = await settled_twice(environment)
    settled = run_node("settled.mjs", again.transcript_id)
    assert settled.returncode == 0, settled.stderr
    assert TranscriptSettled.model_validate_json(settled.stdout) == again

    submitted = TranscriptSubmitted.model_validate_json(EXAMPLES[0].read_bytes())
    settled = run_node("settled.mjs", submitted.transcript_id)
    assert settled.returncode == 0, settled.stderr
    outcome = TranscriptSettled.model_validate_json(settled.stdout)
    assert (outcome.transcript_id, outcome.outcome) == (submitted.transcript_id, "complete")
    output = tmp_path / "events"

    with following(node_folder / "stored.mjs", traces[0], environment, output):
        line = await until(
            lambda: output.read_text("utf-8").partition("\n")[0] or None, within_s=60
        )

    assert NotesStored.model_validate_json(line).transcript_id == submitted.transcript_id


async def settled_twice(environment: dict[str, str]) -> TranscriptSettled:
    """Publish that an interview is dead in part and then complete; return the latter."""
    dead = TranscriptSettled(
        transcript_id=uuid4(),
        revision=1,
        content_sha256="a" * 64,
        number=1,
        outcome=SettledOutcome.DEAD_IN_PART,
        chunks=1,
        dead=1,
    )
    changed = {"number": 2, "outcome": SettledOutcome.COMPLETE, "stored": 1, "dead": 0}
    complete = dead.model_copy(update=changed)
    kafka = KafkaSettings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    async with Publisher(kafka, source="/test") as publisher:
        await publisher.publish([dead])
        await publisher.publish([complete])
    return complete


@contextmanager
def following(
    program: Path, trace: str, environment: dict[str, str], output: Path
) -> Iterator[None]:
    """Runs a program that does not end by itself, for as long as the context lasts."""
    with output.open("wb") as file:
        process = subprocess.Popen(["node", program, trace], env=environment, stdout=file)
    try:
        yield
        assert process.poll() is None, "it ended by itself"
    finally:
        process.terminate()
        process.wait(timeout=30)
