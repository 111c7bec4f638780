"""Retention of dead letters: expires those whose time is over or whose bytes are gone.

::

    open ─▶ expired          its time is over: headers, key and edits are deleted from the index
      └───▶ gone ─▶ expired  its DLQ does not have it any more: for an hour, it may be read again
    closed ─▶ emptied        replayed, discarded or expired for so long: as above
                └─▶ deleted  a replayed one, once its record is deleted; of others the row stays

Kafka deletes the beginning of a partition only. So the record of a letter that is not needed is
deleted once no earlier one is; never one behind the last letter that is not needed, nor one that
control has not read.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from contracts.access import TrailOutcome
from contracts.errors import OnrecordError
from contracts.ids import derive_id
from contracts.letter_retention import (
    MOST_CAUSES,
    CauseExpiry,
    DlqSize,
    LetterRetention,
    RetentionPolicy,
)
from control.access.rights import Caller
from control.access.trail import AuditTrail
from control.background import running_in_background
from control.letters.dlq_topics import DlqPartition, delete_records_before, read_dlq_partitions
from control.queries import load_control_queries
from control.settings import ControlSettings
from database.pool import Database, Record
from messaging import KafkaSettings

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("retention.sql")

PERIOD_S: Final = 600.0
"""Seconds between two looks."""

BATCH: Final = 2_000
"""Letters that are changed in one transaction."""

GONE_FOR: Final = timedelta(hours=1)
"""How long an open letter may be gone from its DLQ before it expires: time to point control at the
right broker again, or to copy a DLQ back. One that is there again later is open again, too."""

_FIRST: Final = UUID(int=0)

WARN_EVERY_S: Final = 24 * 3_600.0
"""Seconds between two warnings of the same."""

GONE: Final = "its DLQ does not have its message any more"

_BY_ITSELF: Final = Caller(token_id=derive_id("retention"), name="retention", grants=())


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """Periods for which open and closed dead letters are kept, and of the warning before.

    Attributes:
        opened: open ones, from when they were set aside.
        closed: replayed, discarded and expired ones, from then on.
        warning: how long before open ones expire operators are warned.
    """

    opened: timedelta = timedelta(days=180)
    closed: timedelta = timedelta(days=30)
    warning: timedelta = timedelta(days=7)

    @classmethod
    def of(cls, settings: ControlSettings) -> RetentionPeriods:
        """Return what the settings say."""
        return cls(
            timedelta(days=settings.open_letters_kept_days),
            timedelta(days=settings.closed_letters_kept_days),
            timedelta(days=settings.expiry_warning_days),
        )

    def describe(self) -> RetentionPolicy:
        """Return the same in days, as the API says it."""
        day = timedelta(days=1)
        return RetentionPolicy(
            open_days=self.opened / day,
            closed_days=self.closed / day,
            warning_days=self.warning / day,
        )


@dataclass(frozen=True, slots=True)
class RetentionWarnings:
    """Warnings to operators: the number of letters that expire soon, and DLQs nearly full.

    Attributes:
        expiring: how many open letters expire soon.
        full: DLQs that are near their bound.
    """

    expiring: int = 0
    full: tuple[DlqSize, ...] = ()


NO_WARNINGS: Final = RetentionWarnings()


class LetterRetentionReader:
    """Reader of reports on when dead letters expire, and on how full the DLQs are.

    Args:
        database: the index of letters.
        kafka: where the DLQs are.
        periods: how long letters are kept.
    """

    def __init__(self, database: Database, kafka: KafkaSettings, periods: RetentionPeriods) -> None:
        self._database = database
        self._kafka = kafka
        self.periods = periods

    async def read(self) -> LetterRetention:
        """Return what expires when, by cause, and how full the DLQs are.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        partitions, missing = await read_dlq_partitions(self._kafka)
        rows = await self._database.fetch(
            _QUERIES.select_expiries, self.periods.opened, self.periods.warning, MOST_CAUSES
        )
        total = rows[0] if rows else None
        return LetterRetention(
            policy=self.periods.describe(),
            letters=total["all_letters"] if total else 0,
            expiring=total["all_expiring"] if total else 0,
            gone=total["all_gone"] if total else 0,
            causes=tuple(_read_expiry(row) for row in rows),
            cause_count=total["causes"] if total else 0,
            dlqs=await self.measure(partitions),
            missing_dlqs=missing,
        )

    async def measure(self, partitions: tuple[DlqPartition, ...]) -> tuple[DlqSize, ...]:
        """Return how much the DLQs hold, as far as the index knows their letters."""
        places = zip(*((one.topic, one.partition, one.begin) for one in partitions), strict=True)
        columns = [list(column) for column in places] or [[], [], []]
        rows = await self._database.fetch(_QUERIES.select_dlq_sizes, *columns)
        bounds = {(one.topic, one.partition): one.max_bytes for one in partitions}
        return tuple(_read_size(row, bounds[row["topic"], row["partition"]]) for row in rows)

    async def count_expiring(self) -> int:
        """Return how many open letters expire within the warning."""
        expiring = await self._database.fetchval(
            _QUERIES.count_expiring, self.periods.opened, self.periods.warning
        )
        return int(expiring)


