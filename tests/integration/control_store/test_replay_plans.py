"""Replay plans over the real index: frozen sets, steps, rates, stops and crashes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import pytest

from contracts.access import TrailOutcome
from contracts.control_api import DeadLetterState
from contracts.ids import NAMESPACE
from contracts.replay_options import ReplayOverrides
from contracts.replay_plans import (
    CreateReplayPlanRequest,
    ReplayPlan,
    ReplayPlanFilter,
    ReplayPlanState,
)
from control.access.trail import AuditTrail
from control.domain import (
    BadRequestError,
    ConcurrentChangeError,
    DeadLetterNotOpenError,
    DeadLetterPosition,
    NotFoundError,
    PreconditionRequiredError,
    UnknownDeadLetterError,
)
from control.letters.store import DeadLetterStore
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.plans.budget import LEAST_UNDER_WAY
from control.replays.plans.preview import preview_plan
from control.replays.replayer import DeadLetterReplayer
from control.replays.sender import DeadLetterSendResult
from control.upkeep import delete_expired_rows
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import CallDetails, CallOutcome, Ledger
from model_client.requests import CostAttribution
from support.postgres_locks import is_somebody_waiting
from support.waiting import until

RUNNING = ReplayPlanState.RUNNING

FILL = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, consumer_group, error_code, error_type, error_message, attempts, timeouts,
    failed_at, fingerprint, headers, size_bytes, subject
)
SELECT letter_id, 'enrichment', 'enrichment-dlq', number % 3, number, 'chunks-ready', 0, number,
       'g', $3, 'E', 'no answer', 3, 1, now(), '', '[]', 1, 'interview ' || number % $4
  FROM unnest($1::uuid[], $2::bigint[]) AS filled (letter_id, number)
"""


class Crash(BaseException):
    """The process ends here."""


class RecordingSender:
    """Sender that records letters in place of Kafka, and may fail between two steps."""

    def __init__(self, sent: list[UUID]) -> None:
        self.sent = sent
        self.before: BaseException | None = None
        self.after: BaseException | None = None
        self.unsent: dict[UUID, str] = {}
        self.times: list[tuple[float, int]] = []

    async def send(self, letters: Sequence[DeadLetterPosition]) -> DeadLetterSendResult:
        if (error := self.before) is not None:
            self.before = None
            raise error
        taken = [one.letter_id for one in letters if one.letter_id not in self.unsent]
        self.sent += taken
        self.times.append((time.monotonic(), len(taken)))
        if (error := self.after) is not None:
            self.after = None
            raise error
        report: asyncio.Future[list[Exception | None]] = asyncio.Future()
        report.set_result([None] * len(taken))
        return DeadLetterSendResult([(taken, report)], dict(self.unsent))

    async def wait_until_settled(self, settling: asyncio.Task[None]) -> None:
        await settling


