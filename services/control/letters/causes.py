"""Causes of dead letters in PostgreSQL: counted by triggers, described and edited here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from contracts.control_api import DeadLetterState
from contracts.errors import UNMENDABLE
from contracts.letter_causes import (
    HOURS_SHOWN,
    CauseTrend,
    EditCauseRequest,
    LetterCause,
    ListCausesRequest,
    StudyLetterCount,
)
from control.domain import ConcurrentChangeError, NotFoundError
from control.queries import load_control_queries
from database.pool import Database, Record

_QUERIES: Final = load_control_queries("causes.sql")

_HOUR: Final = timedelta(hours=1)

RISING: Final = 2.0
"""How many times the mean of the hours before a rising cause has in the current hour; half of them,
or fewer, is falling."""


class LetterCausePosition(NamedTuple):
    """Position of a cause in a list: those with more letters, and then later ones, come first.

    Attributes:
        letters: how many of its letters are meant.
        last_failed_at: when the latest of its letters failed.
        cause_id: of the cause.
    """

    letters: int
    last_failed_at: datetime
    cause_id: str


class LetterCauses(NamedTuple):
    """Page of the causes of dead letters, with the position where the next page begins.

    Attributes:
        causes: of the page.
        last: position behind which another page begins; None if there is none.
        muted: how many more match, but are muted; 0 for any but the first page.
        snoozed: how many more match, but have snoozed letters alone; as ``muted``.
    """

    causes: tuple[LetterCause, ...]
    last: LetterCausePosition | None
    muted: int = 0
    snoozed: int = 0


class LetterCauseStore:
    """Store of the causes of dead letters, and of operators' remarks on them, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def causes(
        self, which: ListCausesRequest, after: LetterCausePosition | None = None
    ) -> LetterCauses:
        """Return a page of the causes that match, those with the most letters first.

        Args:
            which: narrows by any of its fields; muted causes, and those whose open letters are all
                snoozed, are counted only, unless asked for. Its cursor is not looked at.
            after: position behind which the page begins. Causes whose number of letters changes
                meanwhile move, over the ends of pages too.
        """
        await self.sum_counts()
        state = None if which.state == "all" else which.state
        # Letters in other states are not snoozed.
        with_snoozed = which.snoozed or which.state is not DeadLetterState.OPEN
        filters = (which.service, which.code, which.study, state)
        drafted = (which.model, which.prompt)
        shown = (which.muted, with_snoozed)
        rows = await self._database.fetch(
            _QUERIES.select_causes,
            None,
            *filters,
            *shown,
            *(after or (None, None, None)),
            which.limit + 1,
            *drafted,
        )
        page = rows[: which.limit]
        causes = await self._describe(page, which.study, *drafted)
        last = None
        if len(rows) > which.limit:
            end = page[-1]
            last = LetterCausePosition(end["meant"], end["last_failed_at"], end["cause_id"])
        if after is not None:
            return LetterCauses(causes, last)
        left_out = await self._database.fetchrow(
            _QUERIES.count_left_out_causes, *filters, *shown, *drafted
        )
        assert left_out is not None
        return LetterCauses(causes, last, left_out["muted"], left_out["snoozed"])

    async def cause(self, cause_id: str) -> LetterCause:
        """Return one cause, whatever the state of its letters.

        Raises:
            NotFoundError: no letter died of it.
        """
        await self.sum_counts()
        everything = (None, None, None, None, True, True, None, None, None)
        rows = await self._database.fetch(
            _QUERIES.select_causes, cause_id, *everything, 1, None, None
        )
        if not rows:
            raise NotFoundError(
                f"there is no cause {cause_id}: `onrecord dlq causes --state all` names them"
            )
        (found,) = await self._describe(rows, None)
        return found

    async def find(self, cause_id: str, version: int | None) -> LetterCause:
        """Return one cause as somebody has read it.

        Args:
            cause_id: of the cause.
            version: of it as it was read; None: whatever it is now.

        Raises:
            NotFoundError: no letter died of it.
            ConcurrentChangeError: somebody changed it since it was read.
        """
        found = await self.cause(cause_id)
        if version not in {None, found.version}:
            raise _changed()
        return found

    async def edit(
        self, cause_id: str, changes: EditCauseRequest, version: int | None
    ) -> LetterCause:
        """Note who looks after a cause, what is known about it, and until when it is muted.

        Args:
            cause_id: of the cause.
            changes: fields that are set replace what was noted.
            version: of the cause as it was read; None: whatever it is now.

        Raises:
            NotFoundError: no letter died of it.
            ConcurrentChangeError: somebody changed it since it was read.
        """
        await self.cause(cause_id)
        edited = await self._database.fetchval(
            _QUERIES.edit_cause,
            cause_id,
            version,
            changes.assignee,
            changes.remark,
            "muted_until" in changes.model_fields_set,
            changes.muted_until,
        )
        if edited is None:
            raise _changed()
        return await self.cause(cause_id)

    async def sum_counts(self) -> None:
        """Sum up what the triggers appended; counts are the same before and after."""
        await self._database.execute(_QUERIES.sum_counts)

    async def delete_empty_counts(self) -> None:
        """Delete sums that have come down to nothing, and causes without letters and notes."""
        await self._database.execute(_QUERIES.delete_empty_counts)
        await self._database.execute(_QUERIES.delete_empty_causes)

    async def _describe(
        self,
        rows: Sequence[Record],
        study: str | None,
        model: str | None = None,
        prompt: str | None = None,
    ) -> tuple[LetterCause, ...]:
        ids = [row["cause_id"] for row in rows]
        if not ids:
            return ()
        now = datetime.now(UTC)
        drafted = (model, prompt)
        hours = await self._hours(ids, study, now, drafted)
        studies: defaultdict[str, list[Record]] = defaultdict(list)
        for row in await self._database.fetch(
            _QUERIES.select_studies_of_causes, ids, study, *drafted
        ):
            studies[row["cause_id"]].append(row)
        return tuple(
            _cause(row, hours[row["cause_id"]], studies[row["cause_id"]], now) for row in rows
        )

    async def _hours(
        self,
        ids: Sequence[str],
        study: str | None,
        now: datetime,
        drafted: tuple[str | None, str | None],
    ) -> defaultdict[str, list[int]]:
        """Letters by hour of each cause, the current hour last."""
        current = now.replace(minute=0, second=0, microsecond=0)
        found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * HOURS_SHOWN)
        rows = await self._database.fetch(
            _QUERIES.select_latest_hours, ids, study, current - HOURS_SHOWN * _HOUR, *drafted
        )
        for row in rows:
            # A service's clock may be ahead of control's: such letters are of the current hour.
            back = max((current - row["hour"]) // _HOUR, 0)
            found[row["cause_id"]][HOURS_SHOWN - 1 - back] += row["letters"]
        return found


def _changed() -> ConcurrentChangeError:
    return ConcurrentChangeError("it was changed since it was read: read it again")


def classify_trend(by_hour: Sequence[int], first_failed_at: datetime, now: datetime) -> CauseTrend:
    """Return whether a cause has more dead letters in this hour than in the hours before.

    Args:
        by_hour: letters by hour, the current hour last.
        first_failed_at: when the first letter of all failed.
        now: the time.
    """
    *before, current = by_hour
    if now - first_failed_at < _HOUR:
        return CauseTrend.NEW
    if not any(by_hour):
        return CauseTrend.QUIET
    # The current hour has only begun: what it has so far stands for a whole one.
    elapsed = max((now.minute * 60 + now.second) / 3600, 1 / 12)
    rate, mean = current / elapsed, sum(before) / len(before)
    if rate >= RISING * mean and current:
        return CauseTrend.RISING
    return CauseTrend.FALLING if rate <= mean / RISING else CauseTrend.STEADY


def _cause(
    row: Record, by_hour: list[int], studies: Sequence[Record], now: datetime
) -> LetterCause:
    return LetterCause(
        cause_id=row["cause_id"],
        service=row["service"],
        error_code=row["error_code"],
        error_type=row["error_type"],
        summary=row["summary"],
        snoozed=row["snoozed"],
        letters={state: row[state.value] for state in DeadLetterState},
        first_failed_at=row["first_failed_at"],
        last_failed_at=row["last_failed_at"],
        by_hour=tuple(by_hour),
        trend=classify_trend(by_hour, row["first_failed_at"], now),
        studies=tuple(
            StudyLetterCount(study_id=one["study_id"], letters=one["letters"]) for one in studies
        ),
        study_count=studies[0]["study_count"] if studies else 0,
        example=row["example"],
        replay_helps=row["error_code"] not in {code.value for code in UNMENDABLE},
        assignee=row["assignee"],
        remark=row["remark"],
        muted_until=row["muted_until"],
        version=row["version"],
    )
