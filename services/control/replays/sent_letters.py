"""Waits until the broker has sent letters, and marks them; opens those that cannot be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from contracts.control_api import ReplayResult
from contracts.errors import OutageError
from control.domain import DeadLetterPosition
from control.replays.claims import LetterClaims
from control.replays.sender import DeadLetterSendResult

log = structlog.get_logger(__name__)

GONE: Final = "its DLQ does not have it at its place any more"


@dataclass(frozen=True, slots=True)
class SentLetters:
    """Letters that were sent, of which the broker has not acknowledged all.

    Attributes:
        letters: all that were to be sent.
        sent: their delivery reports.
        replays: gets what became of them.
        keeps: whether those that an outage cut short are kept for a repair.
        is_again: whether somebody may have sent them before, and could not say so.
    """

    letters: Sequence[DeadLetterPosition]
    sent: DeadLetterSendResult
    replays: ReplayResult = field(default_factory=ReplayResult)
    keeps: bool = False
    is_again: bool = False


class SentLetterSettler:
    """Background tasks that settle letters which were sent, each set of them by a task of its own.

    Args:
        claims: the letters that this replica answers for.
    """

    def __init__(self, claims: LetterClaims) -> None:
        self._claims = claims
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_short: set[asyncio.Task[None]] = set()

    @property
    def has_cut_short(self) -> bool:
        """Whether letters that an outage cut short are still to be left to a repair."""
        return bool(self._cut_short)

    def settle_soon(self, some: SentLetters) -> asyncio.Task[None]:
        """Settle letters in a task, which raises the outage that kept some from the broker."""
        task = asyncio.create_task(self._settle(some))
        self._tasks.add(task)
        if some.keeps and some.sent.outage is not None:
            self._cut_short.add(task)
        task.add_done_callback(self._settled)
        return task

    async def close(self) -> None:
        """Wait no longer for the broker; letters still on their way are done again at the start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._cut_short.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nobody may wait for it any more.
            log.warning("replay_cut_short", reason=str(error))

    async def _settle(self, some: SentLetters) -> None:
        """Wait for delivery reports, and mark letters that were sent and open those that cannot be.

        Raises:
            OutageError: what kept some from the broker.
        """
        sent, claims = some.sent, self._claims
        unanswered = {one.letter_id for one in some.letters}.difference(sent.left)
        left = dict(sent.left)
        replayed: list[UUID] = []
        outage = sent.outage
        for letter_ids, report in sent.reports:
            for letter_id, error in zip(letter_ids, await report, strict=True):
                if isinstance(error, OutageError):
                    outage = outage or error
                    continue
                unanswered.discard(letter_id)
                if error is None:
                    replayed.append(letter_id)
                else:
                    left[letter_id] = str(error)
        if outage is None:
            left |= dict.fromkeys(unanswered, GONE)
        elif some.keeps and (task := asyncio.current_task()) is not None:
            self._cut_short.add(task)  # at once: nothing is sent behind them meanwhile
        released = [*left] if outage is None or some.keeps else [*left, *unanswered]
        try:
            await claims.mark(replayed)
            some.replays.replayed += replayed
        finally:
            if released:
                doubtful = released if some.is_again else unanswered if outage else ()
                await claims.release(released, may_be_sent=doubtful)
            if outage is not None and some.keeps:
                claims.give_up(unanswered)
        some.replays.not_replayed |= left
        if outage is not None:
            raise outage