class Control:
    """One replica: its index, its plans and what it sends."""

    def __init__(self, database: Database, sent: list[UUID]) -> None:
        self.database = database
        self.letters = DeadLetterStore(database)
        self.plans = ReplayPlanStore(database, self.letters)
        self.sender = RecordingSender(sent)
        self.replayer = DeadLetterReplayer(self.letters, None, None)  # type: ignore[arg-type]
        self.replayer.sender = self.sender  # type: ignore[assignment]
        self.replayer._repairer._sender = self.sender  # type: ignore[assignment]
        self.runner = ReplayPlanRunner(self.plans, self.replayer, poll_s=0.02)

    async def fill(
        self, number: int, *, begin: int = 0, code: str = "llm_timeout", interviews: int = 1_000_000
    ) -> list[UUID]:
        numbers = list(range(begin, begin + number))
        ids = [uuid5(NAMESPACE, f"letter {one}") for one in numbers]
        await self.database.execute(FILL, ids, numbers, code, interviews)
        return ids

    async def plan(self, **wanted: Any) -> ReplayPlan:
        return await self.plans.create(CreateReplayPlanRequest(**wanted), "ada")

    async def start(self, plan: ReplayPlan) -> None:
        await self.plans.change_state(plan.plan_id, RUNNING)

    async def run(self, plan: ReplayPlan) -> None:
        """Run a plan here, as the runner does when it has taken it."""
        assert plan.plan_id in await self.plans.take_plans()
        await self.runner.run_plan(plan.plan_id)

    async def run_while_letters_resolve(self, plan: ReplayPlan) -> None:
        """Run a plan to its end; each letter that it sends goes through."""
        task = asyncio.create_task(self.run(plan))

        async def is_over() -> bool:
            await self.resolve()
            return task.done()

        await until(is_over, within_s=60)
        await task

    async def ids(self, plan: ReplayPlan) -> list[UUID]:
        letters, _ = await self.plans.letters(plan.plan_id)
        return [one.letter_id for one in letters]

    async def resolve(self, limit: int | None = None) -> None:
        await self.database.execute(
            "UPDATE dead_letters SET outcome = 'resolved' WHERE letter_id IN (SELECT letter_id"
            " FROM dead_letters WHERE state = 'replayed' AND outcome IS NULL"
            " ORDER BY state_changed_at LIMIT $1)",
            limit,
        )

    async def fail_again(self, cause: Callable[[int], str] = lambda _: "no answer") -> None:
        """Index a new letter of each one that was replayed and has no outcome."""
        rows = await self.database.fetch(
            "SELECT * FROM dead_letters WHERE state = 'replayed' AND outcome IS NULL"
        )
        for number, row in enumerate(rows):
            await self.database.execute(
                "INSERT INTO dead_letters (letter_id, service, dlq_topic, dlq_partition,"
                " dlq_offset, source_topic, source_partition, source_offset, consumer_group,"
                " error_code,"
                " error_type, error_message, attempts, timeouts, failed_at, fingerprint, headers,"
                " size_bytes, replay_of) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, 'g', 'bug', 'E',"
                " $8, 1, 0, now(), '', '[]', 1, $9)",
                uuid5(NAMESPACE, f"again {row['letter_id']}"),
                row["service"],
                row["dlq_topic"],
                1_000_000 + row["dlq_offset"],
                row["source_topic"],
                row["source_partition"],
                row["source_offset"],
                cause(number),
                row["letter_id"],
            )


@pytest.fixture
def control(fresh_database: Database) -> Control:
    return Control(fresh_database, [])


async def test_a_set_is_frozen_and_its_hash_is_of_its_ids(control: Control) -> None:
    letters = await control.fill(250)
    await control.fill(3, begin=500, code="undecodable")
    plan = await control.plan()
    await control.fill(10, begin=600)
    ids = await control.ids(plan)
    assert sorted(ids) == sorted(letters)
    assert plan.letters == 250
    assert plan.set_sha256 == hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()
    assert plan.left_out == {"undecodable": 3}
    assert (plan.state, plan.counts.waiting) == (ReplayPlanState.READY, 250)


async def test_steps_are_shares_of_interviews_that_stay_together_in_dlq_order(
    control: Control,
) -> None:
    await control.fill(3_000, interviews=600)
    plan = await control.plan()
    assert plan.steps[-1] == 3_000
    for end, share in zip(plan.steps, (0.01, 0.05, 0.25, 1.0), strict=True):
        assert 0 < end <= share * 3_000
    shown, _ = await control.plans.letters(plan.plan_id)
    begins = [0, *plan.steps[:-1]]
    seen: dict[str | None, int] = {}
    places = {one.letter_id: one for one in await control.letters.letters(limit=None)}
    for step, (begin, end) in enumerate(zip(begins, plan.steps, strict=True)):
        of_step = shown[begin:end]
        assert {seen.setdefault(one.subject, step) for one in of_step} == {step}
        order = [
            (places[one.letter_id].dlq_partition, places[one.letter_id].dlq_offset)
            for one in of_step
        ]
        assert order == sorted(order)


