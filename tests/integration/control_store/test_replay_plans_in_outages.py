"""Replay plans while Kafka is away: the real sender, over a publisher that fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any
from uuid import UUID, uuid5

import pytest
from structlog.testing import capture_logs

from contracts.control_api import DeadLetterState
from contracts.ids import NAMESPACE
from contracts.replay_plans import CreateReplayPlanRequest, ReplayPlan, ReplayPlanState
from control.domain import DeadLetterPosition, RetryTopicMissingError
from control.letters.reader import DeadLetterRecord
from control.letters.store import DeadLetterStore
from control.replays import claim_session, sender
from control.replays.claim_session import CLAIMS_LOCK
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore, run
from control.replays.replayer import DeadLetterReplayer, ReplayTimings
from database.pool import Database
from messaging import KafkaUnavailableError
from messaging.delivery import Headers
from support.waiting import until

LETTERS = 4_000
RATE = 2_000.0
SLICE = 400
"""Letters that a plan of this rate claims at a time."""

FILL = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, consumer_group, error_code, error_type, error_message, attempts, timeouts,
    failed_at, fingerprint, headers, size_bytes
)
SELECT letter_id, 'enrichment', 'enrichment-dlq', 0, number, 'chunks-ready', 0, number,
       'g', 'llm_timeout', 'E', 'no answer', 3, 1, now(), '', '[]', 1
  FROM unnest($1::uuid[], $2::bigint[]) AS filled (letter_id, number)
"""

Records = Sequence[tuple[bytes | None, bytes | None, Headers]]


class Shelf:
    """Dead letter queue in memory, read as ``DeadLetterReader`` reads one."""

    async def read_many(
        self, letters: Sequence[DeadLetterPosition]
    ) -> AsyncIterator[list[DeadLetterRecord]]:
        for begin in range(0, len(letters), 100):
            yield [
                DeadLetterRecord(one, None, one.letter_id.bytes, (), ())
                for one in letters[begin : begin + 100]
            ]

    async def whole(self, found: DeadLetterRecord) -> DeadLetterRecord:
        return found


class Broker:
    """Publisher whose broker may be away: asked first, in the middle of a batch, or in reports."""

    def __init__(self) -> None:
        self.away: str | None = None
        self.missing: set[str] = set()
        self.acknowledged: list[UUID] = []
        self.failures = 0
        self._calls = 0
        self._hanging: list[tuple[int, asyncio.Future[list[Exception | None]]]] = []

    def name(self, topic: str) -> str:
        return topic

    async def find_missing_topics(self, topics: Collection[str]) -> set[str]:
        if self.away in ("before", "for good"):
            self._fail()
        if missing := self.missing & {*topics}:
            for number, report in self._hanging:  # as the publisher gives up what has no topic
                report.set_result([RetryTopicMissingError("it does not exist")] * number)
            self._hanging.clear()
        return missing

    async def forward_all(
        self, topic: str, records: Records
    ) -> asyncio.Future[list[Exception | None]]:
        del topic
        if self.away == "in flight":
            report: asyncio.Future[list[Exception | None]] = asyncio.Future()
            self._hanging.append((len(records), report))
            self.away = "for good"
            return report
        self._calls += 1
        if self.away == "middle" and self._calls % 2:
            self._fail()
        reports: list[Exception | None] = []
        for number, (_, value, _) in enumerate(records):
            assert value is not None
            if self.away == "reports" and number % 2:
                self.failures += 1
                reports.append(KafkaUnavailableError("no broker answers"))
            else:
                self.acknowledged.append(UUID(bytes=value))
                reports.append(None)
        future: asyncio.Future[list[Exception | None]] = asyncio.Future()
        future.set_result(reports)
        return future

    def _fail(self) -> None:
        self.failures += 1
        raise KafkaUnavailableError("no broker answers")


