"""``submit --wait`` reads outcomes from their topic, without a database."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import ids
from contracts.events import SettledOutcome, SettledReason, TranscriptSettled, TranscriptSubmitted
from contracts.topics import TRANSCRIPTS_SETTLED, TRANSCRIPTS_SUBMITTED
from messaging import KafkaSettings, Publisher
from messaging.kafka.admin import create_topics
from onrecord import cli

REASON = SettledReason(service="ingestion", code="malformed_transcript", message="line 7: no time")
STUDY = "study_id: billing\nname: Billing\nthemes: [{id: price, name: Price}]\n"


@pytest.fixture
def kafka(
    broker: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> KafkaSettings:
    """Topics of the test's own, and no database."""
    monkeypatch.setenv("POSTGRES_DSN", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker)
    prefix = f"{ids.derive_id('test', request.node.name).hex[:8]}-"
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix)
    settings = KafkaSettings()
    topics = [replace(TRANSCRIPTS_SUBMITTED, partitions=1), TRANSCRIPTS_SETTLED]
    asyncio.run(create_topics(settings, topics))
    return settings


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY)
    for name in ("ann", "bo"):
        (tmp_path / f"{name}.txt").write_text(f"Interviewer: How, {name}?\n{name}: So.\n")
    return tmp_path


def settle(submitted: TranscriptSubmitted, kind: SettledOutcome, **more: Any) -> TranscriptSettled:
    return TranscriptSettled(
        transcript_id=submitted.transcript_id,
        revision=submitted.revision,
        content_sha256=submitted.content_sha256,
        number=1,
        outcome=kind,
        **more,
    )


async def count_submissions(kafka: KafkaSettings) -> int:
    consumer = AIOKafkaConsumer(**kafka.client_options())
    await consumer.start()
    try:
        place = TopicPartition(kafka.topic(TRANSCRIPTS_SUBMITTED.name), 0)
        return int((await consumer.end_offsets([place]))[place])
    finally:
        await consumer.stop()


@contextmanager
def answering(
    kafka: KafkaSettings, *answers: tuple[SettledOutcome, dict[str, Any]]
) -> Iterator[None]:
    """Settle what is submitted within the block, in the order of its titles."""
    begin = asyncio.run(count_submissions(kafka))

    async def answer() -> None:
        consumer = AIOKafkaConsumer(**kafka.client_options())
        await consumer.start()
        try:
            place = TopicPartition(kafka.topic(TRANSCRIPTS_SUBMITTED.name), 0)
            consumer.assign([place])
            consumer.seek(place, begin)
            found: list[TranscriptSubmitted] = []
            while len(found) < len(answers):
                record = await consumer.getone()
                found.append(TranscriptSubmitted.model_validate_json(record.value))
        finally:
            await consumer.stop()
        found.sort(key=lambda event: event.title)
        async with Publisher(kafka, source="/test") as publisher:
            await publisher.publish(
                [
                    settle(one, kind, **more)
                    for one, (kind, more) in zip(found, answers, strict=True)
                ]
            )

    thread = threading.Thread(target=asyncio.run, args=(asyncio.wait_for(answer(), 60),))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_outcomes_are_told_without_any_database(
    kafka: KafkaSettings, talks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complete = (SettledOutcome.COMPLETE, {"chunks": 2, "stored": 2, "notes": 5})
    refused = (SettledOutcome.REFUSED, {"reasons": (REASON,)})
    with answering(kafka, complete, refused):
        ended = cli.run_command(["submit", str(talks), "--wait", "--timeout", "60", "--json"])
    printed = capsys.readouterr()
    assert ended == 1
    assert "1 interview was set aside" in printed.err
    ann, bo = json.loads(printed.out)
    assert (ann["outcome"], ann["stored"], ann["notes"], ann["done"]) == ("complete", 2, 5, True)
    assert (bo["outcome"], bo["refused"]) == ("refused", True)
    assert bo["reasons"][0]["message"] == "line 7: no time"


def test_a_wait_that_ran_out_is_taken_up_again_by_the_same_command(
    kafka: KafkaSettings, talks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["submit", str(talks / "ann.txt"), "--study", str(talks / "study.yaml"), "--wait"]
    assert cli.run_command([*command, "--timeout", "0"]) == 1
    assert "submit the same again" in capsys.readouterr().err
    with answering(kafka, (SettledOutcome.SUPERSEDED, {"superseded_by": 2})):
        assert cli.run_command([*command, "--timeout", "60"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "superseded: revision 2 is stored" in printed
    assert "1 interview submitted; 1 superseded" in printed


def test_nothing_is_sent_where_outcomes_cannot_be_read(
    kafka: KafkaSettings,
    talks: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", f"{kafka.topic_prefix}without-")
    settings = KafkaSettings()
    asyncio.run(create_topics(settings, [replace(TRANSCRIPTS_SUBMITTED, partitions=1)]))
    assert cli.run_command(["submit", str(talks), "--wait"]) == 3
    assert "transcripts-settled that may be read" in capsys.readouterr().err
    assert asyncio.run(count_submissions(settings)) == 0