class LetterRetentionSweeper:
    """Background task that expires old dead letters, and deletes those no longer needed.

    Args:
        database: the index of letters, and the trail.
        kafka: where the DLQs are.
        periods: how long letters are kept.
        period_s: seconds between two looks.
        gone_for: how long a letter may be gone before it expires.

    Attributes:
        warnings: what operators are warned of, as the latest look found it.
    """

    def __init__(
        self,
        database: Database,
        kafka: KafkaSettings,
        periods: RetentionPeriods,
        *,
        period_s: float = PERIOD_S,
        gone_for: timedelta = GONE_FOR,
    ) -> None:
        self._database = database
        self._kafka = kafka
        self._periods = periods
        self._period_s = period_s
        self._gone_for = gone_for
        self._store = LetterRetentionReader(database, kafka, periods)
        self._warned_at: dict[str, float] = {}
        self.warnings = NO_WARNINGS

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look again and again within the ``async with`` block."""
        async with running_in_background(self._run()):
            yield

    async def sweep(self) -> None:
        """Expire letters, and delete what is not needed; replicas may do so at the same time.

        Raises:
            DatabaseUnavailableError: try again later; what was done until then stays so.
            KafkaUnavailableError: the same; letters whose time is over have expired all the same.
        """
        days = f"{self._periods.opened / timedelta(days=1):g} days"
        why = f"it was kept for {days}, or for as long as its study says"
        await self._expire(_QUERIES.expire_due, self._periods.opened, why)
        await self._empty(_QUERIES.empty_closed)
        await self._database.execute(_QUERIES.forget_closed)
        await self._empty(_QUERIES.empty_without_outcome)
        partitions, missing = await read_dlq_partitions(self._kafka)
        for one in partitions:
            place = (one.topic, one.partition, one.begin)
            # Of a place that control has read, it knows whose it is now.
            read = min(one.indexed, one.end)
            if again := await self._database.fetch(_QUERIES.find_again, *place, read):
                log.info("letters_found_again", topic=one.topic, letters=len(again))
            await self._database.fetch(_QUERIES.displace_gone, *place, one.end)
        await self._expire(_QUERIES.expire_gone, self._gone_for, GONE)
        await self._delete_records(partitions)
        await self._warn(partitions, missing)

    async def _expire(self, expire: str, period: timedelta, why: str) -> None:
        """Expire letters by a query; the trail says which, by cause, in the same transactions."""
        after = _FIRST
        failures: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
        while True:
            async with self._database.transaction() as connection:
                rows = await connection.fetch(expire, period, BATCH, why, after)
                expired: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
                for row in rows:
                    cause = (row["service"], row["cause_id"], row["error_code"])
                    expired[cause].append(row["failed_at"])
                for cause, failed_at in expired.items():
                    entry = json.dumps(_describe_expiry(cause, failed_at))
                    trail = AuditTrail(connection)
                    entry_id = await trail.record(_BY_ITSELF, "letters.expire", entry, reason=why)
                    # True once the transaction is, in which they expire.
                    await trail.record_outcome([entry_id], TrailOutcome.DONE)
            for cause, failed_at in expired.items():
                failures[cause] += failed_at
            if len(rows) < BATCH:
                break
            after = max(row["letter_id"] for row in rows)
        for cause, failed_at in failures.items():
            log.warning("letters_expired", reason=why, **_describe_expiry(cause, failed_at))

    async def _delete_records(self, partitions: tuple[DlqPartition, ...]) -> None:
        wanted: dict[tuple[str, int], int] = {}
        begins = {(one.topic, one.partition): one.begin for one in partitions}
        for one in partitions:
            place = (one.topic, one.partition)
            needed = await self._database.fetchval(_QUERIES.select_needed, *place)
            # Never what control has not indexed.
            if needed is not None and (before := min(needed, one.indexed, one.end)) > one.begin:
                wanted[place] = before
        if wanted:
            await delete_records_before(self._kafka, wanted)
            log.info("dlq_records_deleted", before={f"{t}/{p}": o for (t, p), o in wanted.items()})
        for place, begin in (begins | wanted).items():
            arguments = (*place, begin, BATCH)
            while len(await self._database.fetch(_QUERIES.delete_closed, *arguments)) == BATCH:
                pass

    async def _empty(self, empty: str) -> None:
        """Delete what the index has of the messages of closed letters, by a query."""
        after = _FIRST
        while True:
            rows = await self._database.fetch(empty, self._periods.closed, BATCH, after)
            if len(rows) < BATCH:
                return
            after = max(row["letter_id"] for row in rows)

    async def _warn(self, partitions: tuple[DlqPartition, ...], missing: tuple[str, ...]) -> None:
        expiring = await self._store.count_expiring()
        sizes = await self._store.measure(partitions)
        self.warnings = RetentionWarnings(
            expiring, tuple(one for one in sizes if one.is_near_bound)
        )
        if expiring and self._is_time("expiring"):
            log.warning("letters_expire_soon", letters=expiring, within=str(self._periods.warning))
        for one in self.warnings.full:
            if self._is_time(f"{one.topic}/{one.partition}"):
                log.warning(
                    "dlq_near_its_bound", topic=one.topic, bytes=one.bytes, bound=one.max_bytes
                )
        if missing and self._is_time("missing"):
            log.warning("dlqs_missing", topics=missing)

    def _is_time(self, what: str) -> bool:
        """Whether something is to be warned of again."""
        now = time.monotonic()
        if now - self._warned_at.get(what, -WARN_EVERY_S) < WARN_EVERY_S:
            return False
        self._warned_at[what] = now
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except OnrecordError as error:
                log.warning("letters_not_expired", reason=str(error))
            except Exception:
                log.exception("letters_not_expired")
            await asyncio.sleep(self._period_s)


def _describe_expiry(
    cause: tuple[str, str, str], failed_at: Sequence[datetime]
) -> dict[str, str | int]:
    service, cause_id, code = cause
    return {
        "service": service,
        "cause": cause_id,
        "code": code,
        "letters": len(failed_at),
        "first_failed_at": min(failed_at).isoformat(),
        "last_failed_at": max(failed_at).isoformat(),
    }


def _read_expiry(row: Record) -> CauseExpiry:
    fields = {name: row[name] for name in CauseExpiry.model_fields}
    return CauseExpiry(**fields | {"summary": row["summary"] or ""})


def _read_size(row: Record, max_bytes: int | None) -> DlqSize:
    share = row["bytes"] / max_bytes if max_bytes else None
    return DlqSize(**row, max_bytes=max_bytes, share=share)
