"""Background work that watches drafts and calls of models for drift.

::

    drafts, calls ─▶ observations ─▶ series by model, fingerprint, prompt, producer ─▶ alarm ─▶ side
     (in order of time, from              (state in PostgreSQL)
      where the last look ended)

A look is one transaction: the place up to which was read, the series and the alarms are written
together, so that a replica that is killed leaves nothing observed twice. Replicas take turns by the
place's row. Rows are observed a while after they were stored. A series that has raised an alarm
begins anew and learns what is usual since.

Where an alarm comes from is looked for afterwards, in a transaction of its own and within a time:
what it compares may be much, and must not keep anything from being observed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from contracts.errors import OnrecordError
from contracts.topics import ENRICHMENT, GUARDRAIL, INGESTION
from control.background import running_in_background
from control.drift.observations import (
    MAX_VALUE,
    OUTCOMES,
    DriftSource,
    build_observed_chunk,
    choose_group,
    find_source,
    list_observations,
    list_series_values,
)
from control.drift.store import QUERIES, DriftStore
from database.errors import DatabaseTimeoutError
from database.pool import Connection, Database, Record
from database.queries import transpose_rows
from drift.attribution import DriftSide, DriftVerdict, ObservedChunk, attribute_drift
from drift.metrics import Dimension, DriftMetric, get_shares
from drift.series import Direction, DriftAlarm, DriftSeries, SeriesKey
from telemetry.metrics import DRIFT_ALARMS, DRIFT_OBSERVED

log = structlog.get_logger(__name__)

PERIOD_S: Final = 10.0
"""Seconds between two looks where there is nothing more to observe."""

SETTLED: Final = timedelta(seconds=60)
"""Age from which on rows are observed: earlier ones may not be committed before, or be a repair."""

MAX_ROWS: Final = 500
"""Most drafts, or calls, of one look."""

MAX_VALUES: Final = 200
"""Most models, fingerprints, prompts or producers that are watched apart; all others together."""

OTHERS: Final = "(others)"
"""Value of the series of those beyond ``MAX_VALUES``."""

KEPT: Final = timedelta(days=365)
"""How long series without observations, and alarms, are kept."""

LEARNS_FOR: Final = timedelta(days=7)
"""How long series that still learn are kept without observations: so many names make room."""

STATE_VERSION: Final = 1
"""Form of the series' state; a series whose state has another one begins anew."""

MAX_TRIES: Final = 10
"""Tries to find where an alarm comes from: until then there are mostly enough chunks to compare."""

TRY_AGAIN_AFTER: Final = timedelta(minutes=1)
"""Time between two of them."""

_WANTED: Final = 60
"""Observations since a change from which on they are compared at the first try."""

ATTRIBUTION_MS: Final = 15_000
"""Longest statement of such a try, in milliseconds."""

_COMPARED: Final = 1_000
"""Most observations of each side of a change that are compared."""

_LOOKED_AT: Final = 20_000
"""Most drafts or calls of each side, of all series, among which they are looked for."""

_LOOKED_BACK: Final = timedelta(days=7)
"""How long before a change observations are compared."""

_CALLS_WINDOW: Final = timedelta(hours=1)
"""Time whose calls are looked at together: their index is of blocks, and knows no order."""

_DEPLOY_SLACK: Final = timedelta(minutes=10)
"""How long before or after a drift's supposed beginning a deploy may explain it."""

_ROWS_A_TURN: Final = 20
"""Rows after which others have their turn."""

_STATES: Final = TypeAdapter(DriftSeries)
_DEPLOYED: Final = (INGESTION, ENRICHMENT, GUARDRAIL)
_NO_ID: Final = UUID(int=0)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Look:
    """Series of one look, and the alarms that it has raised."""

    series: dict[SeriesKey, DriftSeries]
    counts: dict[SeriesKey, int]
    changed: dict[SeriesKey, DriftSeries] = field(default_factory=dict)
    alarms: list[tuple[SeriesKey, DriftAlarm, datetime]] = field(default_factory=list)
    learned: list[SeriesKey] = field(default_factory=list)

    def observe(self, source: DriftSource, row: Mapping[str, Any]) -> None:
        """Have all series of a draft or call observe it."""
        at, values = row["at"].timestamp(), list(list_series_values(row))
        for metric, observation in list_observations(source, row):
            group = choose_group(metric, row)
            for dimension, value in values:
                key = SeriesKey(metric, dimension, value)
                series = self.series.setdefault(key, DriftSeries())
                was_learning = series.is_learning
                alarm = series.observe(observation, get_shares(metric, dimension), at, group)
                self.counts[key] = self.counts.get(key, 0) + 1
                if was_learning and not series.is_learning:
                    self.learned.append(key)
                if alarm is not None:
                    self.alarms.append((key, alarm, row["at"]))
                    series = self.series[key] = DriftSeries()
                self.changed[key] = series


