"""Slices of a plan that are claimed while the one before is sent: sent in order, or given back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.replay_plans import ReplayPlan, ReplayPlanState
from control.domain import DeadLetterPosition
from control.letters.reader import DeadLetterRecord
from control.replays.plans import pace
from control.replays.plans.slices import ClaimedSlice
from database.pool import Database
from integration.control_store.test_replay_plans_in_outages import Replica, Shelf
from support.waiting import until

SLICE = 100
OPEN = DeadLetterFilter(state=DeadLetterState.OPEN)
LETTERS = 1_000


class HeldShelf(Shelf):
    """Dead letter queue that gives out no letter of a slice while it is held."""

    def __init__(self) -> None:
        self.read = 0
        self.holds_from = LETTERS
        self.release = asyncio.Event()

    async def read_many(
        self, letters: Sequence[DeadLetterPosition]
    ) -> AsyncIterator[list[DeadLetterRecord]]:
        self.read += len(letters)
        if self.read > self.holds_from:
            await self.release.wait()
        async for some in super().read_many(letters):
            yield some


@pytest.fixture
def shelf() -> HeldShelf:
    return HeldShelf()


@pytest.fixture
def replica(fresh_database: Database, shelf: HeldShelf, monkeypatch: pytest.MonkeyPatch) -> Replica:
    monkeypatch.setattr(pace, "BATCH", SLICE)
    found = Replica(fresh_database)
    found.replayer.sender._reader = shelf  # type: ignore[assignment]
    return found


async def position(replica: Replica, plan: ReplayPlan) -> int:
    return int((await replica.plans.progress(plan.plan_id))["position"])


async def claimed_ahead(replica: Replica, shelf: HeldShelf) -> ReplayPlan:
    """A plan whose third slice is being sent, and whose fourth is claimed."""
    shelf.holds_from = 2 * SLICE
    _, plan = await replica.start(LETTERS, canary=False)
    # One of the fourth slice was closed meanwhile.
    order = await in_order(replica, plan)
    await replica.letters.discard(order[3 * SLICE + 7], "nobody needs it")
    return plan


async def in_order(replica: Replica, plan: ReplayPlan) -> list[UUID]:
    rows = await replica.database.fetch(
        "SELECT letter_ids FROM replay_plan_batches WHERE plan_id = $1 ORDER BY begins",
        plan.plan_id,
    )
    return [letter_id for row in rows for letter_id in row["letter_ids"]]


async def until_ahead(replica: Replica, plan: ReplayPlan) -> None:
    async def is_ahead() -> bool:
        return await position(replica, plan) == 4 * SLICE

    await until(is_ahead, within_s=60)
    assert (await replica.plans.plan(plan.plan_id)).counts.replaying >= 2 * SLICE - 1


@pytest.mark.parametrize("to", [ReplayPlanState.PAUSED, ReplayPlanState.CANCELLED])
async def test_what_is_claimed_ahead_is_open_again_once_a_plan_is_to_end(
    replica: Replica, shelf: HeldShelf, to: ReplayPlanState
) -> None:
    plan = await claimed_ahead(replica, shelf)
    order = await in_order(replica, plan)
    async with replica.replayer.repairing(), replica.runner.running():
        await until_ahead(replica, plan)
        await replica.plans.change_state(plan.plan_id, to)
        shelf.release.set()

        async def is_given_back() -> bool:
            found = await replica.plans.plan(plan.plan_id)
            return await position(replica, plan) == 3 * SLICE and not found.counts.replaying

        await until(is_given_back, within_s=60)
        assert sorted(replica.broker.acknowledged) == sorted(order[: 3 * SLICE])
        found = await replica.plans.plan(plan.plan_id)
        assert (found.counts.not_sent, found.counts.waiting) == (0, LETTERS - 3 * SLICE)
        assert not replica.replayer.is_repair_due
        given_back = await replica.letters.letter(order[3 * SLICE])
        assert (given_back.state, given_back.plan_id) == (DeadLetterState.OPEN, None)
        if to is ReplayPlanState.CANCELLED:
            return
        await replica.plans.resume(plan.plan_id)
        found = await replica.wait_for_end(plan)
    assert (found.state, found.counts.resolved) == (ReplayPlanState.FINISHED, LETTERS - 1)
    assert found.not_sent == {"discarded": 1}
    assert max(Counter(replica.broker.acknowledged).values()) == 1
    assert len(replica.broker.acknowledged) == LETTERS - 1


@pytest.mark.parametrize("where", ["before", "middle", "reports"])
async def test_nothing_that_is_claimed_ahead_overtakes_what_an_outage_cut_short(
    replica: Replica, shelf: HeldShelf, where: str
) -> None:
    plan = await claimed_ahead(replica, shelf)
    order = await in_order(replica, plan)
    async with replica.replayer.repairing(), replica.runner.running():
        await until_ahead(replica, plan)
        replica.broker.away = where
        shelf.release.set()
        await until(lambda: replica.broker.failures > 0, within_s=60)
        await asyncio.sleep(0.3)
        ahead = {*order[3 * SLICE : 4 * SLICE]}
        behind = {*order[2 * SLICE : 3 * SLICE]}
        sent = {*replica.broker.acknowledged}
        assert behind <= sent or not ahead & sent
        replica.broker.away = None
        found = await replica.wait_for_end(plan)
    assert (found.state, found.counts.resolved) == (ReplayPlanState.FINISHED, LETTERS - 1)
    assert found.not_sent == {"discarded": 1}
    assert Counter(replica.broker.acknowledged) == Counter({*order} - {order[3 * SLICE + 7]})


async def test_a_plan_with_a_rate_claims_nothing_ahead(replica: Replica, shelf: HeldShelf) -> None:
    shelf.holds_from = 0
    _, plan = await replica.start(LETTERS, canary=False, rate=500)
    async with replica.replayer.repairing(), replica.runner.running():
        await until(lambda: shelf.read > 0, within_s=60)
        await asyncio.sleep(0.3)
        assert await position(replica, plan) == SLICE
        shelf.release.set()


async def test_no_slice_is_claimed_ahead_over_the_end_of_a_step(
    replica: Replica, shelf: HeldShelf
) -> None:
    shelf.holds_from = 0
    _, plan = await replica.start(LETTERS, canary=True)
    async with replica.replayer.repairing(), replica.runner.running():
        await until(lambda: shelf.read > 0, within_s=60)
        await asyncio.sleep(0.3)
        assert await position(replica, plan) == plan.steps[0]
        shelf.release.set()


async def claim_first(replica: Replica, plan: ReplayPlan) -> ClaimedSlice:
    assert await replica.plans.take_plans() == [plan.plan_id]
    claimed = await replica.plans.slices.claim(plan.plan_id, 0, SLICE)
    assert claimed is not None
    return claimed


async def test_a_slice_is_not_given_back_by_a_replica_that_has_lost_its_plan(
    replica: Replica,
) -> None:
    _, plan = await replica.start(LETTERS, canary=False)
    async with replica.letters.hold_claims_lock():
        claimed = await claim_first(replica, plan)
    other = Replica(replica.database)
    assert await other.plans.take_plans() == [plan.plan_id]
    assert not await replica.plans.slices.give_back(claimed)
    assert await position(replica, plan) == SLICE


async def test_a_slice_of_which_a_letter_has_an_outcome_by_now_is_not_given_back(
    replica: Replica,
) -> None:
    _, plan = await replica.start(LETTERS, canary=False)
    async with replica.letters.hold_claims_lock():
        claimed = await claim_first(replica, plan)
        await replica.database.execute(
            "UPDATE dead_letters SET outcome = 'failed_again' WHERE letter_id = $1",
            claimed.letters[3].letter_id,
        )
        assert not await replica.plans.slices.give_back(claimed)
        letter = await replica.letters.letter(claimed.letters[0].letter_id)
        assert (letter.state, await position(replica, plan)) == ("replaying", SLICE)


async def test_a_slice_that_is_given_back_twice_is_given_back_once(replica: Replica) -> None:
    letters, plan = await replica.start(LETTERS, canary=False)
    order = await in_order(replica, plan)
    await replica.letters.discard(order[0], "nobody needs it")
    async with replica.letters.hold_claims_lock():
        claimed = await claim_first(replica, plan)
        assert (await replica.plans.plan(plan.plan_id)).not_sent == {"discarded": 1}
        assert await replica.plans.slices.give_back(claimed)
        assert not await replica.plans.slices.give_back(claimed)
        found = await replica.plans.plan(plan.plan_id)
    assert (found.not_sent, found.counts.waiting) == ({}, LETTERS)
    assert await position(replica, plan) == 0
    open_ones = await replica.letters.letters(OPEN, limit=None)
    assert len(open_ones) == LETTERS - 1
    assert {*letters} >= {one.letter_id for one in open_ones}
