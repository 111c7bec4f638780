"""Background work that watches drafts and calls of models for drift.

::

    drafts, calls ─▶ observations ─▶ series by model, fingerprint, prompt, producer ─▶ alarm ─▶ side
     (in order of time, from              (state in PostgreSQL)
      where the last look ended)

A look is one transaction: the place up to which was read, the series and the alarms are written
together, so that a replica that is killed leaves nothing observed twice. Replicas take turns by
the place's row. Rows are observed a while after they were stored; one whose transaction takes
longer than that is left out, as one of many. A series that has raised an alarm begins anew and
learns what is usual since.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import structlog
from pydantic import TypeAdapter
from pydantic_core import to_json

from contracts.errors import OnrecordError
from contracts.topics import ENRICHMENT, GUARDRAIL, INGESTION
from control.background import running_in_background
from control.drift.observations import (
    OUTCOMES,
    DriftSource,
    build_observed_chunk,
    find_source,
    list_observations,
    list_series_values,
)
from control.drift.store import QUERIES
from database.pool import Connection, Database, Record
from database.queries import transpose_rows
from drift.attribution import DriftVerdict, ObservedChunk, attribute_drift
from drift.metrics import Dimension, DriftMetric, create_series
from drift.series import Direction, DriftAlarm, DriftSeries, SeriesKey

log = structlog.get_logger(__name__)

PERIOD_S: Final = 10.0
"""Seconds between two looks where there is nothing more to observe."""

SETTLED: Final = timedelta(seconds=30)
"""Age from which on rows are observed, as earlier ones may not be committed before."""

MAX_ROWS: Final = 500
"""Most drafts, or calls, of one look."""

MAX_VALUES: Final = 200
"""Most models, fingerprints, prompts or producers that are watched apart; all others together."""

OTHERS: Final = "(others)"
"""Value of the series of those beyond ``MAX_VALUES``."""

KEPT: Final = timedelta(days=365)
"""How long series without observations and alarms that are over are kept."""

_COMPARED: Final = 1_000
"""Most observations of each side of a change by which it is attributed."""

_LOOKED_BACK: Final = timedelta(days=7)
"""How long before a change observations are compared."""

_DEPLOY_SLACK: Final = timedelta(minutes=10)
"""How long before a drift's supposed beginning a deploy may explain it."""

_ROWS_A_TURN: Final = 20
"""Rows after which others have their turn."""

_STATES: Final = TypeAdapter(DriftSeries)
_DEPLOYED: Final = (INGESTION, ENRICHMENT, GUARDRAIL)


@dataclass(slots=True)
class _Look:
    """Series of one look, and the alarms that it has raised."""

    series: dict[SeriesKey, DriftSeries]
    counts: dict[SeriesKey, int]
    values: dict[Dimension, int]
    changed: dict[SeriesKey, DriftSeries] = field(default_factory=dict)
    alarms: list[tuple[SeriesKey, DriftAlarm, datetime]] = field(default_factory=list)
    learned: list[SeriesKey] = field(default_factory=list)

    def find(self, metric: DriftMetric, dimension: Dimension, value: str) -> SeriesKey:
        """Return the key of a series, which is created if there is none."""
        key = SeriesKey(metric, dimension, value)
        if key not in self.series:
            self.series[key] = create_series(metric, dimension)
            self.counts[key] = 0
        return key

    def observe(self, source: DriftSource, row: Mapping[str, Any]) -> None:
        """Have all series of a draft or call observe it."""
        at = row["at"].timestamp()
        values = list(list_series_values(row))
        for observation in list_observations(source, row):
            for dimension, value in values:
                key = self.find(observation.metric, dimension, value)
                series = self.series[key]
                was_learning = series.is_learning
                if observation.trials is None:
                    alarm = series.observe_value(observation.amount, at)
                else:
                    alarm = series.observe_rate(observation.amount, observation.trials, at)
                self.counts[key] += 1
                self.changed[key] = series
                if was_learning and not series.is_learning:
                    self.learned.append(key)
                if alarm is not None:
                    self.alarms.append((key, alarm, row["at"]))
                    self.series[key] = create_series(observation.metric, dimension)
                    self.changed[key] = self.series[key]


