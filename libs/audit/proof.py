"""Takes stock of Kafka and PostgreSQL until the books balance, or something is really lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from audit.broker import BacklogScanner, ScanResult
from audit.facts import (
    AuditFacts,
    ChunkFact,
    DatedDeadLetter,
    Place,
    SubmissionFact,
    UnfinishedRecord,
)
from audit.reconciliation import reconcile_submissions
from audit.results import AuditResult
from contracts.topics import INGESTION, PERSISTENCE
from database.pool import Connection, Database, Record
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "audit.sql")

STOCKTAKINGS: Final = 6
PAUSE_S: Final = 0.5
"""While messages move, one may slip between two looks; what is missing still is lost."""


async def run_audit(scanner: BacklogScanner, database: Database) -> AuditResult:
    """Run one audit: compare the interviews submitted to Kafka with those in PostgreSQL.

    What was on its way between two looks is in neither: only what is missing in every look is
    lost, and what was missing in the last one alone counts as waiting.

    Raises:
        KafkaUnavailableError, DatabaseUnavailableError: try again later.
    """
    balance = await _take_stock(scanner, database)
    missing = balance.lost
    for _ in range(STOCKTAKINGS - 1):
        if not missing:
            break
        await asyncio.sleep(PAUSE_S)
        balance = await _take_stock(scanner, database)
        missing &= balance.lost
    return balance.waiting_for(balance.lost - missing)


async def run_audit_when_idle(
    scanner: BacklogScanner, database: Database, *, within_s: float
) -> AuditResult:
    """Repeat the audit until no message is pending, for at most ``within_s`` seconds.

    Raises:
        KafkaUnavailableError, DatabaseUnavailableError: try again later.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        balance = await run_audit(scanner, database)
        if balance.is_settled or asyncio.get_running_loop().time() > deadline:
            return balance
        await asyncio.sleep(PAUSE_S)


async def _take_stock(scanner: BacklogScanner, database: Database) -> AuditResult:
    found = await scanner.scan()
    async with database.transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        books = await _books(connection, found)
    earlier = await scanner.find_partitions_of_recreated_topics(books.letters)
    return reconcile_submissions(replace(books, earlier_logs=earlier))


async def _books(connection: Connection, found: ScanResult) -> AuditFacts:
    submissions = {
        place: _submission(place, row)
        for row in await connection.fetch(_QUERIES.submissions)
        for place in [(row["topic"], row["partition"], row["record_offset"])]
    }
    for one in found.submissions:
        submissions.setdefault(one.place, one)
    letters = [_letter(row) for row in await connection.fetch(_QUERIES.letters)]
    letters += _not_indexed(found, letters)
    rows = await connection.fetch(_QUERIES.interviews)
    interviews = {_revision(row): row["content_sha256"] for row in rows}
    withdrawn = frozenset(_revision(row) for row in rows if row["withdrawn"])
    return AuditFacts(
        submissions=tuple(submissions.values()),
        chunks=tuple(_chunk(row) for row in await connection.fetch(_QUERIES.chunks)),
        ingested=interviews,
        withdrawn=withdrawn,
        superseded=frozenset(_revision(row) for row in rows if row["superseded"]),
        erased=frozenset(
            str(row["transcript_id"]) for row in await connection.fetch(_QUERIES.erased)
        ),
        unread=(*found.unread, *_pending(await connection.fetch(_QUERIES.pending_drafts), letters)),
        letters=tuple(letters),
        received=found.received,
        deleted=found.deleted,
        missing_topics=found.missing_topics,
    )


def _pending(rows: Iterable[Record], letters: Iterable[DatedDeadLetter]) -> list[UnfinishedRecord]:
    """Drafts that persistence keeps until their interviews arrive, as records that wait."""
    dead = {one.subject for one in letters if one.service in {INGESTION, PERSISTENCE}}
    return [
        UnfinishedRecord(
            PERSISTENCE,
            place=(row["source_topic"], row["source_partition"], row["source_offset"]),
            subject=str(row["chunk_id"]),
            retrying=False,
            held=str(row["transcript_id"]) in dead,
        )
        for row in rows
    ]


def _not_indexed(found: ScanResult, letters: list[DatedDeadLetter]) -> list[DatedDeadLetter]:
    # With the time, as another message may have a place in a topic that was made anew.
    known = {(one.service, one.place, one.sent_at) for one in letters}
    return [one for one in found.letters if (one.service, one.place, one.sent_at) not in known]


def _revision(row: Record) -> tuple[str, int]:
    return str(row["transcript_id"]), row["revision"]


def _submission(place: Place, row: Record) -> SubmissionFact:
    return SubmissionFact(
        place,
        str(row["transcript_id"] or ""),
        row["revision"],
        row["content_sha256"],
        row["sent_ms"],
    )


def _chunk(row: Record) -> ChunkFact:
    return ChunkFact(
        chunk_id=str(row["chunk_id"]),
        transcript_id=str(row["transcript_id"]),
        revision=row["revision"],
        stored=row["stored"],
    )


def _letter(row: Record) -> DatedDeadLetter:
    return DatedDeadLetter(
        service=row["service"],
        place=_source(row),
        subject=row["subject"] or "",
        discarded=row["state"] == "discarded",
        revision=row["revision"],
        content_sha256=row["content_sha256"],
        sent_at=row["sent_ms"],
    )


def _source(row: Record) -> Place:
    if None in (row["source_topic"], row["source_partition"], row["source_offset"]):
        return (row["dlq_topic"], row["dlq_partition"], row["dlq_offset"])
    return (row["source_topic"], row["source_partition"], row["source_offset"])
