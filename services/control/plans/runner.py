"""Runs replay plans: claims letters, sends them at the plan's rate, and waits between steps.

A large set is frozen first. A plan is run by one replica, whose claim holds as long as its session
(``hold_claims_lock``). Its letters are claimed in one transaction with its position, so a crash
leaves them `replaying`, to be finished by whoever takes over, and the plan goes on behind them::

    claim and advance ─▶ send ─▶ acknowledged ─▶ mark        the next slice
            └── crash or outage ─▶ sent by ``DeadLetterReplayer.repairing``: at least once

While there is something to repair, a plan takes no further letters: an outage of Kafka holds it up
by a few slices at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from contracts.control_api import ReplayResult
from contracts.errors import OutageError
from contracts.replay_plans import ReplayPlan, ReplayPlanState
from contracts.topics import PIPELINE
from control.domain import DeadLetterNotOpenError
from control.hopeless import BudgetSpentError
from control.plans.budget import PlanSpending, count_letters_allowed_by_budget, explain_budget_stop
from control.plans.decision import PlanAction, StepOutcomeCounts, decide_plan_action, is_step_over
from control.plans.freezing import BATCH
from control.plans.store import ReplayPlanStore
from control.replay import UNDER_WAY, DeadLetterReplayer
from messaging import KafkaUnavailableError

log = structlog.get_logger(__name__)

POLL_S: Final = 0.5
"""Seconds between two looks at what became of letters, and for plans to run."""

LOOK_S: Final = 5.0
"""Seconds between two looks for what keeps letters that a plan waits for; each look goes through
all open letters."""

PAUSE_S: Final = 1.0
"""Seconds until a plan goes on after PostgreSQL or Kafka was away."""

SLICE_S: Final = 0.2
"""Letters of so many seconds are claimed at a time by a plan with a rate."""

SUMMED_EVERY: Final = 50
"""Slices after which a plan's counts are summed up."""