async def test_letters_that_are_named_and_unknown_are_an_error_and_closed_ones_are_told(
    control: Control,
) -> None:
    letters = await control.fill(4)
    await control.letters.discard(letters[0], "no use")
    await control.database.execute(
        "UPDATE dead_letters SET state = 'replayed', outcome = 'resolved' WHERE letter_id = $1",
        letters[1],
    )
    named = await control.plan(which=ReplayPlanFilter(letter_ids=tuple(letters)))
    assert named.left_out == {"discarded": 1, "resolved": 1}
    assert sorted(await control.ids(named)) == sorted(letters[2:])
    with pytest.raises(NotFoundError, match=r"1 discarded, 1 resolved$"):
        await control.plan(which=ReplayPlanFilter(letter_ids=tuple(letters[:2])))
    unknown = (UUID(int=7), UUID(int=8))
    with pytest.raises(UnknownDeadLetterError, match=f"no letter {unknown[0]}, nor 1 "):
        await control.plan(which=ReplayPlanFilter(letter_ids=(*unknown, *letters)))
    shown, _ = await control.plans.plans(10)
    assert [one.plan_id for one in shown] == [named.plan_id], "nothing is half done"


async def test_few_letters_go_in_one_step_and_none_is_an_error(control: Control) -> None:
    with pytest.raises(NotFoundError, match="no open letter matches"):
        await control.plan()
    await control.fill(2, code="undecodable")
    with pytest.raises(NotFoundError, match="2 undecodable"):
        await control.plan()
    assert (await control.plan(which=ReplayPlanFilter(code="undecodable"))).letters == 2
    await control.fill(50, begin=10)
    assert (await control.plan()).steps == (50,)
    assert len((await control.plan(canary=True)).steps) > 1


async def test_a_plan_sends_each_letter_once_and_ends_when_all_outcomes_are_known(
    control: Control,
) -> None:
    letters = await control.fill(5_000)
    plan = await control.plan(canary=False)
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))

    async def are_sent() -> bool:
        return (await control.plans.plan(plan.plan_id)).counts.replayed == 5_000

    await until(are_sent, within_s=60)
    assert not task.done(), "it waits for what becomes of them"
    await control.resolve()
    await asyncio.wait_for(task, 60)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, found.counts.resolved) == (ReplayPlanState.FINISHED, 5_000)
    assert sorted(control.sender.sent) == sorted(letters)


async def test_a_canary_with_a_wrong_fix_touches_one_in_a_hundred(control: Control) -> None:
    await control.fill(3_000)
    plan = await control.plan()
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))

    async def is_step_sent() -> bool:
        return (await control.plans.plan(plan.plan_id)).counts.replayed == plan.steps[0]

    await until(is_step_sent, within_s=60)
    await control.fail_again()
    await asyncio.wait_for(task, 60)
    found = await control.plans.plan(plan.plan_id)
    assert found.state is ReplayPlanState.STOPPED
    assert "failed again, more than 20%" in found.state_reason
    assert 0 < len(control.sender.sent) <= 30
    assert (found.counts.failed_again, found.counts.waiting) == (
        len(control.sender.sent),
        3_000 - len(control.sender.sent),
    )
    assert sum(found.failed_causes.values()) == found.counts.failed_again
    # Resumed, what failed until then is accepted: the next step is sent.
    await control.start(plan)
    again = asyncio.create_task(control.run(plan))

    async def is_next_sent() -> bool:
        return len(control.sender.sent) == plan.steps[1]

    await until(is_next_sent, within_s=60)
    await control.plans.change_state(plan.plan_id, ReplayPlanState.CANCELLED)
    await asyncio.wait_for(again, 60)
    assert len(control.sender.sent) == plan.steps[1]


async def test_a_step_of_which_little_is_known_stops_a_plan(control: Control) -> None:
    await control.fill(3_000)
    plan = await control.plan(step_wait_s=5)
    first, second = plan.steps[:2]
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))

    async def is_step_sent() -> bool:
        return (await control.plans.plan(plan.plan_id)).counts.replayed == first

    await until(is_step_sent, within_s=60)
    await control.resolve(1)
    await asyncio.wait_for(task, 60)
    found = await control.plans.plan(plan.plan_id)
    assert found.state is ReplayPlanState.STOPPED
    assert f"outcomes of 1 of {first} letters" in found.state_reason
    assert len(control.sender.sent) == first
    # Resumed, what is not known is accepted; half of the next step is enough.
    await control.plans.resume(plan.plan_id, version=found.version, accepts_stop=True)
    task = asyncio.create_task(control.run(plan))

    async def is_next_sent() -> bool:
        counts = (await control.plans.plan(plan.plan_id)).counts
        return counts.replayed + counts.resolved == second

    await until(is_next_sent, within_s=60)
    await control.resolve(first - 1 + (second - first + 1) // 2)

    async def is_third_sent() -> bool:
        return len(control.sender.sent) == plan.steps[2]

    await until(is_third_sent, within_s=60)
    await asyncio.wait_for(task, 60)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, "outcomes of 0 of" in found.state_reason) == (
        ReplayPlanState.STOPPED,
        True,
    )


