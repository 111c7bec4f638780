"""The feed of changes: what triggers write into ``changes``, for those who follow it.

One task reads new changes while somebody follows them, into a ring that all followers share::

    triggers ─▶ changes ─▶ one task a replica ─▶ ring ─┬▶ follower, each at its own position
                   └───────── behind the ring ─────────┘

A follower has no queue: one that is slow falls behind the ring and reads the table. So however
many there are and however slow, what is held is the ring.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from contracts.errors import OnrecordError
from control.queries import load_control_queries
from database.pool import Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("changes.sql")

POLL_S: Final = 0.5
"""Seconds between two looks at what is new."""

RING: Final = 1_000
"""Most changes that are held in memory for those who follow them."""

PAGE: Final = 500
"""Most changes that are read at a time."""

RESUMABLE: Final = timedelta(hours=23)
"""How long a follower may be away that has seen no change: less than changes are kept."""

MAX_FOLLOWERS: Final = 100
"""Most followers at once, in one replica."""

MAX_FOLLOWERS_PER_TOKEN: Final = 8
"""Most of them with one token or session, so that it cannot keep all others out."""


class TooManyFollowersError(OnrecordError):
    """Raised when too many clients follow the change events (HTTP 429)."""

    retry_after_s = 10

    def __init__(self) -> None:
        super().__init__("as many as may follow the changes already, or with this token; try later")


class ChangePosition(NamedTuple):
    """Position of a change event in their order: transaction id and number; sortable."""

    transaction_id: int
    change_id: int


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """Event about a change, such as ``notes.stored``: its study and its details.

    Attributes:
        position: where it stands in the order of changes.
        at: when.
        kind: such as ``letters.replayed``.
        study_id: in which study; None if in none.
        data: what changed; no text of an interview.
    """

    position: ChangePosition
    at: datetime
    kind: str
    study_id: str | None
    data: dict[str, Any]


class ChangeFeed:
    """Feed that reads change events from PostgreSQL once, for any number of followers.

    Args:
        database: where the changes are.
        poll_s: seconds between two looks.
        ring: most changes held in memory.
    """

    def __init__(self, database: Database, poll_s: float = POLL_S, ring: int = RING) -> None:
        self._database = database
        self._poll_s = poll_s
        self._ring: deque[ChangeEvent] = deque(maxlen=ring)
        self._begin = self._end = ChangePosition(0, 0)
        self._followers: Counter[UUID] = Counter()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether the service stops, and with it all who follow."""
        return self._is_closed

    async def close(self) -> None:
        """End the feed, and let all followers end."""
        self._is_closed = True
        self._announce()
        await self._stop()

    @asynccontextmanager
    async def following(self, token_id: UUID) -> AsyncIterator[ChangePosition]:
        """Follow within the ``async with`` block; yields the position of what is new.

        Args:
            token_id: whose place among the followers it takes.

        Raises:
            TooManyFollowersError: there are as many as may, or as many with this token.
            DatabaseUnavailableError: try again later.
        """
        if (
            self._followers.total() >= MAX_FOLLOWERS
            or self._followers[token_id] >= MAX_FOLLOWERS_PER_TOKEN
        ):
            raise TooManyFollowersError
        self._followers[token_id] += 1
        try:
            if self._task is None:
                row = await self._database.fetchrow(_QUERIES.select_changes_end)
                assert row is not None
                if self._task is None:
                    self._ring.clear()
                    end = ChangePosition(int(row["transaction_id"]), row["change_id"])
                    self._begin = self._end = end
                    self._task = asyncio.create_task(self._read())
            yield self._end
        finally:
            self._followers[token_id] -= 1
            self._followers += Counter()  # leaves out tokens that follow no more
            if not self._followers:
                await self._stop()

    async def has(self, position: ChangePosition) -> bool:
        """Return whether a change is still kept, and so all that came after it."""
        found: bool = await self._database.fetchval(
            _QUERIES.has_change, str(position.transaction_id), position.change_id
        )
        return found

    async def is_complete_since(self, position: ChangePosition, at: datetime) -> bool:
        """Return whether all changes behind a position are still kept.

        Args:
            position: where a follower was.
            at: when that was the end of all changes.
        """
        found: bool = await self._database.fetchval(
            _QUERIES.is_complete_since, str(position.transaction_id), at, RESUMABLE
        )
        return found

    async def next(self, position: ChangePosition, within_s: float) -> list[ChangeEvent]:
        """Return the next changes behind a position; none if there is none in time.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        # From before it was followed, or slower than the ring.
        if position < self._begin and (found := await self._page(position)):
            return found
        news = self._news
        if (found := self._newer(position)) or self._is_closed:
            return found
        try:
            async with asyncio.timeout(within_s):
                await news.wait()
        except TimeoutError:
            return []
        if position < self._begin:  # more came at once than the ring holds
            return await self._page(position)
        return self._newer(position)

    def _newer(self, position: ChangePosition) -> list[ChangeEvent]:
        return [one for one in self._ring if one.position > position][:PAGE]

    async def _page(self, position: ChangePosition) -> list[ChangeEvent]:
        rows = await self._database.fetch(
            _QUERIES.select_changes, str(position.transaction_id), position.change_id, PAGE
        )
        return [
            ChangeEvent(
                ChangePosition(int(row["transaction_id"]), row["change_id"]),
                row["at"],
                row["kind"],
                row["study_id"],
                json.loads(row["data"]),
            )
            for row in rows
        ]

    async def _read(self) -> None:
        while True:
            try:
                found = await self._page(self._end)
            except OnrecordError as error:
                log.warning("changes_not_read", reason=str(error))
                found = []
            except Exception:
                # Without this task followers would get signs of life and nothing else, for ever.
                log.exception("changes_not_read")
                found = []
            for one in found:
                if len(self._ring) == self._ring.maxlen:
                    self._begin = self._ring[0].position
                self._ring.append(one)
            if found:
                self._end = found[-1].position
                self._announce()
            if len(found) < PAGE:
                await asyncio.sleep(self._poll_s)

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