class ReplayPlanRunner:
    """Background task that sends the letters of running replay plans, step by step.

    Args:
        store: the plans.
        replayer: sends letters.
        poll_s: seconds between two looks.
    """

    def __init__(
        self, store: ReplayPlanStore, replayer: DeadLetterReplayer, *, poll_s: float = POLL_S
    ) -> None:
        self._store = store
        self._replayer = replayer
        self._poll_s = poll_s
        self._running: dict[UUID, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the plans that are to run within the ``async with`` block."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            tasks = [task, *self._running.values()]
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run_plan(self, plan_id: UUID) -> None:
        """Run a plan until it is over, paused or stopped, or another replica runs it.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later; nothing is lost.
        """
        await self._store.freeze(plan_id)
        await self._wait_for_letters_in_hand(plan_id)
        settling: deque[tuple[asyncio.Task[None], ReplayResult]] = deque()
        pace = _Pace()
        try:
            while await self._go_on(plan_id, pace, settling):
                pass
        finally:
            while settling:
                await self._settle(plan_id, *settling.popleft())

    async def _wait_for_letters_in_hand(self, plan_id: UUID) -> None:
        """Wait until the letters are sent that whoever ran the plan before had claimed.

        They come before the next ones, also if another replica has taken them over.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        look_at = time.monotonic()
        while True:
            plan = await self._store.plan(plan_id)
            if plan.state is not ReplayPlanState.RUNNING or not plan.counts.replaying:
                return
            if time.monotonic() >= look_at:
                self._replayer.repair_soon()
                # Letters hang that were sent to a topic which is gone: that gives them up.
                with suppress(KafkaUnavailableError):
                    await self._replayer.sender.find_missing_topics(PIPELINE)
                look_at = time.monotonic() + LOOK_S
            await asyncio.sleep(self._poll_s)

    async def _go_on(
        self,
        plan_id: UUID,
        pace: _Pace,
        settling: deque[tuple[asyncio.Task[None], ReplayResult]],
    ) -> bool:
        row = await self._store.progress(plan_id)
        if row["state"] != ReplayPlanState.RUNNING:
            return False
        plan, position = await self._store.plan(plan_id), row["position"]
        waited_s, step = 0.0, None
        if position in plan.steps:
            while settling:
                await self._settle(plan_id, *settling.popleft())
            plan = await self._store.plan(plan_id)
            # While the broker does not take them, nothing is known because nothing is sent.
            ended = await self._store.end_step(plan_id, is_sending=plan.counts.replaying > 0)
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
        return await self._send_within_budget(plan, position, pace, settling)

    async def _send_within_budget(
        self,
        plan: ReplayPlan,
        position: int,
        pace: _Pace,
        settling: deque[tuple[asyncio.Task[None], ReplayResult]],
    ) -> bool:
        """Send the next letters, as many as the plan's budget lets be on their way."""
        spending = (await self._store.spending([plan.plan_id])).get(plan.plan_id, PlanSpending())
        if reason := explain_budget_stop(plan, spending):
            return await self._end(plan, ReplayPlanState.STOPPED, reason)
        pace.most = pace.count_free(plan, count_letters_allowed_by_budget(plan, spending))
        if pace.most > 0:
            return await self._send_slice(plan, position, pace, settling)
        while settling:
            await self._settle(plan.plan_id, *settling.popleft())
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

    async def _send_slice(
        self,
        plan: ReplayPlan,
        position: int,
        pace: _Pace,
        settling: deque[tuple[asyncio.Task[None], ReplayResult]],
    ) -> bool:
        if self._replayer.is_repair_due:
            await asyncio.sleep(self._poll_s)
            return True
        end = min(
            next(step for step in plan.steps if step > position),
            position
            + (min(max(int(plan.rate * SLICE_S), 1), pace.most) if plan.rate else pace.most),
        )
        if not await pace.wait(plan.rate):
            return True  # it took long: the plan may be paused by now
        replays = ReplayResult()
        try:
            sent = await self._replayer.replay_claimed(
                lambda: self._store.claim(plan.plan_id, position, end), replays
            )
        except BudgetSpentError as error:
            return await self._end(plan, ReplayPlanState.STOPPED, str(error))
        if sent is None:
            return False
        pace.note(end - position, plan.rate)
        settling.append((sent, replays))
        if len(settling) > UNDER_WAY:
            await self._settle(plan.plan_id, *settling.popleft())
        pace.slices += 1
        if pace.slices % SUMMED_EVERY == 0:
            await self._store.sum_counts(plan.plan_id)
        return True

    async def _settle(self, plan_id: UUID, sent: asyncio.Task[None], replays: ReplayResult) -> None:
        try:
            await self._replayer.sender.wait_until_settled(sent)
        finally:
            if replays.not_replayed:
                await self._store.add_not_sent(plan_id, Counter(replays.not_replayed.values()))

    async def _end(self, plan: ReplayPlan, state: ReplayPlanState, reason: str) -> bool:
        try:
            await self._store.end(plan.plan_id, state, reason)
        except DeadLetterNotOpenError:
            return False  # somebody paused or cancelled it just now
        await self._store.sum_counts(plan.plan_id)
        log.info("replay_plan_ended", plan_id=str(plan.plan_id), state=state.value, reason=reason)
        return False

    async def _run(self) -> None:
        while True:
            try:
                for plan_id in await self._store.take_plans():
                    if plan_id not in self._running:
                        task = asyncio.create_task(self._keep_running(plan_id))
                        self._running[plan_id] = task
                        task.add_done_callback(partial(self._forget, plan_id))
            except OutageError as error:
                log.warning("replay_plans_wait", reason=str(error))
            except Exception:
                log.exception("replay_plans_wait")
            await asyncio.sleep(self._poll_s)

    def _forget(self, plan_id: UUID, _: asyncio.Task[None]) -> None:
        self._running.pop(plan_id, None)

    async def _keep_running(self, plan_id: UUID) -> None:
        """Run a plan; if that fails, the next look for plans runs it again."""
        try:
            await self.run_plan(plan_id)
        except OutageError as error:
            log.warning("replay_plans_wait", plan_id=str(plan_id), reason=str(error))
            await asyncio.sleep(PAUSE_S)
        except Exception:
            log.exception("replay_plans_wait", plan_id=str(plan_id))
            await asyncio.sleep(PAUSE_S)


class _Pace:
    """Pace at which a plan's letters are sent."""

    def __init__(self) -> None:
        self.slices = 0
        self.most = BATCH
        self._next = time.monotonic()
        self._under_way = 0
        self._given_up = 0
        self._since = time.monotonic()

    def count_free(self, plan: ReplayPlan, allowance: int | None) -> int:
        """Count how many letters may be sent, if so many may be on their way.

        Those of which nothing becomes known for as long as a step is waited for count no more.
        """
        under_way = plan.letters - plan.counts.waiting - plan.counts.not_sent
        under_way -= plan.counts.resolved + plan.counts.failed_again
        now = time.monotonic()
        if under_way != self._under_way:
            self._under_way, self._since = under_way, now
        elif now - self._since > plan.step_wait_s:
            self._given_up, self._since = under_way, now
        return BATCH if allowance is None else allowance - max(under_way - self._given_up, 0)

    async def wait(self, rate: float | None) -> bool:
        """Wait until letters may be sent; False if that is not yet, after a while of waiting."""
        if rate is None or (left := self._next - time.monotonic()) <= 0:
            return True
        await asyncio.sleep(min(left, 1.0))
        return left <= 1.0

    def note(self, letters: int, rate: float | None) -> None:
        """Note that letters were sent; what was late is caught up with for a second at most."""
        if rate is not None:
            self._next = max(self._next, time.monotonic() - 1.0) + letters / rate