async def test_a_step_of_which_nothing_was_sent_stops_a_plan(control: Control) -> None:
    await control.fill(3_000)
    plan = await control.plan()
    for one in (await control.ids(plan))[: plan.steps[0]]:
        await control.letters.discard(one, "not needed")
    await control.start(plan)
    await asyncio.wait_for(control.run(plan), 60)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, control.sender.sent) == (ReplayPlanState.STOPPED, [])
    assert "no letter of this step was sent" in found.state_reason


async def test_a_plan_that_stopped_is_not_started_again_and_resumed_by_its_version(
    control: Control,
) -> None:
    await control.fill(20)
    plan = await control.plan()
    await control.plans.start(plan.plan_id)
    assert (await control.plans.start(plan.plan_id)).state is RUNNING, "sent again"
    await control.plans.end(plan.plan_id, ReplayPlanState.STOPPED, "9 of 9 failed again")
    with pytest.raises(DeadLetterNotOpenError, match=r"is stopped.*plan resume"):
        await control.plans.start(plan.plan_id)
    with pytest.raises(PreconditionRequiredError, match="9 of 9 failed again"):
        await control.plans.resume(plan.plan_id)
    found = await control.plans.plan(plan.plan_id)
    with pytest.raises(ConcurrentChangeError):
        await control.plans.resume(plan.plan_id, version=found.version - 1, accepts_stop=True)
    resumed = await control.plans.resume(plan.plan_id, version=found.version, accepts_stop=True)
    assert resumed.state is RUNNING
    await control.plans.change_state(plan.plan_id, ReplayPlanState.PAUSED)
    with pytest.raises(DeadLetterNotOpenError, match="is paused"):
        await control.plans.start(plan.plan_id)
    assert (await control.plans.resume(plan.plan_id)).state is RUNNING
    ready = await control.plan()
    with pytest.raises(DeadLetterNotOpenError, match="is ready"):
        await control.plans.resume(ready.plan_id)


async def test_what_a_plan_does_by_itself_is_in_the_trail(control: Control) -> None:
    await control.fill(5)
    plan = await control.plan()
    await control.start(plan)
    await control.run_while_letters_resolve(plan)
    (entry,) = (await AuditTrail(control.database).page(action="plan.finish")).entries
    assert entry.outcome is TrailOutcome.DONE
    assert (entry.actor, entry.target) == (f"plan:{plan.plan_id}", str(plan.plan_id))


async def test_letters_snoozed_or_reopened_since_are_skipped_and_counted(control: Control) -> None:
    letters = await control.fill(20)
    plan = await control.plan()
    await control.database.execute(
        "UPDATE dead_letters SET snoozed_until = now() + interval '1 hour' WHERE letter_id = $1",
        letters[0],
    )
    await control.database.execute(
        "UPDATE dead_letters SET error_message = 'another', failed_at = now(),"
        " state_changed_at = now() WHERE letter_id = $1",
        letters[1],
    )
    await control.start(plan)
    await control.run_while_letters_resolve(plan)
    found = await control.plans.plan(plan.plan_id)
    assert (found.counts.resolved, found.not_sent) == (18, {"snoozed": 1, "failed_since": 1})
    assert not {letters[0], letters[1]} & {*control.sender.sent}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_between_two_steps_loses_no_letter(
    fresh_database: Database, when: str
) -> None:
    sent: list[UUID] = []
    first = Control(fresh_database, sent)
    letters = await first.fill(4_500)
    plan = await first.plan(canary=False)
    await first.start(plan)
    async with first.letters.hold_claims_lock():
        setattr(first.sender, when, Crash())
        with pytest.raises(Crash):
            await first.run(plan)
        other = Control(fresh_database, sent)
        assert await other.plans.take_plans() == [], "the first one lives"
        assert await other.replayer.finish_interrupted() == 0
    second = Control(fresh_database, sent)
    async with second.letters.hold_claims_lock():
        await second.replayer.finish_interrupted()
        await second.run_while_letters_resolve(plan)
    counted = Counter(sent)
    assert set(counted) == set(letters)
    twice = sum(number > 1 for number in counted.values())
    assert twice == (0 if when == "before" else 2_000), "only what the crash left in doubt"
    assert (await second.plans.plan(plan.plan_id)).counts.resolved == 4_500