class Replica:
    """A replica of control with the real store, sender, replayer and runner."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.broker = Broker()
        self.letters = DeadLetterStore(database)
        self.plans = ReplayPlanStore(database, self.letters)
        self.replayer = DeadLetterReplayer(
            self.letters,
            Shelf(),  # type: ignore[arg-type]
            self.broker,  # type: ignore[arg-type]
            ReplayTimings(repair_pause_s=0.1),
        )
        self.runner = ReplayPlanRunner(self.plans, self.replayer, poll_s=0.02)

    async def start(self, number: int, **wanted: object) -> tuple[list[UUID], ReplayPlan]:
        ids = [uuid5(NAMESPACE, f"letter {one}") for one in range(number)]
        await self.database.execute(FILL, ids, list(range(number)))
        plan = await self.plans.create(CreateReplayPlanRequest.model_validate(wanted), "ada")
        await self.plans.change_state(plan.plan_id, ReplayPlanState.RUNNING)
        return ids, plan

    async def wait_for_end(self, plan: ReplayPlan) -> ReplayPlan:
        async def is_over() -> bool:
            await self.database.execute(
                "UPDATE dead_letters SET outcome = 'resolved' "
                "WHERE state = 'replayed' AND outcome IS NULL"
            )
            found = await self.plans.plan(plan.plan_id)
            return found.state is not ReplayPlanState.RUNNING

        await until(is_over, within_s=60)
        return await self.plans.plan(plan.plan_id)


@pytest.fixture
def replica(fresh_database: Database) -> Replica:
    return Replica(fresh_database)


@pytest.mark.parametrize("where", ["before", "middle", "reports"])
async def test_an_outage_of_kafka_skips_no_letter(replica: Replica, where: str) -> None:
    letters, plan = await replica.start(LETTERS, canary=False, rate=RATE)
    async with replica.replayer.repairing(), replica.runner.running():

        async def are_some_sent() -> bool:
            return len(replica.broker.acknowledged) >= SLICE

        await until(are_some_sent, within_s=60)
        replica.broker.away = where

        async def is_noticed() -> bool:
            return replica.broker.failures > 0

        await until(is_noticed, within_s=60)
        # What was claimed before the outage was noticed is not counted.
        await asyncio.sleep(0.5)
        taken = (await replica.plans.plan(plan.plan_id)).counts.waiting
        # So long that a plan which went on at its rate would have claimed all letters.
        await asyncio.sleep(LETTERS / RATE + 0.5)
        during = await replica.plans.plan(plan.plan_id)
        # A broker that takes some has repair come to an end, and the plan go on.
        if where == "before":
            assert taken - during.counts.waiting <= SLICE
        assert during.state is ReplayPlanState.RUNNING
        replica.broker.away = None
        found = await replica.wait_for_end(plan)
    assert (found.state, found.counts.resolved) == (ReplayPlanState.FINISHED, LETTERS)
    assert (found.counts.not_sent, found.not_sent) == (0, {})
    assert Counter(replica.broker.acknowledged) == Counter(letters)


async def test_a_step_is_not_over_while_the_broker_does_not_take_its_letters(
    replica: Replica,
) -> None:
    _, plan = await replica.start(50, canary=False, step_wait_s=1)
    replica.broker.away = "before"
    async with replica.replayer.repairing(), replica.runner.running():

        async def is_tried() -> bool:
            return replica.broker.failures > 0

        await until(is_tried, within_s=60)
        # Three times as long as a step may wait for outcomes: it does not end.
        await asyncio.sleep(3.0)
        assert (await replica.plans.plan(plan.plan_id)).state is ReplayPlanState.RUNNING
        replica.broker.away = None
        found = await replica.wait_for_end(plan)
    assert (found.state, found.counts.resolved) == (ReplayPlanState.FINISHED, 50)


async def test_letters_without_a_topic_are_counted_and_stay_open(replica: Replica) -> None:
    letters, plan = await replica.start(10, canary=False)
    replica.broker.missing = {"enrichment-retry-0"}
    async with replica.replayer.repairing(), replica.runner.running():
        found = await replica.wait_for_end(plan)
    assert (found.state, found.counts.not_sent) == (ReplayPlanState.FINISHED, 10)
    assert [number for reason, number in found.not_sent.items() if "does not exist" in reason] == [
        10
    ]
    assert (await replica.letters.letter(letters[0])).state is DeadLetterState.OPEN


async def test_a_plan_goes_on_when_the_broker_comes_back_without_the_topic(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reports of a slice hang, and whoever waited for them could not ask for the topic."""
    monkeypatch.setattr(sender, "ACKNOWLEDGED_WITHIN_S", 0.1)
    monkeypatch.setattr(run, "LOOK_S", 0.2)
    letters, plan = await replica.start(10, canary=False, step_wait_s=1)
    replica.broker.away = "in flight"
    async with replica.replayer.repairing(), replica.runner.running():
        await until(lambda: replica.broker.failures > 0, within_s=30)
        replica.broker.missing = {"enrichment-retry-0"}
        replica.broker.away = None
        found = await replica.wait_for_end(plan)
    assert (found.counts.replaying, found.state) == (0, ReplayPlanState.FINISHED)
    assert (await replica.letters.letter(letters[0])).state is DeadLetterState.OPEN


