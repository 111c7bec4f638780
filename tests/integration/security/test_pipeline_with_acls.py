"""The whole pipeline on a broker with access rules, each service as its own user."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from contracts.topic_access import MIGRATOR, PRODUCER, SERVICES, KafkaOperation
from contracts.topics import TRANSCRIPTS_SUBMITTED
from local_stack.spec import find_stack_file
from local_stack.supervisor import LocalStack
from messaging import Publisher
from messaging.kafka.acls import apply_declared_acls
from support.authorizing_kafka import AuthorizingKafka, change_rules, find_rules
from support.secure_kafka import all_closed
from support.stack import QUICK_RETRIES, embedded_stack
from support.waiting import eventually

ONRECORD: Final = Path(sys.executable).with_name("onrecord")
SAMPLES: Final = Path(__file__).resolve().parents[3] / "samples"


@pytest.fixture(scope="module")
def stack_file(ruled_kafka: AuthorizingKafka, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The local stack's file without the broker, and with a user of Kafka's for each process."""
    whole = yaml.safe_load(find_stack_file({}).read_text(encoding="utf-8"))["processes"]
    del whole["broker"]
    for name, process in whole.items():
        process["after"] = [one for one in process.get("after", ()) if one != "broker"]
        user = MIGRATOR if name == "topics" else name
        if user in {*SERVICES, MIGRATOR}:
            process.setdefault("env", {}).update(ruled_kafka.env_of(user))
    file = tmp_path_factory.mktemp("stack") / "stack.yaml"
    file.write_text(yaml.safe_dump({"processes": whole}, sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def ruled_stack(ruled_kafka: AuthorizingKafka, stack_file: Path) -> Iterator[LocalStack]:
    asyncio.run(_apply(ruled_kafka))
    with embedded_stack(file=stack_file, env=dict(QUICK_RETRIES)) as running:
        yield running


async def _apply(broker: AuthorizingKafka) -> None:
    await apply_declared_acls(broker.user(), {})
    await all_closed()


@pytest.fixture
def onrecord(ruled_stack: LocalStack, ruled_kafka: AuthorizingKafka) -> Any:
    """Runs a command, one that submits as a producer of Kafka's; what it printed as JSON."""
    home = {"ONRECORD_HOME": str(ruled_stack.home.path)}
    producer = ruled_kafka.env_of(PRODUCER)

    def run(*words: str) -> Any:
        ended = subprocess.run(
            [ONRECORD, *words, "--json"],
            env=os.environ | home | (producer if words[0] == "submit" else {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    return run


def test_samples_become_notes_and_the_books_balance(onrecord: Any) -> None:
    onrecord("submit", str(SAMPLES / "short"), "--wait", "--timeout", "150")
    assert onrecord("notes")
    audit = onrecord("audit", "--wait")
    assert audit["chunks"]


async def test_a_letter_is_set_aside_indexed_and_replayed(
    onrecord: Any, ruled_kafka: AuthorizingKafka
) -> None:
    async with Publisher(ruled_kafka.as_user(PRODUCER), source="/test") as publisher:
        await publisher.forward(TRANSCRIPTS_SUBMITTED.name, b"k", b"not JSON", ())
    eventually(lambda: onrecord("dlq", "list") != [], within_s=30)
    letter_id = onrecord("dlq", "list")[0]["letter_id"]
    onrecord("dlq", "replay", letter_id)

    def failed_again() -> bool:
        found = [one["letter_id"] for one in onrecord("dlq", "list")]
        return found not in ([], [letter_id])

    eventually(failed_again, within_s=30)


async def test_a_rule_that_is_taken_away_is_an_outage_and_nobodys_dead_letter(
    onrecord: Any, ruled_stack: LocalStack, ruled_kafka: AuthorizingKafka
) -> None:
    letters = onrecord("dlq", "list")
    notes = onrecord("notes")
    rules = find_rules(ruled_kafka, ("enrichment", KafkaOperation.WRITE, "notes-drafted"))
    await change_rules(ruled_kafka, forbid=rules)
    onrecord("submit", str(SAMPLES))

    def reason() -> str:
        (state,) = [one for one in ruled_stack.status() if one.name == "enrichment"]
        return state.reason

    eventually(
        lambda: "'onrecord-enrichment': Write on topic notes-drafted;" in reason(), within_s=60
    )
    await change_rules(ruled_kafka, allow=rules)
    onrecord("audit", "--wait")  # ends with 1 unless every chunk is stored or set aside
    assert onrecord("dlq", "list") == letters
    assert len(onrecord("notes")) > len(notes)