async def test_two_replicas_run_a_plan_once(fresh_database: Database) -> None:
    sent: list[UUID] = []
    replicas = [Control(fresh_database, sent) for _ in range(2)]
    letters = await replicas[0].fill(3_000)
    plan = await replicas[0].plan(canary=False)
    async with (
        replicas[0].letters.hold_claims_lock(),
        replicas[1].letters.hold_claims_lock(),
        replicas[0].runner.running(),
        replicas[1].runner.running(),
        replicas[0].replayer.repairing(),
    ):
        await replicas[1].start(plan)

        async def is_finished() -> bool:
            await replicas[0].resolve()
            found = await replicas[0].plans.plan(plan.plan_id)
            return found.state is ReplayPlanState.FINISHED

        await until(is_finished, within_s=60)
    assert Counter(sent) == Counter(letters)


async def test_two_plans_of_the_same_letters_send_each_once(control: Control) -> None:
    letters = await control.fill(200)
    plans = [await control.plan(canary=False) for _ in range(2)]
    for plan in plans:
        await control.start(plan)
        await control.run_while_letters_resolve(plan)
    assert Counter(control.sender.sent) == Counter(letters)
    second = await control.plans.plan(plans[1].plan_id)
    assert (second.state, second.counts.not_sent) == (ReplayPlanState.FINISHED, 200)
    assert sum(second.not_sent.values()) == 200


async def test_letters_discarded_meanwhile_or_gone_are_skipped_and_counted(
    control: Control,
) -> None:
    letters = await control.fill(20)
    plan = await control.plan()
    await control.letters.discard(letters[3], "not needed")
    await control.database.execute(
        "UPDATE dead_letters SET displaced_at = now() WHERE letter_id = $1", letters[4]
    )
    control.sender.unsent = {letters[5]: "its DLQ does not have it at its place any more"}
    await control.start(plan)
    await control.run_while_letters_resolve(plan)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, found.counts.resolved, found.counts.not_sent) == (
        ReplayPlanState.FINISHED,
        17,
        3,
    )
    assert found.not_sent == {
        "discarded": 1,
        "gone": 1,
        "its DLQ does not have it at its place any more": 1,
    }
    assert (await control.letters.letter(letters[5])).state is DeadLetterState.OPEN


async def test_a_plan_that_is_paused_sends_nothing_until_it_is_resumed(control: Control) -> None:
    await control.fill(400)
    plan = await control.plan(canary=False, rate=200.0)
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))

    async def has_begun() -> bool:
        return bool(control.sender.sent)

    await until(has_begun, within_s=60)
    await control.plans.change_state(plan.plan_id, ReplayPlanState.PAUSED)
    await asyncio.wait_for(task, 60)
    number = len(control.sender.sent)
    assert 0 < number < 400
    assert plan.plan_id not in await control.plans.take_plans()
    await control.start(plan)
    await control.run_while_letters_resolve(plan)
    assert len(control.sender.sent) == len(set(control.sender.sent)) == 400