async def test_a_plan_that_waits_for_letters_in_hand_holds_no_other_plan_up(
    replica: Replica,
) -> None:
    """Another replica is at them: no look of this one's mends that, and each costs."""
    letters, plan = await replica.start(10, canary=False)
    other = Replica(replica.database)
    looks = 0
    take = replica.letters.take_over_interrupted

    async def count(*args: Any, **how: Any) -> list[DeadLetterPosition]:
        nonlocal looks
        looks += 1
        return await take(*args, **how)

    replica.letters.take_over_interrupted = count  # type: ignore[method-assign]
    async with other.letters.hold_claims_lock(), replica.replayer.repairing():
        assert await other.plans.take_plans() == [plan.plan_id]
        assert await other.plans.slices.claim(plan.plan_id, 0, 5)
        await until(lambda: not replica.replayer.is_repair_due, within_s=10)
        looks, was_due = 0, 0
        waiting = asyncio.create_task(replica.runner.run_plan(plan.plan_id))
        for _ in range(50):
            await asyncio.sleep(0.02)
            was_due += replica.replayer.is_repair_due
        assert (looks, was_due) == (1, 0)
        replica.replayer.repair_soon()
        assert not replica.replayer.is_repair_due, "nothing tells that there is anything to repair"
        await other.letters.mark_many_replayed(letters[:5])
        await asyncio.wait_for(waiting, 10)


async def test_interrupted_replays_are_finished_by_batches(replica: Replica) -> None:
    letters, _ = await replica.start(4_500, canary=False)
    await replica.database.execute("UPDATE dead_letters SET state = 'replaying'")
    taken: list[int] = []
    take = replica.letters.take_over_interrupted

    async def record(
        under_way: Collection[UUID], *args: Any, **how: Any
    ) -> list[DeadLetterPosition]:
        found = await take(under_way, *args, **how)
        taken.append(len(found))
        return found

    replica.letters.take_over_interrupted = record  # type: ignore[method-assign]
    assert await replica.replayer.finish_interrupted() == 4_500
    assert max(taken) <= 2_000
    assert replica.broker.acknowledged == letters, "in the order of the DLQ"


async def test_a_released_letter_has_no_outcome_and_one_that_failed_again_was_sent(
    replica: Replica,
) -> None:
    letters, _ = await replica.start(2, canary=False)
    await replica.database.execute(
        "UPDATE dead_letters SET state = 'replaying', claimed_by = $2,"
        " outcome = CASE letter_id WHEN $1 THEN 'failed_again' END",
        letters[0],
        replica.letters.claimant,
    )
    await replica.letters.release_claims(letters)
    rows = await replica.database.fetch("SELECT state, outcome, claimed_by FROM dead_letters")
    assert {tuple(row) for row in rows} == {
        ("replayed", "failed_again", None),
        ("open", None, None),
    }


async def test_a_claim_is_held_once_the_session_before_is_gone(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_session, "CLAIMS_PAUSE_S", 0.05)
    monkeypatch.setattr(claim_session, "CLAIMS_CHECKED_S", 0.05)
    key = CLAIMS_LOCK, replica.letters.claimant
    locks = (
        "SELECT pid <> $3 FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND classid = $1::int::oid AND objid = $2::int::oid"
    )
    async with replica.database.connection() as before:
        pid = await before.fetchval("SELECT pg_backend_pid()")
        await before.execute("SELECT pg_advisory_lock($1, $2)", *key)
        with capture_logs() as logs:
            async with replica.letters.hold_claims_lock():

                async def is_refused() -> bool:
                    return "claims_not_held" in {one["event"] for one in logs}

                await until(is_refused, within_s=10)
                await before.execute("SELECT pg_advisory_unlock($1, $2)", *key)

                async def is_held() -> bool:
                    return bool(await replica.database.fetchval(locks, *key, pid))

                await until(is_held, within_s=10)
                # The server ends the session that holds it: another one does.
                holder = await replica.database.fetchval(locks.replace("pid <> $3", "pid"), *key)
                await before.execute("SELECT pg_terminate_backend($1)", holder)

                async def is_held_anew() -> bool:
                    found = await replica.database.fetchval(locks.replace("pid <> $3", "pid"), *key)
                    return found not in {None, holder}

                await until(is_held_anew, within_s=10)


async def test_an_unforeseen_error_does_not_end_the_holding_of_claims(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_session, "CLAIMS_PAUSE_S", 0.05)
    connection, calls = replica.database.connection, []

    def fail_first() -> object:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return connection()

    monkeypatch.setattr(replica.database, "connection", fail_first)
    async with replica.letters.hold_claims_lock():

        async def is_tried_again() -> bool:
            return len(calls) > 1

        await until(is_tried_again, within_s=10)
