"""Background work of retention: deletes what is older than its study keeps it, in small batches.

::

    due ─▶ claimed by one replica ─▶ transcripts ─▶ notes ─▶ answers ─▶ trail ─▶ ended, in the trail
             (a lease, which every batch renews)

A batch is a transaction of its own: it renews the lease, deletes, and counts what it deleted. So a
replica that is killed leaves nothing half done or counted twice, and another one goes on with its
round once the lease is over. A batch waits for nobody: what somebody else works on is left for the
next round. Dead letters are deleted by ``control.letters.retention``, which takes the study's time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import uuid4

import structlog

from contracts.access import TrailOutcome
from contracts.errors import OnrecordError, OutageError
from contracts.ids import derive_id
from contracts.study_retention import RetainedKind
from control.access.rights import Caller
from control.access.trail import AuditTrail
from control.background import running_in_background
from control.retention.store import QUERIES, order_by_kind
from database.errors import DatabaseTimeoutError
from database.pool import Connection, Database

log = structlog.get_logger(__name__)

PERIOD_S: Final = 60.0
"""Seconds between two looks for a study whose round is due."""

_BY_ITSELF: Final = Caller(token_id=derive_id("retention"), name="retention", grants=())


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """Bounds of rounds and batches, so that nobody else is held up.

    Attributes:
        every: time between two rounds of a study.
        again: the same, if a round left something because of a bound.
        lease: how long a replica may take for a batch before another one goes on.
        lock_wait_ms: longest wait for a lock, in milliseconds.
        batch_ms: longest statement, in milliseconds.
        transcripts: interviews of a round, whose erasure has one receipt.
        notes: interviews whose notes are deleted in one batch.
        rows: answers, or entries of the trail, of one batch.
    """

    every: timedelta = timedelta(hours=1)
    again: timedelta = timedelta(minutes=1)
    lease: timedelta = timedelta(minutes=2)
    lock_wait_ms: int = 1_000
    batch_ms: int = 20_000
    transcripts: int = 100
    notes: int = 20
    rows: int = 1_000


class LeaseLostError(OnrecordError):
    """Raised when another replica carries the round out by now."""


class ExpiredBatch(NamedTuple):
    """What a batch took, as many as it may if there may be more, and what it deleted."""

    taken: int
    deleted: int


_Expire: TypeAlias = Callable[[Connection, str, int], Awaitable[ExpiredBatch]]


class RetentionRunner:
    """Background task that deletes what is older than its study keeps it, one study at a time.

    Args:
        database: the system's.
        limits: bounds of rounds and batches.
        wake_eraser: called when interviews are to be erased.
        period_s: seconds between two looks.
    """

    def __init__(
        self,
        database: Database,
        limits: RetentionLimits | None = None,
        *,
        wake_eraser: Callable[[], None] = lambda: None,
        period_s: float = PERIOD_S,
    ) -> None:
        self._database = database
        self._limits = limits or RetentionLimits()
        self._wake_eraser = wake_eraser
        self._period_s = period_s
        self._holder = uuid4()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for a study whose round is due now."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delete what is too old for the duration of the context."""
        async with running_in_background(self._run()):
            yield

    async def run_due_rounds(self) -> int:
        """Carry out the rounds that are due; return how many.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        await self._database.execute(QUERIES.add_retention_rounds)
        rounds = 0
        while (study_id := await self._claim()) is not None:
            try:
                await self._carry_out(study_id)
                rounds += 1
            except LeaseLostError as error:
                log.info("retention_goes_on_elsewhere", study_id=study_id, reason=str(error))
        if rounds:
            await self._clear_trail_of_no_study()
        return rounds

    async def _claim(self) -> str | None:
        study_id: str | None = await self._database.fetchval(
            QUERIES.claim_retention_round, self._holder, self._limits.lease
        )
        return study_id

    async def _carry_out(self, study_id: str) -> None:
        is_all = True
        for kind, most, expire in (
            (RetainedKind.TRANSCRIPTS, self._limits.transcripts, _expire_transcripts),
            (RetainedKind.NOTES, self._limits.notes, _expire_notes),
            (RetainedKind.NOTES, self._limits.rows, _expire_drafts),
            (RetainedKind.ANSWERS, self._limits.rows, _expire_answers),
            (RetainedKind.TRAIL, self._limits.rows, _clear_trail),
        ):
            try:
                # An interview goes in transactions of its own, so a round has one batch of them.
                is_more, size = True, most
                while is_more:
                    is_more, size = await self._expire_what_it_can(study_id, kind, size, expire)
                    if is_more and kind is RetainedKind.TRANSCRIPTS:
                        is_all = False
                        break
            except (OutageError, LeaseLostError):
                raise
            except OnrecordError as error:
                log.warning(
                    "retention_failed", study_id=study_id, kind=kind.value, reason=str(error)
                )
                await self._database.execute(
                    QUERIES.note_expiry_failure, study_id, self._holder, kind.value, str(error)
                )
        await self._end(study_id, self._limits.every if is_all else self._limits.again)

    async def _expire_what_it_can(
        self, study_id: str, kind: RetainedKind, most: int, expire: _Expire
    ) -> tuple[bool, int]:
        """Delete a batch, or one half as large if that takes too long, and so on.

        Returns:
            Whether there may be more, and how much the next batch may take.

        Raises:
            DatabaseTimeoutError: even a single one takes too long.
        """
        while True:
            try:
                return await self._expire_batch(study_id, kind, most, expire), most
            except DatabaseTimeoutError as error:
                if most == 1:
                    raise
                most //= 2
                log.info(
                    "retention_batch_halved",
                    study_id=study_id,
                    kind=kind.value,
                    most=most,
                    reason=str(error),
                )

    async def _expire_batch(
        self, study_id: str, kind: RetainedKind, most: int, expire: _Expire
    ) -> bool:
        """Delete a batch of a kind; return whether there may be more."""
        limits = self._limits
        async with self._database.transaction() as connection:
            await connection.execute(
                QUERIES.limit_expiry, str(limits.lock_wait_ms), str(limits.batch_ms)
            )
            held = await connection.fetchval(
                QUERIES.renew_retention_lease, study_id, self._holder, limits.lease
            )
            if held is None:
                raise LeaseLostError("another replica of control deletes it by now")
            batch = await expire(connection, study_id, most)
            if batch.deleted:
                await connection.execute(QUERIES.count_expired, study_id, kind.value, batch.deleted)
        if batch.deleted and kind is RetainedKind.TRANSCRIPTS:
            self._wake_eraser()
        return batch.taken >= most

    async def _clear_trail_of_no_study(self) -> None:
        """Clear what may have words of any study; no study's round counts it."""
        limits, total = self._limits, 0
        try:
            cleared = limits.rows
            while cleared >= limits.rows:
                async with self._database.transaction() as connection:
                    await connection.execute(
                        QUERIES.limit_expiry, str(limits.lock_wait_ms), str(limits.batch_ms)
                    )
                    cleared = await connection.fetchval(
                        QUERIES.clear_trail_of_no_study, limits.rows
                    )
                total += cleared
        except OutageError:
            raise
        except OnrecordError as error:
            log.warning("retention_failed", kind="trail of no study", reason=str(error))
        if total:
            log.info("trail_of_no_study_cleared", entries=total)

    async def _end(self, study_id: str, until_next: timedelta) -> None:
        """End a round; the trail says what it did, if it did anything, in the same transaction."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                QUERIES.end_retention_round, study_id, self._holder, until_next
            )
            if row is None:
                raise LeaseLostError("another replica of control ended it")
            counts = order_by_kind(json.loads(row["last_counts"]))
            failures = order_by_kind(json.loads(row["last_failures"]))
            if not counts and not failures:
                return
            done = ", ".join(f"{kind}: {number}" for kind, number in counts.items())
            failed = f"; failed: {', '.join(failures)}" if failures else ""
            trail = AuditTrail(connection)
            entry = await trail.record(
                _BY_ITSELF, "retention.round", f"{study_id}: {done or 'nothing'}{failed}", study_id
            )
            outcome = TrailOutcome.FAILED if failures else TrailOutcome.DONE
            await trail.record_outcome([entry], outcome)
        log.info("retention_round_ended", study_id=study_id, **counts, failed=[*failures])

    async def _run(self) -> None:
        while True:
            try:
                await self.run_due_rounds()
            except OnrecordError as error:
                log.warning("retention_waits", reason=str(error))
            except Exception:
                log.exception("retention_stopped")
            try:
                async with asyncio.timeout(self._period_s):
                    await self._woken.wait()
                self._woken.clear()
            except TimeoutError:
                pass


async def _expire_transcripts(connection: Connection, study_id: str, most: int) -> ExpiredBatch:
    """Begin the erasure of interviews that are too old, with one receipt."""
    row = await connection.fetchrow(QUERIES.begin_retention_erasure, study_id, most, uuid4())
    assert row is not None, "it is a function's row"
    if row["taken"]:
        trail = AuditTrail(connection)
        target = f"retention of study {study_id}: {row['begun']} interviews"
        entry = await trail.record(_BY_ITSELF, "erasure.begin", target, study_id, "retention")
        await trail.record_outcome([entry], TrailOutcome.DONE)
    return ExpiredBatch(row["taken"], row["begun"])


async def _expire_notes(connection: Connection, study_id: str, most: int) -> ExpiredBatch:
    return await _call(connection, QUERIES.expire_notes, study_id, most)


async def _expire_drafts(connection: Connection, study_id: str, most: int) -> ExpiredBatch:
    return await _call(connection, QUERIES.expire_drafts, study_id, most)


async def _expire_answers(connection: Connection, study_id: str, most: int) -> ExpiredBatch:
    return await _call(connection, QUERIES.expire_answers, study_id, most)


async def _clear_trail(connection: Connection, study_id: str, most: int) -> ExpiredBatch:
    return await _call(connection, QUERIES.clear_trail, study_id, most)


async def _call(connection: Connection, query: str, study_id: str, most: int) -> ExpiredBatch:
    row = await connection.fetchrow(query, study_id, most)
    assert row is not None, "it is a function's row"
    return ExpiredBatch(row["taken"], row["deleted"])
