"""Drift as it was found, in PostgreSQL."""

from __future__ import annotations

import json
from typing import Final

from contracts.drift import DriftAlarmReport, DriftReport
from control.queries import load_control_queries
from database.pool import Database

QUERIES: Final = load_control_queries("drift.sql")

MAX_ALARMS: Final = 100
"""Most alarms that are shown."""


class DriftStore:
    """Store of alarms and of the series that are watched.

    Args:
        database: the system's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_report(self) -> DriftReport:
        """Return the latest alarms, and how much is watched."""
        async with self._database.connection() as connection:
            alarms = await connection.fetch(QUERIES.select_drift_alarms, MAX_ALARMS)
            counts = await connection.fetchrow(QUERIES.count_drift)
        assert counts is not None, "counts are always one row"
        return DriftReport(
            alarms=tuple(
                DriftAlarmReport.model_validate(dict(one) | {"factors": json.loads(one["factors"])})
                for one in alarms
            ),
            **dict(counts),
        )
