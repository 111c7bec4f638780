"""One plan that runs: its slices are claimed, sent at its rate, and waited for between steps.

Its letters are claimed in one transaction with its position, so a crash leaves them `replaying`, to
be finished by the replica that takes over, and the plan goes on behind them. While a slice is sent,
the next one of its step is claimed, if nothing but the broker sets the pace::

    claim and advance ─▶ send ─▶ acknowledged ─▶ mark
            └── crash or outage ─▶ sent by ``DeadLetterReplayer.repairing``: at least once
    claim and advance ─────▶ send ─▶ …             the next slice
            └── paused, stopped, cancelled, or something to repair ─▶ given back: open again

While there is something to repair, a plan takes no further letters: an outage of Kafka holds it up
by a few slices at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog

from contracts.control_api import ReplayResult
from contracts.errors import OnrecordError
from contracts.replay_plans import ReplayPlan, ReplayPlanState
from contracts.topics import PIPELINE
from control.domain import DeadLetterNotOpenError
from control.letters.hopeless import BudgetSpentError
from control.replays.plans.budget import (
    PlanSpending,
    count_letters_allowed_by_budget,
    explain_budget_stop,
)
from control.replays.plans.decision import (
    PlanAction,
    StepOutcomeCounts,
    decide_plan_action,
    is_step_over,
)
from control.replays.plans.pace import PlanPace
from control.replays.plans.slices import ClaimedSlice
from control.replays.plans.store import ReplayPlanStore
from control.replays.replayer import UNDER_WAY, DeadLetterReplayer
from database.pool import Record
from messaging import KafkaUnavailableError

log = structlog.get_logger(__name__)

LOOK_S: Final = 5.0
"""Seconds between two looks for what keeps letters that a plan waits for; each look goes through
all open letters."""

SUMMED_EVERY: Final = 50
"""Slices after which a plan's counts are summed up."""