class DriftMonitor:
    """Background task that watches stored drafts and calls of models for drift.

    Args:
        database: has them.
        period_s: seconds between two looks.
        settled: age from which on rows are observed.
        patience_ms: longest statement by which it is looked for where an alarm comes from.
    """

    def __init__(
        self,
        database: Database,
        *,
        period_s: float = PERIOD_S,
        settled: timedelta = SETTLED,
        patience_ms: int = ATTRIBUTION_MS,
    ) -> None:
        self._database = database
        self._patience_ms = patience_ms
        self._period_s = period_s
        self._settled = settled

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch for the duration of the context."""
        async with running_in_background(self._run()):
            yield

    async def observe_next(self, source: DriftSource) -> bool:
        """Observe the next drafts or calls; return whether there may be more.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.transaction() as connection:
            place = await connection.fetchrow(QUERIES.claim_drift_source, source)
            if place is None:
                return False
            rows = await self._select_rows(connection, source, place)
            if not rows:
                return await self._pass_over(connection, source, place)
            look = await _open_look(connection, rows)
            for number, row in enumerate(rows, start=1):
                if row["is_observed"]:
                    look.observe(source, row)
                if number % _ROWS_A_TURN == 0:
                    await asyncio.sleep(0)
            await _write(connection, look, rows[-1]["at"])
            await connection.execute(
                QUERIES.move_drift_source, source, rows[-1]["at"], rows[-1]["row_id"]
            )
        return len(rows) == MAX_ROWS or source is DriftSource.CALLS

    async def attribute_next(self) -> bool:
        """Look for where the next alarm comes from; return whether there was one.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        alarm = await self._database.fetchrow(QUERIES.try_drift_alarm, TRY_AGAIN_AFTER)
        if alarm is None:
            return False
        is_last = alarm["tries"] >= MAX_TRIES
        verdict: DriftVerdict | None = None
        try:
            async with self._database.transaction() as connection:
                await connection.execute(f"SET LOCAL statement_timeout = {self._patience_ms}")
                verdict = await _attribute(connection, alarm, is_last=is_last)
        except DatabaseTimeoutError as error:
            log.warning("drift_not_attributed", reason=str(error))
        if verdict is None:
            if not is_last:
                return True
            verdict = DriftVerdict(DriftSide.UNKNOWN, ())
        factors = to_json(verdict.factors).decode()
        await self._database.execute(
            QUERIES.update_drift_side, alarm["alarm_id"], verdict.side, factors
        )
        log.warning(
            "drift_found",
            alarm_id=str(alarm["alarm_id"]),
            metric=alarm["metric"],
            dimension=alarm["dimension"],
            direction=alarm["direction"],
            side=verdict.side.value,
        )
        return True

    async def delete_old(self) -> None:
        """Delete what is old, and end alarms of what nothing is heard of any more."""
        await self._database.execute(QUERIES.delete_old_drift_series, KEPT, LEARNS_FOR)
        await self._database.execute(QUERIES.end_forgotten_drift_alarms)
        await self._database.execute(QUERIES.delete_old_drift_alarms, KEPT)

    async def record_metrics(self) -> None:
        """Set the metrics of open alarms, and of how far drafts and calls have been observed."""
        report = await DriftStore(self._database).read_report()
        DRIFT_ALARMS.set(report.open_alarms)
        for source, until in (
            (DriftSource.DRAFTS, report.drafts_observed_until),
            (DriftSource.CALLS, report.calls_observed_until),
        ):
            DRIFT_OBSERVED.labels(source.value).set(until.timestamp())

    async def _run(self) -> None:
        work: list[Callable[[], Awaitable[bool]]] = [
            *(partial(self.observe_next, source) for source in DriftSource),
            self.attribute_next,
        ]
        while True:
            # One that fails keeps nothing from the others.
            has_more = [await self._try(one) for one in work]
            if not any(has_more):
                await self._try(self.delete_old)
                await self._try(self.record_metrics)
                await asyncio.sleep(self._period_s)
            else:
                await asyncio.sleep(0)

    async def _try(self, work: Callable[[], Awaitable[bool | None]]) -> bool:
        try:
            return bool(await work())
        except OnrecordError as error:
            log.warning("drift_not_observed", reason=str(error))
        except Exception:
            log.exception("drift_not_observed")
        return False

    async def _select_rows(
        self, connection: Connection, source: DriftSource, place: Record
    ) -> list[dict[str, Any]]:
        since = (place["read_until"], place["last_id"], self._settled, MAX_ROWS)
        if source is DriftSource.DRAFTS:
            found = await connection.fetch(QUERIES.select_drafts_to_observe, *since)
        else:
            found = await connection.fetch(
                QUERIES.select_calls_to_observe, *since, OUTCOMES, _CALLS_WINDOW
            )
        return [dict(one) for one in found]

    async def _pass_over(self, connection: Connection, source: DriftSource, place: Record) -> bool:
        """Go on to the next time at which calls were settled; return whether there is one."""
        if source is DriftSource.DRAFTS:
            return False
        until = await connection.fetchval(
            QUERIES.select_next_call_time, place["read_until"], self._settled, OUTCOMES
        )
        if until is None:
            return False
        await connection.execute(
            QUERIES.move_drift_source, source, until - timedelta(microseconds=1), _NO_ID
        )
        return True


async def _open_look(connection: Connection, rows: Sequence[dict[str, Any]]) -> _Look:
    """Read the series of some rows; values of a dimension that has too many become ``OTHERS``."""
    numbers = {
        one["dimension"]: one["number"]
        for one in await connection.fetch(QUERIES.count_values_of_dimensions)
    }
    wanted = {pair for row in rows for pair in list_series_values(row)}
    pairs = [*wanted, *((dimension, OTHERS) for dimension in Dimension)]
    found = await connection.fetch(QUERIES.select_drift_series, *transpose_rows(2, pairs))
    known = {(one["dimension"], one["value"]) for one in found}
    for dimension, value in sorted(wanted - known):
        if numbers.get(dimension, 0) < MAX_VALUES:
            numbers[dimension] = numbers.get(dimension, 0) + 1
            continue
        for row in rows:
            if row.get(dimension.value, "")[:MAX_VALUE] == value:
                row[dimension.value] = OTHERS
    look = _Look({}, {})
    for one in found:
        key = SeriesKey(one["metric"], one["dimension"], one["value"])
        if (series := _read_state(key, one)) is not None:
            look.series[key] = series
            look.counts[key] = one["observations"]
    return look


def _read_state(key: SeriesKey, row: Record) -> DriftSeries | None:
    """Read the state of a series; None if it has another form, or is damaged."""
    if row["version"] == STATE_VERSION:
        try:
            return _STATES.validate_json(row["state"])
        except ValidationError as error:
            log.warning(
                "drift_series_lost", metric=key.metric, reason=str(error.errors()[0]["type"])
            )
    return None


async def _write(connection: Connection, look: _Look, until: datetime) -> None:
    rows = [
        (*key, _STATES.dump_json(series).decode(), look.counts[key], series.is_learning)
        for key, series in sorted(look.changed.items(), key=lambda one: one[0])
    ]
    await connection.execute(
        QUERIES.upsert_drift_series, *transpose_rows(6, rows), until, STATE_VERSION
    )
    await connection.execute(
        QUERIES.end_drift_alarms, *transpose_rows(3, [tuple(key) for key in look.learned]), until
    )
    for key, alarm, at in look.alarms:
        begun_at = datetime.fromtimestamp(alarm.begun_at, UTC)
        await connection.execute(
            QUERIES.insert_drift_alarm,
            *(uuid4(), *key, alarm.direction, at, begun_at, alarm.age),
            *(alarm.before, alarm.after, alarm.bound),
        )


async def _attribute(
    connection: Connection, alarm: Record, *, is_last: bool
) -> DriftVerdict | None:
    """Find where an alarm comes from; None if there are few chunks yet, and it is not the last try.

    A large drift raises its alarm after some ten chunks, which are too few to compare.
    """
    begun = alarm["begun_at"]
    after = await _select_chunks(connection, alarm, begun, _NEVER, is_backwards=False)
    if len(after) < _WANTED and not is_last:
        return None
    since = begun - _LOOKED_BACK
    before = await _select_chunks(connection, alarm, since, begun, is_backwards=True)
    builds = await connection.fetch(
        QUERIES.select_builds_started, begun - _DEPLOY_SLACK, begun + _DEPLOY_SLACK, _DEPLOYED
    )
    return attribute_drift(before, after, [one["service"] for one in builds])


async def _select_chunks(
    connection: Connection, alarm: Record, since: datetime, until: datetime, *, is_backwards: bool
) -> list[ObservedChunk]:
    metric = DriftMetric(alarm["metric"])
    which = (since, until, alarm["dimension"], alarm["value"], is_backwards, _COMPARED, _LOOKED_AT)
    if find_source(metric) is DriftSource.DRAFTS:
        rows = await connection.fetch(QUERIES.select_drafts_to_compare, *which)
    else:
        rows = await connection.fetch(QUERIES.select_calls_to_compare, *which, OUTCOMES)
    is_rise = alarm["direction"] == Direction.UP
    built = (
        build_observed_chunk(metric, dict(one), alarm["bound"], is_rise=is_rise) for one in rows
    )
    return [one for one in built if one is not None]
