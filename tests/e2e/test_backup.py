"""The database is lost in the middle of work and restored; notes are as without the accident."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.study import Study
from local_stack.supervisor import LocalStack
from support.pipeline import Pipeline, run_as_administrator, submitted
from support.repair_talks import TALK, build_study
from support.stack import QUICK_RETRIES, embedded_stack

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

STUDY = build_study("lost-and-found")
LATER = build_study("begun-after-the-backup")
PLACES = ("Leeds", "York", "Hull", "Bath", "Ely", "Wells", "Ripon", "Truro", "Derby", "Lincoln")


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack whose data the test destroys, so it is embedded."""
    env = QUICK_RETRIES | {"ONRECORD_SIMULATOR_LATENCY": "lognormal:0.3,0.3"}
    with embedded_stack(env=env) as running:
        yield running


def talks(study: Study, amounts: range) -> list[Any]:
    return [
        submitted(study, f"interview {amount}", TALK.format(amount, PLACES[amount % len(PLACES)]))
        for amount in amounts
    ]


async def read_notes(pipeline: Pipeline) -> list[tuple[str, str, str]]:
    """All notes of all studies: id, statement and quotes."""
    connection = await asyncpg.connect(pipeline.postgres.dsn.get_secret_value())
    try:
        rows = await connection.fetch(
            "SELECT note_id::text, statement, (SELECT string_agg(quote, '|' ORDER BY position)"
            " FROM evidence WHERE note_id = notes.note_id) AS quotes FROM notes ORDER BY 1"
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def test_a_lost_database_is_restored_and_the_books_balance(
    stack: LocalStack, tmp_path: Path
) -> None:
    pipeline = Pipeline(stack)
    file = tmp_path / "b.backup"
    await pipeline.publish(talks(STUDY, range(20, 32)))
    await pipeline.onrecord("audit")  # some of them are under way
    code, printed = await run_as_administrator(stack, "backup", str(file))
    assert code == 0, printed
    await pipeline.publish([*talks(STUDY, range(50, 58)), *talks(LATER, range(20, 28))])
    await pipeline.publish_bytes("transcripts-submitted", b"no interview", key=b"x")
    balance = await pipeline.settled()
    assert balance.balances
    without_accident = await read_notes(pipeline)
    assert len(without_accident) >= 28

    code, printed = await run_as_administrator(stack, "restore", "--replace", str(file))
    assert code == 1, printed
    assert "services are running" in printed
    stack.stop()
    shutil.rmtree(stack.home.data / "postgres")
    code, printed = await run_as_administrator(stack, "restore", str(file))
    assert code == 0, printed
    assert "will be handled again" in printed

    stack.start()
    found = await pipeline.settled()
    assert found.balances
    assert found.lost == frozenset()
    assert found.submissions.states == balance.submissions.states
    assert found.chunks.states == balance.chunks.states
    assert await read_notes(pipeline) == without_accident
    # The letter about what is no interview was indexed again, and whose interviews are is known.
    letters = await pipeline.ask("dlq", "list")
    assert len(letters) == 1
    entries = await pipeline.ask("trail")
    assert any(one["action"] == "database.restore" for one in entries)


async def test_without_its_topics_a_backup_says_what_is_lost(
    stack: LocalStack, tmp_path: Path
) -> None:
    """Database and broker are both gone; what was settled by the backup is there, no more."""
    pipeline = Pipeline(stack)
    await pipeline.settled()
    known = await read_notes(pipeline)
    code, printed = await run_as_administrator(stack, "backup", str(tmp_path / "b"))
    assert code == 0, printed
    stack.stop()
    for name in ("postgres", "broker"):
        shutil.rmtree(stack.home.data / name)
    code, printed = await run_as_administrator(stack, "restore", str(tmp_path / "b"))
    assert code == 1, printed
    assert "are gone with the log that was there before" in printed
    code, printed = await run_as_administrator(
        stack, "restore", "--accept-loss", str(tmp_path / "b")
    )
    assert code == 0, printed
    stack.start()
    balance = await pipeline.audit()
    assert balance.lost == frozenset()
    assert await read_notes(pipeline) == known
    await pipeline.publish(talks(LATER, range(90, 92)))
    assert (await pipeline.settled()).balances
    assert len(await read_notes(pipeline)) > len(known)