async def test_a_rate_is_kept(control: Control) -> None:
    await control.fill(600)
    plan = await control.plan(canary=False, rate=150.0)
    await control.start(plan)
    begin = time.monotonic()
    task = asyncio.create_task(control.run(plan))

    async def are_sent() -> bool:
        return len(control.sender.sent) == 600

    await until(are_sent, within_s=60)
    # The last slice is sent as its turn comes, not a slice's time later.
    assert 3.6 <= time.monotonic() - begin <= 8.0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_changes_that_make_no_sense_have_a_clear_answer(control: Control) -> None:
    await control.fill(1)
    plan = await control.plan()
    with pytest.raises(NotFoundError, match="plan list"):
        await control.plans.plan(UUID(int=1))
    with pytest.raises(DeadLetterNotOpenError, match="is ready"):
        await control.plans.change_state(plan.plan_id, ReplayPlanState.PAUSED)
    with pytest.raises(ConcurrentChangeError):
        await control.plans.change_state(plan.plan_id, RUNNING, version=7)
    for _ in range(2):
        found = await control.plans.change_state(plan.plan_id, ReplayPlanState.CANCELLED)
        assert found.state is ReplayPlanState.CANCELLED
    with pytest.raises(DeadLetterNotOpenError, match="is cancelled"):
        await control.plans.change_state(plan.plan_id, RUNNING)


async def test_a_preview_says_what_calls_may_cost_by_what_chunks_cost_of_late(
    control: Control, postgres_settings: PostgresSettings
) -> None:
    drafting = CostAttribution("bikes", "chunk-1")
    repairing = replace(drafting, purpose=f"{drafting.purpose}-repair")
    async with (
        LazilyConnectedDatabase(postgres_settings) as database,
        Ledger(database, BudgetSettings()) as ledger,
    ):
        for attribution, usd in ((drafting, Decimal("0.02")), (repairing, Decimal("0.01"))):
            details = CallDetails(attribution, "notes-2", "http://here", "m", Decimal("0.10"))
            reservation = await ledger.reserve(details)
            await ledger.settle(reservation, CallOutcome("answered", cost_usd=usd))
    await control.database.execute(
        "INSERT INTO transcripts (transcript_id, revision, study_id, title, format,"
        " content_sha256, study, segment_count, chunk_count)"
        " SELECT gen_random_uuid(), 1, 's', 't', 'vtt', '', '{}', 1, number"
        " FROM generate_series(1, 20) AS number"
    )
    await control.fill(5)
    plan = await control.plan()
    (part,) = (await preview_plan(control.database, plan)).parts
    assert part.calls is not None
    assert part.usd is not None
    assert (part.calls.low, part.calls.high) == (Decimal(0), Decimal(10))
    assert (part.usd.low, part.usd.high) == (Decimal(0), Decimal("0.15"))
    # Another model that was asked before costs what it cost; one that never was, by its price, and
    # one without a price nobody knows.
    await control.database.execute(
        "UPDATE llm_calls SET model = 'dear', cost_usd = 1 WHERE call_id ="
        " (SELECT call_id FROM llm_calls WHERE purpose = 'draft' LIMIT 1)"
    )
    known: dict[str, Decimal | None] = {"dear": Decimal(5), "gpt-4o-mini": None, "nobodys": None}
    for model, expected in known.items():
        asked = await control.plan(overrides=ReplayOverrides(model=model, statements="quotes"))
        (other,) = (await preview_plan(control.database, asked)).parts
        assert (other.usd is None) == (model == "nobodys")
        assert expected is None or (other.usd is not None and other.usd.high == expected)
    await control.database.execute("UPDATE llm_calls SET model = 'm', cost_usd = 0.015")
    await control.database.execute("UPDATE dead_letters SET service = 'ingestion'")
    (part,) = (await preview_plan(control.database, plan)).parts
    assert part.calls is not None
    assert part.usd is not None
    # Of 20 interviews of 1 to 20 chunks, 95 in 100 have 19 at most.
    assert (part.calls.low, part.calls.high) == (Decimal(0), Decimal(190))
    assert (part.usd.low, part.usd.high) == (Decimal(0), Decimal("2.85"))


async def test_a_preview_says_where_letters_go(control: Control) -> None:
    await control.fill(5)
    plan = await control.plan()
    (part,) = (await preview_plan(control.database, plan)).parts
    assert (part.service, part.error_code, part.letters) == ("enrichment", "llm_timeout", 5)
    assert (part.topic, part.closed, part.stored, part.calls) == ("enrichment-retry-0", 0, 0, None)