class PlanRun:
    """Run of one plan by this replica, until it is over, paused or stopped.

    Args:
        store: the plans.
        replayer: sends letters.
        plan_id: of the plan.
        poll_s: seconds between two looks at what became of letters.
    """

    def __init__(
        self,
        store: ReplayPlanStore,
        replayer: DeadLetterReplayer,
        plan_id: UUID,
        poll_s: float,
    ) -> None:
        self._store = store
        self._replayer = replayer
        self._plan_id = plan_id
        self._poll_s = poll_s
        self._pace = PlanPace()
        self._settling: deque[tuple[asyncio.Task[None], ReplayResult]] = deque()
        self._ahead: ClaimedSlice | None = None
        self._slices = 0

    async def run(self) -> None:
        """Run the plan until it is over, paused or stopped, or another replica runs it.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later; nothing is lost.
        """
        await self._store.freeze(self._plan_id)
        await self._wait_for_letters_in_hand()
        try:
            while await self._go_on():
                pass
        finally:
            try:
                await self._give_back_ahead()
            finally:
                await self._settle_all()

    async def _wait_for_letters_in_hand(self) -> None:
        """Wait until the letters are sent that the plan's replica before had claimed.

        They come before the next ones, also if another replica has taken them over.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        look_at = time.monotonic()
        while True:
            plan = await self._store.plan(self._plan_id)
            if plan.state is not ReplayPlanState.RUNNING or not plan.counts.replaying:
                return
            if time.monotonic() >= look_at:
                self._replayer.repair_soon()
                # Letters hang that were sent to a topic which is gone: that gives them up.
                with suppress(KafkaUnavailableError):
                    await self._replayer.sender.find_missing_topics(PIPELINE)
                look_at = time.monotonic() + LOOK_S
            await asyncio.sleep(self._poll_s)

    async def _go_on(self) -> bool:
        row = await self._store.progress(self._plan_id)
        if row["state"] != ReplayPlanState.RUNNING or not self._has_ahead(row):
            return False
        plan = await self._store.plan(self._plan_id)
        position = row["position"] if self._ahead is None else self._ahead.begin
        waited_s, step = 0.0, None
        if position in plan.steps:
            await self._settle_all()
            plan = await self._store.plan(self._plan_id)
            # While the broker does not take them, nothing is known because nothing is sent.
            ended = await self._store.end_step(self._plan_id, is_sending=plan.counts.replaying > 0)
            if ended is None:
                return False
            waited_s = ended
            step = await self._count_step(plan, position, row["accepted_position"], waited_s)
        judged = decide_plan_action(
            plan,
            position=position,
            waited_s=waited_s,
            accepted_failed=row["accepted_failed"],
            accepted_known=row["accepted_known"],
            step=step,
        )
        match judged.verdict:
            case PlanAction.WAIT:
                await asyncio.sleep(self._poll_s)
                return True
            case PlanAction.STOP:
                return await self._end(plan, ReplayPlanState.STOPPED, judged.reason)
            case PlanAction.FINISH:
                return await self._end(plan, ReplayPlanState.FINISHED, "")
        return await self._send_within_budget(plan, position)

    def _has_ahead(self, row: Record) -> bool:
        """Whether the slice that was claimed ahead, if one was, is still this replica's to send."""
        ahead = self._ahead
        here = (row["position"], row["claimed_by"])
        return ahead is None or here == (ahead.end, self._store.claimant)

    async def _send_within_budget(self, plan: ReplayPlan, position: int) -> bool:
        """Send the next letters, as many as the plan's budget lets be on their way."""
        spending = (await self._store.spending([plan.plan_id])).get(plan.plan_id, PlanSpending())
        if reason := explain_budget_stop(plan, spending):
            return await self._end(plan, ReplayPlanState.STOPPED, reason)
        pace = self._pace
        pace.most = pace.count_free(plan, count_letters_allowed_by_budget(plan, spending))
        if pace.most > 0:
            return await self._send_slice(plan, position)
        await self._settle_all()
        await asyncio.sleep(self._poll_s)
        return True

    async def _count_step(
        self, plan: ReplayPlan, position: int, accepted: int, waited_s: float
    ) -> StepOutcomeCounts | None:
        """What is known of a step that is over, behind what was accepted; None if that is all."""
        begin = max([accepted, *(step for step in plan.steps if step < position)])
        if begin >= position or not is_step_over(plan, waited_s):
            return None
        return await self._store.count_step(plan.plan_id, begin, position)

    async def _send_slice(self, plan: ReplayPlan, position: int) -> bool:
        if self._replayer.is_repair_due:
            # What is to be repaired comes before it.
            await self._give_back_ahead()
            await asyncio.sleep(self._poll_s)
            return True
        if not await self._pace.wait(plan.rate):
            return True  # it took long: the plan may be paused by now
        claimed, self._ahead = self._ahead, None
        if claimed is None:
            try:
                claimed = await self._claim(position, self._pace.find_end(plan, position))
            except BudgetSpentError as error:
                return await self._end(plan, ReplayPlanState.STOPPED, str(error))
            if claimed is None:
                return False
        claiming = asyncio.create_task(self._claim_ahead(plan, claimed.end))
        try:
            replays = ReplayResult()
            sent = await self._replayer.send_claimed(claimed.letters, replays)
            self._settling.append((sent, replays))
            self._pace.note(claimed.end - claimed.begin, plan.rate)
            if len(self._settling) > UNDER_WAY:
                await self._settle(*self._settling.popleft())
        finally:
            self._ahead = await claiming
        self._slices += 1
        if self._slices % SUMMED_EVERY == 0:
            await self._store.sum_counts(plan.plan_id)
        return True

    async def _claim(self, begin: int, end: int) -> ClaimedSlice | None:
        async with self._replayer.claims.claiming() as look_after:
            claimed = await self._store.slices.claim(self._plan_id, begin, end)
            if claimed is not None:
                look_after(letter.letter_id for letter in claimed.letters)
        return claimed

    async def _claim_ahead(self, plan: ReplayPlan, begin: int) -> ClaimedSlice | None:
        """Claim the slice behind one that is being sent; None if it has to wait for that one.

        So it has to at the end of a step, and where a rate or a budget sets the pace.
        """
        if plan.rate or plan.overrides.budget_usd is not None or begin in plan.steps:
            return None
        with suppress(BudgetSpentError):  # raised again when it is its turn
            return await self._claim(begin, self._pace.find_end(plan, begin))
        return None

    async def _give_back_ahead(self) -> None:
        """Open the letters again that were claimed ahead; what cannot be undone is repaired."""
        claimed, self._ahead = self._ahead, None
        if claimed is None:
            return
        letter_ids = [letter.letter_id for letter in claimed.letters]
        with suppress(OnrecordError):
            async with self._replayer.claims.handing_back(letter_ids):
                if await self._store.slices.give_back(claimed):
                    return
        self._replayer.claims.give_up(letter_ids)

    async def _settle_all(self) -> None:
        while self._settling:
            await self._settle(*self._settling.popleft())

    async def _settle(self, sent: asyncio.Task[None], replays: ReplayResult) -> None:
        try:
            await self._replayer.sender.wait_until_settled(sent)
        finally:
            if replays.not_replayed:
                reasons = Counter(replays.not_replayed.values())
                await self._store.slices.add_not_sent(self._plan_id, reasons)

    async def _end(self, plan: ReplayPlan, state: ReplayPlanState, reason: str) -> bool:
        try:
            await self._store.end(plan.plan_id, state, reason)
        except DeadLetterNotOpenError:
            return False  # somebody paused or cancelled it just now
        await self._store.sum_counts(plan.plan_id)
        log.info("replay_plan_ended", plan_id=str(plan.plan_id), state=state.value, reason=reason)
        return False
