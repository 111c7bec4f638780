"""The audit trail in PostgreSQL: who changed what, and who read exact words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from contracts.access import TrailEntry, TrailOutcome
from contracts.errors import OnrecordError
from control.access.rights import Caller, NotAuthenticatedError
from control.domain import DeadLetterNotOpenError
from control.queries import load_control_queries
from database.pool import Connection, Database
from database.text import replace_nul

_QUERIES: Final = load_control_queries("access.sql")


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
    ) -> int:
        """Record an action before it is taken, so that none is taken that is not recorded.

        A request's entries get their outcome with its answer, by ``TrailOutcomeMiddleware``.

        Args:
            caller: who asks.
            action: what is asked for, such as ``letter.replay``.
            target: of what.
            study_id: in which study, where it is in one.
            reason: why; the caller's, if empty.

        Returns:
            The entry's id.

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
        if caller.trailed is not None:
            caller.trailed.append(entry_id)
        return int(entry_id)

    async def record_outcome(
        self, entry_ids: Sequence[int], outcome: TrailOutcome, status: int | None = None
    ) -> None:
        """Record what became of actions, once they are over; once for each.

        Args:
            entry_ids: from ``record``.
            outcome: what became of them.
            status: HTTP status of the answer, if somebody asked for them.

        Raises:
            OutageError: it cannot be recorded now.
        """
        await self._database.execute(
            _QUERIES.insert_trail_outcomes, entry_ids, outcome.value, status
        )

    @asynccontextmanager
    async def recording(
        self, caller: Caller, action: str, target: str, reason: str = ""
    ) -> AsyncIterator[None]:
        """Record what control does by itself in a block, before it, and what became of it.

        Raises:
            OutageError: it cannot be recorded now; so it is not to be done.
        """
        entry_id = await self.record(caller, action, target, reason=reason)
        try:
            yield
        except DeadLetterNotOpenError:  # it was in another state by then
            await self._record_quietly(entry_id, TrailOutcome.REFUSED)
            raise
        except Exception:
            await self._record_quietly(entry_id, TrailOutcome.FAILED)
            raise
        await self._record_quietly(entry_id, TrailOutcome.DONE)

    async def _record_quietly(self, entry_id: int, outcome: TrailOutcome) -> None:
        with suppress(OnrecordError):  # what was done is done, and nobody knows it then
            await self.record_outcome([entry_id], outcome)

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
