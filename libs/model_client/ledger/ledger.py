"""The ledger of all calls: nothing is spent that was not reserved, while there is a budget."""

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

from database.lazy import LazyDatabase
from model_client import metrics
from model_client.ledger.backlog import AWAY, CLOSE_S, Backlog, Entry
from model_client.ledger.budgets import BudgetSettings, Refusal, refused
from model_client.ledger.store import Call, LedgerStore, Outcome, Reservation, Ruling

__all__ = ["Call", "Ledger", "Outcome", "Reservation"]

PATIENCE_S: Final = 2.0
"""Longest wait for a slow database where there is no budget to keep, in seconds."""

FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 0.25
"""Between looks whether other processes have given back what they reserved, in seconds."""


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Reserves the most a call can cost before it is made, and settles it after.

    While a context lasts, what could not be written is tried again. A call that is never settled,
    as its process was killed, goes on counting with the most it can have cost.

    Args:
        database: where the ledger is.
        budgets: limits where none was set by command.
        clock: the time.
    """

    def __init__(
        self,
        database: LazyDatabase,
        budgets: BudgetSettings,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._store = LedgerStore(database, budgets)
        self._backlog = Backlog(self._store)
        self._budgets = budgets
        self._clock = clock
        # As long as nobody was asked, there may be a limit.
        self._may_refuse = True
        self._told_settings = False
        self._asking: set[asyncio.Task[Ruling]] = set()
        self._given_back = asyncio.Event()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        """Begin to write what cannot be written at once."""
        await self._backlog.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Try for the last time to write what is left."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=CLOSE_S)
        await self._backlog.__aexit__(kind, error, trace)

    @property
    def unwritten(self) -> int:
        """How many entries wait in memory for the database."""
        return len(self._backlog)

    async def reserve(self, call: Call, *, latest: float = math.inf) -> Reservation:
        """Set aside the most a call can cost, from the study's budget and from the day's.

        What calls under way have reserved and may give back is waited for, a little.

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
        reservation = Reservation(call, self._clock())
        refusals = await self._ask(reservation)
        if not refusals:
            return reservation
        until = min(latest, asyncio.get_running_loop().time() + self._budgets.wait_s)
        return await self._wait(reservation, refusals, until)

    async def settle(self, reservation: Reservation, outcome: Outcome) -> None:
        """Book what a call came to; kept in memory as long as the database is away.

        Args:
            reservation: the call's.
            outcome: what it came to.
        """
        await self._backlog.write(Entry(reservation, outcome, self._clock()))
        self._given_back.set()

    async def _wait(
        self, reservation: Reservation, refusals: Sequence[Refusal], until: float
    ) -> Reservation:
        """Ask again as long as calls under way may give back enough; one call a study at a time."""
        call = reservation.call
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._turns[call.account.study_id]:
                pause_s = FIRST_PAUSE_S
                while all(one.may_pass(call.worst_usd) for one in refusals):
                    await self._something_comes_back(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    reservation = replace(reservation, started_at=self._clock())
                    refusals = await self._ask(reservation)
                    if not refusals:
                        return reservation
        for one in refusals:
            metrics.BUDGET_REFUSALS.labels(one.scope).inc()
        raise refused(refusals, call.account.study_id, call.model, call.worst_usd)

    async def _something_comes_back(self, within_s: float) -> None:
        """Wait for a call of this process to be settled, or else until it is time to look."""
        self._given_back.clear()
        self._store.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._given_back.wait()

    async def _ask(self, reservation: Reservation) -> Sequence[Refusal]:
        """The budgets that refuse; none: it is reserved, or there is no budget to ask."""
        try:
            ruling = await self._rule_in_time(reservation)
        except (*AWAY, TimeoutError) as error:
            self._backlog.note_away(str(error))
            if self._may_refuse:
                raise
            return ()
        self._backlog.note_back()
        self._may_refuse = self._budgets.has_any or ruling.anybody_has_a_limit
        return ruling.refusals

    async def _rule_in_time(self, reservation: Reservation) -> Ruling:
        """Ask the budgets; where there are none, nobody is held up by a database that is slow.

        The question is a task of its own, since one that is given up takes a while to end.
        """
        asking = asyncio.create_task(self._rule(reservation))
        self._asking.add(asking)
        asking.add_done_callback(self._end_asking)
        try:
            await asyncio.wait([asking], timeout=None if self._may_refuse else PATIENCE_S)
        except asyncio.CancelledError:
            if not asking.cancel():
                # Just done: it may be reserved, and nobody is there any more to be told.
                self._backlog.keep(Entry(reservation, None, self._clock()))
            raise
        if asking.done():
            return asking.result()
        self._database.mark_unavailable("PostgreSQL is slow to answer")
        raise TimeoutError("PostgreSQL is slow to answer")

    async def _rule(self, reservation: Reservation) -> Ruling:
        if not self._told_settings:
            await self._store.tell_settings()
            self._told_settings = True
        await self._database.database()
        try:
            return await self._store.reserve(reservation)
        except (*AWAY, asyncio.CancelledError):
            # It may have been reserved all the same.
            self._backlog.keep(Entry(reservation, None, self._clock()))
            raise

    def _end_asking(self, asking: asyncio.Task[Ruling]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # whoever still waits is told it; nobody else need be
