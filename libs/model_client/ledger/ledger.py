"""Ledger of all model calls: while there is a budget, nothing is spent that was not reserved."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from database.errors import DatabaseUnavailableError
from database.lazy import LazilyConnectedDatabase
from model_client.background_tasks import BackgroundTasks
from model_client.ledger.backlog import AWAY, CLOSE_S, LedgerRetryQueue, PendingLedgerEntry
from model_client.ledger.budgets import BudgetRefusal, BudgetSettings, build_budget_error
from model_client.ledger.store import (
    BudgetReservation,
    CallDetails,
    CallOutcome,
    LedgerStore,
    ReservationResult,
)
from telemetry import metrics

__all__ = ["BudgetReservation", "CallDetails", "CallOutcome", "Ledger"]

PATIENCE_S: Final = 2.0
"""Longest wait for a slow database where there is no budget to enforce, in seconds."""

FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 0.25
"""Seconds between looks whether other processes have given back reserved money."""


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Cost ledger of model calls: reserves each call's worst-case cost, then records the real one.

    Entries that could not be written are retried while the context lasts. A call that is never
    settled, as its process was killed, goes on counting with its worst case.

    Args:
        database: where the ledger is.
        budgets: limits where none was set by command.
        clock: the time.
    """

    def __init__(
        self,
        database: LazilyConnectedDatabase,
        budgets: BudgetSettings,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._store = LedgerStore(database, budgets)
        self._backlog = LedgerRetryQueue(self._store)
        self._budgets = budgets
        self._clock = clock
        # Until the budgets were asked once, there may be a limit.
        self._may_refuse = True
        self._limits_recorded = False
        self._asking = BackgroundTasks()
        self._given_back = asyncio.Event()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        """Start the writer of entries that could not be written at once."""
        await self._backlog.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Try for the last time to write what is left."""
        await self._asking.wait(timeout_s=CLOSE_S)
        await self._backlog.__aexit__(kind, error, trace)

    @property
    def unwritten(self) -> int:
        """Number of entries in memory that wait for the database."""
        return len(self._backlog)

    @property
    def notice(self) -> str:
        """The reason why calls are not booked now although they go on; empty if they are."""
        if self._may_refuse or not self._backlog.is_away:
            return ""
        return (
            "PostgreSQL is away: calls go on without a budget to ask, may be paid twice, and are "
            "booked later"
        )

    async def check_availability(self) -> None:
        """Check that the next call can be made as far as budgets are concerned.

        Without the database it can only if it is known that nobody has a budget.

        Raises:
            DatabaseUnavailableError: there may be a budget, and it cannot be asked.
        """
        try:
            async with self._database.use() as database:
                await database.ping()
        except DatabaseUnavailableError as error:
            self._backlog.report_unavailable(str(error))
            if self._may_refuse:
                raise
        else:
            self._backlog.report_available()

    async def reserve(self, call: CallDetails, *, latest: float = math.inf) -> BudgetReservation:
        """Reserve the worst-case cost of a call on the study's and the day's budget.

        Waits up to ``BudgetSettings.wait_s`` where running calls may give back enough.

        Args:
            call: what is to be paid for.
            latest: when the wait has to be over, by the event loop's clock, in seconds.

        Returns:
            What is to be settled once the call has ended.

        Raises:
            errors.BudgetExceededError: a budget does not allow it.
            BudgetBusyError: calls under way may still give back enough.
            errors.ModelUnavailableError: there is a budget for all, and the price is not known.
            DatabaseUnavailableError: there may be a budget, and it cannot be asked.
        """
        reservation = BudgetReservation(call, self._clock())
        refusals = await self._ask(reservation)
        if not refusals:
            return reservation
        # Worst cases are several times what calls cost, so much of what is reserved comes back.
        until = min(latest, asyncio.get_running_loop().time() + self._budgets.wait_s)
        return await self._wait(reservation, refusals, until)

    async def settle(self, reservation: BudgetReservation, outcome: CallOutcome) -> None:
        """Record what a call cost; the entry waits in memory while the database is away.

        Args:
            reservation: the call's.
            outcome: what it came to.
        """
        await self._backlog.write(PendingLedgerEntry(reservation, outcome, self._clock()))
        self._given_back.set()

    async def _wait(
        self, reservation: BudgetReservation, refusals: Sequence[BudgetRefusal], until: float
    ) -> BudgetReservation:
        """Ask again while running calls may give back enough; one call a study at a time."""
        call = reservation.call
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._turns[call.attribution.study_id]:
                pause_s = FIRST_PAUSE_S
                while all(one.may_fit_later(call.worst_usd) for one in refusals):
                    await self._something_comes_back(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    reservation = replace(reservation, started_at=self._clock())
                    refusals = await self._ask(reservation)
                    if not refusals:
                        return reservation
        for one in refusals:
            metrics.LLM_BUDGET_REFUSALS.labels(one.scope).inc()
        raise build_budget_error(refusals, call.attribution.study_id, call.model, call.worst_usd)

    async def _something_comes_back(self, within_s: float) -> None:
        """Wait until a call of this process is settled, or ``within_s`` seconds have passed."""
        self._given_back.clear()
        self._store.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._given_back.wait()

    async def _ask(self, reservation: BudgetReservation) -> Sequence[BudgetRefusal]:
        """Return the budgets that refuse; empty if it is reserved, or if no budget can be asked."""
        try:
            ruling = await self._rule_in_time(reservation)
        except (*AWAY, TimeoutError) as error:
            self._backlog.report_unavailable(str(error))
            if self._may_refuse or reservation.call.plan is not None:
                raise
            return ()
        self._backlog.report_available()
        self._may_refuse = self._budgets.has_any or ruling.anybody_has_a_limit
        return ruling.refusals

    async def _rule_in_time(self, reservation: BudgetReservation) -> ReservationResult:
        """Ask the budgets; where there are none, wait no longer than ``PATIENCE_S``.

        The statement runs in a task of its own, since a cancelled one takes a while to end.
        """
        asking = self._asking.start(self._rule(reservation))
        may_refuse = self._may_refuse or reservation.call.plan is not None
        try:
            await asyncio.wait([asking], timeout=None if may_refuse else PATIENCE_S)
        except asyncio.CancelledError:
            if not asking.cancel():
                # Just done: it may be reserved, and no caller is left to settle it.
                self._backlog.enqueue(PendingLedgerEntry(reservation, None, self._clock()))
            raise
        if asking.done():
            return asking.result()
        self._database.mark_unavailable("PostgreSQL is slow to answer")
        raise TimeoutError("PostgreSQL is slow to answer")

    async def _rule(self, reservation: BudgetReservation) -> ReservationResult:
        if not self._limits_recorded:
            await self._store.record_limits()
            self._limits_recorded = True
        # Connect before reserving: an error here is known to have reserved nothing.
        await self._database.database()
        try:
            return await self._store.reserve(reservation)
        except (*AWAY, asyncio.CancelledError):
            # It may have been reserved all the same.
            self._backlog.enqueue(PendingLedgerEntry(reservation, None, self._clock()))
            raise
