"""Watch over drafts that wait for their interviews: how many, how long, and whether in vain.

Storing an interview joins the drafts that waited for it. Two kinds of drafts have no such handler:
those whose interview was stored by a replica of an older version, and those whose interview's
message became a dead letter half way. They are sent back to their topic, where they are handled
like any others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from contracts.errors import OnrecordError
from contracts.events import Event, NotesValidated
from database.pool import Database
from database.queries import load_queries, transpose_rows
from telemetry.metrics import PENDING_DRAFTS, PENDING_DRAFTS_OLDEST

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 30.0
OVERDUE: Final = timedelta(minutes=5)
"""How long an interview is stored before drafts that wait for it are sent back: longer than a
handler may take to join them."""
SENT_BACK_AT_ONCE: Final = 100
"""Drafts that one check sends back; the next check sends more."""

LONG_S: Final = 600.0
"""Wait that is worth a warning, and the time between two warnings, in seconds."""

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "pending.sql")

Publish = Callable[[Iterable[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PendingDraftStats:
    """Statistics of pending drafts: their number, and the oldest one's age in seconds."""

    drafts: int
    oldest_s: float


async def resend_overdue_drafts(database: Database, publish: Publish) -> PendingDraftStats:
    """Send drafts that wait too long for a transcript back to Kafka; update their metrics.

    Args:
        database: where they wait.
        publish: sends events and returns when they are acknowledged. A draft waits until then, so
            one that may not have been sent is sent again by the next look.
    """
    overdue = await database.fetch(_QUERIES.select_overdue, OVERDUE, SENT_BACK_AT_ONCE)
    if overdue:
        log.warning("pending_drafts_sent_back", drafts=len(overdue))
        await publish(NotesValidated.model_validate_json(row["event"]) for row in overdue)
        # Whatever becomes of their messages, they are not sent back twice.
        gone = [(row["chunk_id"], row["attempt"], row["final"]) for row in overdue]
        await database.execute(_QUERIES.delete_all_pending, *transpose_rows(3, gone))
    row = await database.fetchrow(_QUERIES.count_pending)
    assert row is not None, "an aggregate always gives one row"
    found = PendingDraftStats(row["drafts"], row["oldest_s"])
    PENDING_DRAFTS.set(found.drafts)
    PENDING_DRAFTS_OLDEST.set(found.oldest_s)
    return found


@asynccontextmanager
async def resend_overdue_drafts_periodically(
    database: Database, publish: Publish
) -> AsyncIterator[None]:
    """Context manager that periodically sends overdue pending drafts back to Kafka."""
    task = asyncio.create_task(_watch(database, publish))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(database: Database, publish: Publish) -> None:
    warned_s = -LONG_S
    while True:
        try:
            found = await resend_overdue_drafts(database, publish)
            if found.oldest_s > LONG_S and time.monotonic() - warned_s > LONG_S:
                warned_s = time.monotonic()
                log.warning("pending_drafts", drafts=found.drafts, oldest_s=round(found.oldest_s))
        except OnrecordError as error:
            log.info("pending_drafts_unknown", code=error.code.value, reason=str(error))
        await asyncio.sleep(LOOK_EVERY_S)
