"""Requests that change something, while PostgreSQL or Kafka is away: 503, and nothing is done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from contracts.access import TrailOutcome
from contracts.control_api import DeadLetterState
from database.pool import Database
from messaging.kafka.admin import wait_for_broker
from support.broker import RestartableBroker
from support.changing_requests import ChangingRequests, changing, open_office_and_stage
from support.control_office import Office
from support.postgres import TestServer

TAKE_KAFKA: Final = {
    ("POST", "/studies/{study_id}/refresh"),
    ("POST", "/transcripts"),
    ("POST", "/transcripts/{transcript_id}/fix"),
    ("POST", "/letters/replay"),
    ("POST", "/letters/reindex"),
    ("POST", "/letters/{letter_id}/replay"),
    ("POST", "/waiting/release"),
    ("POST", "/waiting/hold"),
    ("POST", "/waiting/give-up"),
    ("PUT", "/letters/{letter_id}/edit"),
    ("DELETE", "/letters/{letter_id}/edit"),
}
"""What cannot be done without Kafka; everything else goes on."""

CHANGED: Final = (
    *(
        "trail",
        "trail_outcomes",
        "changes",
        "idempotent_requests",
        "access_tokens",
        "sessions",
        "studies",
    ),
    *(
        "transcript_owners",
        "withdrawn_revisions",
        "corrections",
        "note_decisions",
        "decided_notes",
        "erasures",
        "erased_transcripts",
        "study_versions",
        "llm_budgets",
        "llm_answers",
        "dead_letters",
        "submissions",
    ),
    *(
        "letter_causes",
        "letter_edits",
        "letter_rules",
        "replay_plans",
        "rehearsals",
        "rehearsed_letters",
    ),
)
"""Tables that requests change."""

TOPICS_WRITTEN: Final = ("transcripts-submitted", "enrichment-retry-0")


def require_try_again(answer: httpx2.Response, where: tuple[str, str]) -> None:
    assert answer.status_code == 503, (where, answer.status_code, answer.text)
    assert int(answer.headers["retry-after"]) > 0, where
    assert answer.headers["content-type"] == "application/problem+json", where


async def snapshot(office: Office, database: Database) -> dict[str, Any]:
    """Everything that requests change, in PostgreSQL and in Kafka."""
    found: dict[str, Any] = {}
    for table in CHANGED:
        rows = await database.fetch(f"SELECT to_jsonb(t) - 'last_used_at' AS row FROM {table} t")
        found[table] = sorted(row["row"] for row in rows)
    for topic in TOPICS_WRITTEN:
        found[topic] = await office.bench.size(topic)
    return found


@pytest.mark.timeout(300)
async def test_without_postgresql_nothing_is_changed_and_all_is_to_be_tried_again(
    postgres: TestServer, broker: str, fresh_database: Database, tmp_path: Path
) -> None:
    async with open_office_and_stage(broker, fresh_database, tmp_path) as office:
        prepared = ChangingRequests(office)
        await prepared.begin()
        before = await snapshot(office, fresh_database)
        await asyncio.to_thread(postgres.stop)
        try:
            for number, (method, path) in enumerate(changing()):
                for headers in ({}, {"Idempotency-Key": f"key-{number}"}):
                    answer = await prepared.send(method, path, **headers)
                    require_try_again(answer, (method, path))
                    assert "PostgreSQL" in answer.json()["detail"], (method, path)
        finally:
            await asyncio.to_thread(postgres.start)
        assert await snapshot(office, fresh_database) == before
        for number, (method, path) in enumerate(changing()):  # and then it is done
            answer = await prepared.send(method, path, **{"Idempotency-Key": f"key-{number}"})
            done = answer.is_success or answer.status_code in {404, 409}
            assert done, (method, path, answer.status_code, answer.text)


@pytest.mark.timeout(300)
async def test_without_kafka_what_takes_it_is_to_be_tried_again_and_all_else_goes_on(
    own_broker: RestartableBroker, fresh_database: Database, tmp_path: Path
) -> None:
    async with open_office_and_stage(own_broker.servers, fresh_database, tmp_path) as office:
        prepared = ChangingRequests(office)
        await prepared.begin()
        before = await snapshot(office, fresh_database)
        await asyncio.to_thread(own_broker.stop)
        recorded = (await office.context.trail.page(limit=1)).entries[0].entry_id
        failed = set()
        # What takes no Kafka is done last: it ends the session and discards the letter.
        for method, path in sorted(changing(), key=lambda one: one not in TAKE_KAFKA):
            answer = await prepared.send(method, path, **{"Idempotency-Key": f"{method}{path}"})
            if (method, path) in TAKE_KAFKA:
                require_try_again(answer, (method, path))
                assert "Kafka" in answer.json()["detail"], (method, path)
                entry = (await office.context.trail.page(limit=1)).entries[0]
                if entry.entry_id > recorded:  # else it is refused before it is recorded
                    outcome = (entry.outcome, entry.status)
                    assert outcome == (TrailOutcome.FAILED, 503), (method, path)
                    recorded = entry.entry_id
                    failed.add(path)
                if (method, path) == max(TAKE_KAFKA):
                    (letter,) = await office.context.store.letters()
                    assert letter.state is DeadLetterState.OPEN
            else:
                assert answer.is_success, (method, path, answer.status_code, answer.text)
        assert "/letters/{letter_id}/replay" in failed
        assert not await fresh_database.fetchval(
            "SELECT count(*) FROM idempotent_requests WHERE status IS NULL"
        )
        await asyncio.to_thread(own_broker.start)
        await wait_for_broker(office.bench.kafka, 30)
        after = {topic: await office.bench.size(topic) for topic in TOPICS_WRITTEN}
        assert after == {topic: before[topic] for topic in TOPICS_WRITTEN}
        answer = await prepared.send("POST", "/transcripts")
        assert answer.status_code == 202, answer.text
