"""How long what there is of a study is kept, in PostgreSQL: set, shown and previewed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from contracts.study_retention import (
    RetainedKind,
    RetainedKindPreview,
    RetentionRound,
    StudyRetention,
    StudyRetentionPolicy,
    StudyRetentionPreview,
)
from control.access.trail import AuditTrail
from control.domain import NotFoundError
from control.interviews.studies import StudyChangedError
from control.letters.retention import RetentionPeriods
from control.queries import load_control_queries
from database.pool import Connection, Database, Record

T = TypeVar("T")

RecordChange: TypeAlias = Callable[[AuditTrail, StudyRetentionPolicy], Awaitable[None]]

QUERIES: Final = load_control_queries("study_retention.sql")


class StudyRetentionStore:
    """Store of how long what there is of each study is kept.

    Args:
        database: the system's.
        periods: for how long dead letters are kept of any study.
    """

    def __init__(self, database: Database, periods: RetentionPeriods) -> None:
        self._database = database
        self._periods = periods

    async def find(self, study_id: str) -> StudyRetention:
        """Return how long what there is of a study is kept.

        Raises:
            NotFoundError: it is not registered.
        """
        async with self._database.connection() as connection:
            return await _find(connection, study_id)

    async def set(
        self,
        study_id: str,
        policy: StudyRetentionPolicy,
        expected: int | None,
        record: RecordChange,
    ) -> StudyRetention:
        """Set how long what there is of a study is kept; the next round begins soon.

        Args:
            study_id: which study.
            policy: for how many days.
            expected: its number of changes, as the sender has read it; None: whatever it is.
            record: records the change, with what it was before, while nobody can change that.

        Raises:
            NotFoundError: it is not registered.
            StudyChangedError: it was changed meanwhile.
        """
        async with self._database.transaction() as connection:
            await connection.execute(QUERIES.lock_study_to_retain, study_id)
            found = await _find(connection, study_id)
            await record(AuditTrail(connection), found.policy)
            is_other = expected not in {None, found.changes}
            if not is_other and found.policy != policy:
                await connection.execute(
                    QUERIES.update_study_retention, study_id, *_list_days(policy)
                )
                found = await _find(connection, study_id)
        if is_other:  # once the trail has that it was asked for
            raise StudyChangedError(
                f"the study {study_id} was changed meanwhile: read it again, then change it"
            )
        return found

    async def preview(self, study_id: str, policy: StudyRetentionPolicy) -> StudyRetentionPreview:
        """Return what would be deleted of a study under a policy; nothing is changed."""
        rows = await self._database.fetch(
            QUERIES.preview_retention,
            study_id,
            *_list_days(policy),
            self._periods.opened,
            self._periods.closed,
        )
        return StudyRetentionPreview(
            study_id=study_id,
            kinds=tuple(
                RetainedKindPreview(**row, days=policy.find_days(RetainedKind(row["kind"])))
                for row in rows
            ),
        )


async def _find(connection: Connection, study_id: str) -> StudyRetention:
    row = await connection.fetchrow(QUERIES.select_study_retention, study_id)
    if row is None:
        raise NotFoundError(f"the study {study_id} is not registered")
    policy = StudyRetentionPolicy(**{f"{kind}_days": row[f"{kind}_days"] for kind in RetainedKind})
    return StudyRetention(
        study_id=study_id,
        changes=row["changes"],
        policy=policy,
        under_way=_build_round(row["begun_at"], None, row["counts"], row["failures"]),
        last=_build_round(*_last_round(row)),
        next_at=row["next_at"],
    )


def _last_round(row: Record) -> tuple[Any, ...]:
    return tuple(row[f"last_{name}"] for name in ("begun_at", "ended_at", "counts", "failures"))


def _build_round(
    begun_at: datetime | None, ended_at: datetime | None, counts: str, failures: str
) -> RetentionRound | None:
    if begun_at is None:
        return None
    return RetentionRound(
        begun_at=begun_at,
        ended_at=ended_at,
        deleted=order_by_kind(json.loads(counts)),
        failed=order_by_kind(json.loads(failures)),
    )


def order_by_kind(by_kind: Mapping[str, T]) -> dict[str, T]:
    """Return what is known by kind in the order of kinds, which PostgreSQL's JSON does not keep."""
    return {kind.value: by_kind[kind] for kind in RetainedKind if kind in by_kind}


def _list_days(policy: StudyRetentionPolicy) -> list[int | None]:
    return [policy.get_days(kind) for kind in RetainedKind]
