"""The audit trail in PostgreSQL: who changed what, and who read exact words."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from contracts.access import TrailEntry
from control.access import Caller, NotAuthenticatedError
from database.pool import Connection, Database
from database.queries import load_queries
from database.text import replace_nul

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "access.sql")


class TrailEntries(NamedTuple):
    """Page of the audit trail, the latest entry first.

    Attributes:
        entries: of the page.
        last: id of the entry behind which another page begins; None if there is none.
    """

    entries: tuple[TrailEntry, ...]
    last: int | None


class AuditTrail:
    """Audit trail in PostgreSQL: append-only log of changes and of accesses to exact quotes."""

    def __init__(self, database: Database | Connection) -> None:
        self._database = database

    async def record(
        self,
        caller: Caller,
        action: str,
        target: str,
        study_id: str | None = None,
        reason: str = "",
    ) -> None:
        """Record an action before it is taken, so that none is taken that is not recorded.

        Args:
            caller: who asks.
            action: what is asked for, such as ``letter.replay``.
            target: of what.
            study_id: in which study, where it is in one.
            reason: why; the caller's, if empty.

        Raises:
            OutageError: it cannot be recorded now.
            NotAuthenticatedError: the caller's token or session was revoked since it was looked up.
        """
        entry_id = await self._database.fetchval(
            _QUERIES.insert_trail_entry,
            caller.name,
            caller.token_id,
            action,
            replace_nul(target),
            study_id,
            replace_nul(reason or caller.reason),
            caller.address,
            caller.session_id,
        )
        if entry_id is None:
            raise NotAuthenticatedError("the token or session was revoked meanwhile")

    async def page(
        self,
        *,
        before: int | None = None,
        actor: str | None = None,
        action: str | None = None,
        study_id: str | None = None,
        limit: int = 100,
    ) -> TrailEntries:
        """Return a page of entries, the latest first.

        Args:
            before: only entries with a smaller id.
            actor: only of this token's name.
            action: only this one; ``letter`` is all actions on letters.
            study_id: only in this study.
            limit: at most so many.
        """
        rows = await self._database.fetch(
            _QUERIES.select_trail, before, actor, action, study_id, limit + 1
        )
        entries = tuple(TrailEntry(**row) for row in rows[:limit])
        return TrailEntries(entries, entries[-1].entry_id if len(rows) > limit else None)