class DriftMonitor:
    """Background task that watches stored drafts and calls of models for drift.

    Args:
        database: has them.
        period_s: seconds between two looks.
        settled: age from which on rows are observed.
    """

    def __init__(
        self, database: Database, *, period_s: float = PERIOD_S, settled: timedelta = SETTLED
    ) -> None:
        self._database = database
        self._period_s = period_s
        self._settled = settled

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch for the duration of the context."""
        async with running_in_background(self._run()):
            yield

    async def observe_next(self) -> bool:
        """Observe the next drafts and calls; return whether there may be more.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        has_more = False
        for source in DriftSource:
            has_more |= await self._observe(source)
        return has_more

    async def delete_old(self) -> None:
        """Delete series that had no observation for long, and alarms that are long over."""
        await self._database.execute(QUERIES.delete_old_drift_series, KEPT)
        await self._database.execute(QUERIES.delete_old_drift_alarms, KEPT)

    async def _run(self) -> None:
        while True:
            has_more = False
            try:
                has_more = await self.observe_next()
                if not has_more:
                    await self.delete_old()
            except OnrecordError as error:
                log.warning("drift_not_observed", reason=str(error))
            except Exception:
                log.exception("drift_not_observed")
            await asyncio.sleep(0 if has_more else self._period_s)

    async def _observe(self, source: DriftSource) -> bool:
        async with self._database.transaction() as connection:
            place = await connection.fetchrow(QUERIES.claim_drift_source, source)
            if place is None:
                return False
            rows = await self._select_rows(connection, source, place)
            if not rows:
                return False
            look = await _open_look(connection, rows)
            for number, row in enumerate(rows, start=1):
                look.observe(source, row)
                if number % _ROWS_A_TURN == 0:
                    await asyncio.sleep(0)
            await _write(connection, look, rows[-1]["at"])
            await connection.execute(
                QUERIES.move_drift_source, source, rows[-1]["at"], rows[-1]["row_id"]
            )
        return len(rows) == MAX_ROWS

    async def _select_rows(
        self, connection: Connection, source: DriftSource, place: Record
    ) -> list[dict[str, Any]]:
        since = (place["read_until"], place["last_id"], self._settled, MAX_ROWS)
        if source is DriftSource.DRAFTS:
            found = await connection.fetch(QUERIES.select_drafts_to_observe, *since)
        else:
            found = await connection.fetch(QUERIES.select_calls_to_observe, *since, OUTCOMES)
        return [dict(one) for one in found]


async def _open_look(connection: Connection, rows: Sequence[dict[str, Any]]) -> _Look:
    """Read the series of some rows; values of a dimension that has too many become ``OTHERS``."""
    numbers = {
        one["dimension"]: one["number"]
        for one in await connection.fetch(QUERIES.count_values_of_dimensions)
    }
    wanted = {pair for row in rows for pair in list_series_values(row)}
    pairs = [*wanted, *((dimension, OTHERS) for dimension in Dimension)]
    found = await connection.fetch(QUERIES.select_drift_series, *transpose_rows(2, pairs))
    series = {
        SeriesKey(one["metric"], one["dimension"], one["value"]): _STATES.validate_json(
            one["state"]
        )
        for one in found
    }
    known = {(key.dimension, key.value) for key in series}
    for dimension, value in sorted(wanted - known):
        if numbers.get(dimension, 0) >= MAX_VALUES:
            for row in rows:
                if row[dimension.value] == value:
                    row[dimension.value] = OTHERS
        else:
            numbers[dimension] = numbers.get(dimension, 0) + 1
    counts = {
        SeriesKey(one["metric"], one["dimension"], one["value"]): one["observations"]
        for one in found
    }
    return _Look(series, counts, numbers)


async def _write(connection: Connection, look: _Look, until: datetime) -> None:
    rows = [
        (*key, _STATES.dump_json(series).decode(), look.counts[key], series.is_learning)
        for key, series in sorted(look.changed.items(), key=lambda one: one[0])
    ]
    await connection.execute(QUERIES.upsert_drift_series, *transpose_rows(6, rows), until)
    await connection.execute(
        QUERIES.end_drift_alarms, *transpose_rows(3, [tuple(key) for key in look.learned]), until
    )
    for key, alarm, at in look.alarms:
        verdict = await _attribute(connection, key, alarm, at)
        await connection.execute(
            QUERIES.insert_drift_alarm,
            *(uuid4(), *key, alarm.direction, at, _moment(alarm.begun_at), alarm.age),
            *(alarm.before, alarm.after, alarm.bound),
            *(verdict.side, to_json(verdict.factors).decode()),
        )
        log.warning(
            "drift_found",
            metric=key.metric,
            dimension=key.dimension,
            value=key.value,
            direction=alarm.direction.value,
            before=round(alarm.before, 4),
            after=round(alarm.after, 4),
            side=verdict.side.value,
        )


async def _attribute(
    connection: Connection, key: SeriesKey, alarm: DriftAlarm, at: datetime
) -> DriftVerdict:
    begun = min(_moment(alarm.begun_at), at)
    # An observation at the very end is one of those since the change.
    before, after = (
        await _select_chunks(connection, key, alarm, begun - _LOOKED_BACK, begun, backwards=True),
        await _select_chunks(
            connection, key, alarm, begun, at + timedelta(microseconds=1), backwards=False
        ),
    )
    builds = await connection.fetch(
        QUERIES.select_builds_started, begun - _DEPLOY_SLACK, at, _DEPLOYED
    )
    return attribute_drift(before, after, [one["service"] for one in builds])


async def _select_chunks(  # noqa: PLR0913 - a side of a change
    connection: Connection,
    key: SeriesKey,
    alarm: DriftAlarm,
    since: datetime,
    until: datetime,
    *,
    backwards: bool,
) -> list[ObservedChunk]:
    metric = DriftMetric(key.metric)
    which = (since, until, key.dimension, key.value, backwards, _COMPARED)
    if find_source(metric) is DriftSource.DRAFTS:
        rows = await connection.fetch(QUERIES.select_drafts_to_compare, *which)
    else:
        rows = await connection.fetch(QUERIES.select_calls_to_compare, *which, OUTCOMES)
    is_rise = alarm.direction is Direction.UP
    built = (build_observed_chunk(metric, dict(one), alarm.bound, is_rise=is_rise) for one in rows)
    return [one for one in built if one is not None]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