async def test_a_large_set_is_frozen_behind_the_answer_as_of_when_the_plan_was_made(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.plans.store.FROZEN_AT_ONCE", 100)
    letters = await control.fill(250)
    plan = await control.plan()
    assert (plan.state, plan.letters, plan.set_sha256) == (ReplayPlanState.FREEZING, 250, "")
    with pytest.raises(DeadLetterNotOpenError, match="being frozen"):
        await control.plans.start(plan.plan_id)
    await control.fill(10, begin=600)
    await control.database.execute(
        "UPDATE dead_letters SET state = 'discarded', state_reason = 'x' WHERE letter_id = $1",
        letters[0],
    )
    await control.run(plan)
    found = await control.plans.plan(plan.plan_id)
    ids = await control.ids(found)
    assert (found.state, found.letters) == (ReplayPlanState.READY, 249)
    assert sorted(ids) == sorted(letters[1:])
    assert found.set_sha256 == hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()
    assert len(found.steps) > 1
    assert (await control.plans.start(plan.plan_id)).state is RUNNING


async def test_a_large_set_that_is_given_up_or_left_by_a_crash_is_frozen_once_or_never(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.plans.store.FROZEN_AT_ONCE", 1)
    await control.fill(5)
    given_up, left = await control.plan(), await control.plan()
    await control.plans.change_state(given_up.plan_id, ReplayPlanState.CANCELLED)
    other = Control(control.database, [])
    async with control.letters.hold_claims_lock():
        assert await control.plans.take_plans() == [left.plan_id]
        assert not await other.plans.take_plans()
        await other.plans.freeze(left.plan_id)
        assert (await other.plans.plan(left.plan_id)).state is ReplayPlanState.FREEZING
    assert await other.plans.take_plans() == [left.plan_id]  # its replica is gone
    for plan in (given_up, left):
        for _ in range(2):
            await other.plans.freeze(plan.plan_id)
    assert (await other.plans.plan(left.plan_id)).state is ReplayPlanState.READY
    assert (await other.plans.plan(given_up.plan_id)).set_sha256 == ""
    await control.database.execute(
        "UPDATE dead_letters SET snoozed_until = now() + '1 d'::interval"
    )
    with pytest.raises(NotFoundError, match="5 snoozed"):
        await control.plan()


async def test_a_plan_is_cancelled_while_its_set_is_being_frozen(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.plans.store.FROZEN_AT_ONCE", 1)
    monkeypatch.setattr("control.replays.plans.freezing.WATCH_S", 0.05)
    await control.fill(5)
    plan, finishes = await control.plan(), await control.plan()
    async with control.database.transaction() as other:
        # Freezing waits for this, as it would take its time with millions of letters.
        await other.execute("LOCK TABLE replay_plan_batches IN SHARE MODE")
        tasks = [asyncio.create_task(control.plans.freeze(plan.plan_id)) for _ in range(2)]
        # One is at work on it, so the other has nothing to do.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await until(lambda: is_somebody_waiting(control.database))
        await control.plans.cancel(plan.plan_id)
        await asyncio.gather(*tasks)
        assert not await is_somebody_waiting(control.database)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, found.set_sha256) == (ReplayPlanState.CANCELLED, "")
    assert await control.ids(found) == []
    await control.plans.freeze(finishes.plan_id)
    assert (await control.plans.plan(finishes.plan_id)).state is ReplayPlanState.READY


async def test_a_set_that_takes_too_long_is_given_up_and_not_begun_again(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.plans.store.FROZEN_AT_ONCE", 1)
    monkeypatch.setattr("control.replays.plans.freezing.FREEZE_TIMEOUT_S", 0.3)
    await control.fill(5)
    plan = await control.plan()
    async with control.database.transaction() as other:
        await other.execute("LOCK TABLE replay_plan_batches IN SHARE MODE")
        await control.plans.freeze(plan.plan_id)
    found = await control.plans.plan(plan.plan_id)
    assert (found.state, "narrow it" in found.state_reason) == (ReplayPlanState.CANCELLED, True)
    assert plan.plan_id not in await control.plans.take_plans()


async def test_a_plan_stops_when_its_budget_is_spent_and_what_is_not_sent_stays_open(
    control: Control,
) -> None:
    await control.fill(60)
    overrides = ReplayOverrides(budget_usd=Decimal(3))
    plan = await control.plan(overrides=overrides, canary=False)
    assert (plan.overrides.plan_id, plan.spent_usd) == (plan.plan_id, Decimal(0))
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))
    await until(lambda: len(control.sender.sent) == LEAST_UNDER_WAY)
    await asyncio.sleep(0.2)
    assert len(control.sender.sent) == LEAST_UNDER_WAY  # the others wait for what these cost

    async def spend(usd: str) -> None:
        await control.database.execute(
            "INSERT INTO llm_plan_spending VALUES ($1, $2)", plan.plan_id, Decimal(usd)
        )

    await spend("1.50")
    await control.resolve()
    await until(lambda: len(control.sender.sent) > LEAST_UNDER_WAY)
    await spend("1.50")
    await control.resolve()
    await task
    stopped = await control.plans.plan(plan.plan_id)
    assert (stopped.state, stopped.spent_usd) == (ReplayPlanState.STOPPED, Decimal(3))
    assert "its budget of $3.00 is spent: $3.0000 is booked" in stopped.state_reason
    sent = len(control.sender.sent)
    assert sent <= 2 * LEAST_UNDER_WAY
    still_open = await control.database.fetchval(
        "SELECT count(*) FROM dead_letters WHERE state = 'open'"
    )
    assert (stopped.counts.waiting, still_open) == (60 - sent, 60 - sent)
    # Another replica, later, does not begin to count anew.
    other = Control(control.database, control.sender.sent)
    await other.plans.resume(plan.plan_id, accepts_stop=True)
    await other.run(plan)
    assert (await other.plans.plan(plan.plan_id)).state is ReplayPlanState.STOPPED
    assert len(control.sender.sent) == sent


async def test_a_plan_has_a_bound(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.replays.plans.store.MOST_LETTERS", 3)
    await control.fill(4)
    with pytest.raises(BadRequestError, match="4 letters match, and a plan has 3 at most"):
        await control.plan()
    assert await control.plans.plans(10) == ((), None)


async def test_a_limit_takes_the_first_letters_in_the_order_of_the_dlqs(control: Control) -> None:
    letters = await control.fill(30)  # by turns in three partitions
    plan = await control.plan(limit=5, canary=False)
    assert await control.ids(plan) == letters[0:13:3]
    assert (plan.limit, plan.letters) == (5, 5)


async def test_plans_that_are_over_are_kept_for_a_while(control: Control) -> None:
    await control.fill(3)
    old, young, ready = [await control.plan() for _ in range(3)]
    for plan in (old, young):
        await control.plans.change_state(plan.plan_id, ReplayPlanState.CANCELLED)
    for plan, age in ((old, "91 d"), (young, "89 d"), (ready, "91 d")):
        await control.database.execute(
            "UPDATE replay_plans SET created_at = now() - $2::text::interval,"
            " finished_at = CASE WHEN finished_at IS NOT NULL THEN now() - $2::text::interval END"
            " WHERE plan_id = $1",
            plan.plan_id,
            age,
        )
        await control.database.execute(
            "INSERT INTO replay_plan_counts VALUES ($1, 'replayed', '', 1)", plan.plan_id
        )
    await delete_expired_rows(control.database)
    kept = {plan.plan_id for plan in (await control.plans.plans(10))[0]}
    assert kept == {young.plan_id, ready.plan_id}
    for table in ("replay_plan_batches", "replay_plan_counts"):
        rows = await control.database.fetch(f"SELECT DISTINCT plan_id FROM {table}")
        assert {row["plan_id"] for row in rows} == kept


async def test_a_rate_is_not_exceeded(control: Control) -> None:
    """That it is reached, too, depends on the machine."""
    await control.fill(2_000)
    plan = await control.plan(canary=False, rate=200.0)
    await control.start(plan)
    task = asyncio.create_task(control.run(plan))

    async def are_sent() -> bool:
        return len(control.sender.sent) == 2_000

    await until(are_sent, within_s=60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (first, _), *others = control.sender.times
    rate = sum(number for _, number in others) / (others[-1][0] - first)
    assert rate <= 210
