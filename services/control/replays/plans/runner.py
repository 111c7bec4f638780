"""Runs the replay plans that are to run: each by one replica, which goes by the database.

A plan's claim holds as long as its replica's session (``hold_claims_lock``); then another replica
takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import OutageError
from control.replays.plans.run import PlanRun
from control.replays.plans.store import ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer

log = structlog.get_logger(__name__)

POLL_S: Final = 0.5
"""Seconds between two looks at what became of letters, and for plans to run."""

PAUSE_S: Final = 1.0
"""Seconds until a plan goes on after PostgreSQL or Kafka was away."""


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
        await PlanRun(self._store, self._replayer, plan_id, self._poll_s).run()

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
