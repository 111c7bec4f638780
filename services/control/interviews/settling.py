"""Publishes what became of each submitted interview, at least once and with the same event id.

Triggers write a check in the transaction that may have settled an interview. A round takes checks,
decides and writes outcomes in one transaction, then publishes those that are not marked yet::

    submission, transcript, draft, letter ─▶ settlement_checks ─▶ settlements ─▶ transcripts-settled
                                               one transaction        │  acknowledged, then marked
                                                                      ◀──────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from contracts.encoded import EncodedEvent
from contracts.errors import OutageError
from contracts.events import Event, SettledOutcome, TranscriptSettled
from control.background import running_in_background
from control.interviews.outcomes import DeadLetterCause, SubmissionFacts, decide_outcome
from control.queries import load_control_queries
from database.pool import Connection, Database, Record
from database.queries import transpose_rows
from telemetry.metrics import SUBMISSION_TO_STORED

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("settlements.sql")

DECISIONS_LOCK: Final = 0x5E771E
"""Key of the advisory lock that lets one replica decide at a time, so that none decides on older
facts than the one before."""

BATCH: Final = 1_000
"""Checks that are taken, and outcomes that are published, at a time."""

POLL_S: Final = 0.3
"""Seconds between two rounds when nothing is to be done."""

RETRY_PAUSE_S: Final = 1.0
"""Seconds until the next round after one that failed."""

LONGEST_S: Final = 366 * 24 * 3_600.0
"""Longest time from submission to the outcome that is counted, in seconds: a producer may write any
time into a record."""

Publish = Callable[[Sequence[Event]], Awaitable[None]]


class OutcomePublisher:
    """Publisher that decides the final outcome of each submission and sends it to Kafka.

    Args:
        database: where the facts are, and the outcomes.
        publish: sends events and returns when the broker has them; raises ``OutageError``.
    """

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._publish = publish

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Settle what there is, in rounds, within the ``async with`` block."""
        async with running_in_background(self._run()):
            yield

    async def decide(self) -> int:
        """Decide on the interviews of the oldest checks, and write outcomes that are new.

        Returns:
            How many checks were taken; none while another replica decides.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.transaction() as connection:
            if not await connection.fetchval(_QUERIES.lock_decisions, DECISIONS_LOCK):
                return 0
            taken = await connection.fetchrow(_QUERIES.take_checks, BATCH)
            assert taken is not None
            found: list[SubmissionFacts] = []
            if taken["transcript_ids"]:
                for row in await connection.fetch(_QUERIES.select_facts, taken["transcript_ids"]):
                    found += await _decide_one(connection, row)
        _record_complete(found, datetime.now(UTC))
        return int(taken["checks"])

    async def publish(self) -> int:
        """Publish outcomes that are not marked as published, and mark them; how many there were.

        Raises:
            DatabaseUnavailableError, KafkaUnavailableError: try again later.
        """
        rows = await self._database.fetch(_QUERIES.select_unpublished, BATCH)
        if not rows:
            return 0
        await self._publish([_event(row) for row in rows])
        published = [
            (row["transcript_id"], row["revision"], row["content_sha256"], row["number"])
            for row in rows
        ]
        await self._database.execute(_QUERIES.mark_published, *transpose_rows(4, published))
        return len(rows)

    async def _run(self) -> None:
        while True:
            try:
                work = await self.decide() + await self.publish()
                pause = 0.0 if work else POLL_S
            except OutageError as error:
                log.warning("outcomes_not_settled", reason=str(error))
                pause = RETRY_PAUSE_S
            except Exception:
                log.exception("outcomes_not_settled")
                pause = RETRY_PAUSE_S
            await asyncio.sleep(pause)


async def _decide_one(connection: Connection, row: Record) -> list[SubmissionFacts]:
    facts = _facts(row)
    if facts.is_dead_in_part:
        rows = await connection.fetch(
            _QUERIES.select_dead_chunks, facts.transcript_id, facts.revision
        )
        facts = _facts(row, letters=[_cause(letter) for letter in rows])
    decision = decide_outcome(facts, row["number"] + 1)
    if decision is None or decision.facts_sha256 == row["facts_sha256"]:
        return []
    await connection.execute(
        _QUERIES.write_settlement,
        facts.transcript_id,
        facts.revision,
        facts.content_sha256,
        decision.event.number,
        decision.facts_sha256,
        decision.event.model_dump_json(),
    )
    is_complete = decision.event.outcome is SettledOutcome.COMPLETE
    is_first = decision.event.number == 1 and facts.refreshes is None
    return [facts] if is_complete and is_first else []


def _record_complete(found: Sequence[SubmissionFacts], now: datetime) -> None:
    """Count how long submissions took that are complete now."""
    for facts in found:
        took_s = (now - facts.last_submitted_at).total_seconds()
        # Its record said no moment, or one by a clock that is far off.
        if 0 <= took_s < LONGEST_S:
            SUBMISSION_TO_STORED.observe(took_s)


def _event(row: Record) -> EncodedEvent:
    # Byte for byte as it was decided, whichever version of onrecord publishes it: its id follows.
    return EncodedEvent(
        kind=TranscriptSettled,
        record_key=str(row["transcript_id"]),
        interview_id=None,
        body=row["event"],
    )


_FACTS: Final = (
    "transcript_id",
    "revision",
    "content_sha256",
    "submissions",
    "last_submitted_at",
    "ingested",
    "newest_revision",
    "has_newer",
    "is_withdrawn",
    "is_erased",
    "refreshes",
    "is_going_on",
    "chunks",
    "stored",
    "notes",
    "rejected_notes",
)
"""Columns of ``select_facts`` that are fields of ``SubmissionFacts``."""


def _facts(row: Record, letters: Sequence[DeadLetterCause] | None = None) -> SubmissionFacts:
    if letters is None:
        letters = () if row["letter_id"] is None else (_cause(row),)
    return SubmissionFacts(**{name: row[name] for name in _FACTS}, letters=letters)


def _cause(row: Record) -> DeadLetterCause:
    letter_id: UUID = row["letter_id"]
    return DeadLetterCause(letter_id, row["service"], row["error_code"], row["error_message"])
