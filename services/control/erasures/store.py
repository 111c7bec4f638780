"""Erasures in PostgreSQL: planned, begun, listed, and their receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from contracts.erasures import (
    MOST_NAMED,
    EraseRequest,
    Erasure,
    ErasureKind,
    ErasurePlan,
    ErasureState,
    InterviewToErase,
    SignedErasureReceipt,
)
from contracts.errors import OnrecordError
from control.domain import NotFoundError
from control.erasures.receipts import read_signing_key
from control.queries import load_control_queries
from database.pool import Connection, Database, Record

QUERIES: Final = load_control_queries("erasures.sql")


UNKNOWN: Final = (
    "there is no such interview, or none of this study in which this participant speaks"
)
"""What those are told who may not erase it, too: of others' studies nothing is said."""


class ReceiptNotSignedError(OnrecordError):
    """Raised when a receipt is asked for of an erasure that is not complete (HTTP 409)."""


class OtherInterviewsError(OnrecordError):
    """Raised when a request selects another number of interviews than was expected (HTTP 409)."""


class SelectedInterviews(NamedTuple):
    """Interviews that a request for erasure selects.

    Attributes:
        study_id: of which study; empty if nobody knows it.
        others: by interview, how many other participants speak in it.
        studies: of which studies any of their revisions are: of before studies were registered,
            there may be several.
    """

    study_id: str
    others: dict[UUID, int]
    studies: frozenset[str] = frozenset()


class ErasurePosition(NamedTuple):
    """Position of an erasure in the list, the latest first."""

    requested_at: datetime
    erasure_id: UUID


class ErasureStore:
    """Store of erasures, and of the tombstones of erased interviews.

    Args:
        database: the system's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def select(self, wanted: EraseRequest) -> SelectedInterviews:
        """Return the interviews that a request is about.

        Raises:
            NotFoundError: there is none.
        """
        if wanted.transcript_id is not None:
            row = await self._database.fetchrow(
                QUERIES.select_transcript_to_erase, wanted.transcript_id
            )
            if row is None:
                raise NotFoundError(UNKNOWN)
            study_id, others = row["study_id"], {wanted.transcript_id: 0}
        else:
            assert wanted.study_id is not None
            study_id, others = wanted.study_id, await self._select_of_study(wanted)
        if not others:
            raise NotFoundError(UNKNOWN)
        rows = await self._database.fetch(QUERIES.select_studies_of_interviews, [*others])
        return SelectedInterviews(study_id, others, frozenset(row["study_id"] for row in rows))

    async def _select_of_study(self, wanted: EraseRequest) -> dict[UUID, int]:
        if wanted.participant is None:
            rows = await self._database.fetch(QUERIES.select_interviews_of_study, wanted.study_id)
        else:
            rows = await self._database.fetch(
                QUERIES.select_interviews_of_participant, wanted.study_id, wanted.participant
            )
        return {row["transcript_id"]: row["other_participants"] for row in rows}

    async def plan(self, wanted: EraseRequest, selected: SelectedInterviews) -> ErasurePlan:
        """Return what a request would erase."""
        rows = await self._database.fetch(QUERIES.select_titles_to_erase, [*selected.others])
        not_stored = 0
        if wanted.kind is ErasureKind.PARTICIPANT:
            not_stored = await self._database.fetchval(
                QUERIES.count_interviews_not_stored, wanted.study_id
            )
        return ErasurePlan(
            kind=wanted.kind,
            study_id=selected.study_id,
            transcripts=len(rows),
            notes=sum(row["notes"] for row in rows),
            not_stored=not_stored,
            named=tuple(
                InterviewToErase(**row, other_participants=selected.others[row["transcript_id"]])
                for row in rows[:MOST_NAMED]
            ),
        )

    async def begin(
        self, wanted: EraseRequest, selected: SelectedInterviews, requested_by: str
    ) -> Erasure:
        """Begin an erasure: from now on, whatever arrives of its interviews is discarded.

        Raises:
            NotFoundError: all of them are erased, or being erased.
            OtherInterviewsError: there are more or fewer than was expected.
        """
        if wanted.expected not in {None, len(selected.others)}:
            raise OtherInterviewsError(
                f"{len(selected.others)} interviews would be erased, and {wanted.expected} were "
                "expected: look again what would be, with a dry run"
            )
        erasure_id = uuid4()
        async with self._database.transaction() as connection:
            await connection.execute(
                QUERIES.insert_erasure,
                erasure_id,
                wanted.kind.value,
                selected.study_id,
                wanted.reference,
                requested_by,
            )
            added = await connection.fetchval(
                QUERIES.insert_tombstones, erasure_id, [*selected.others]
            )
            if not added:
                raise NotFoundError("it is erased already: `onrecord erase list` has the receipts")
            if wanted.kind is ErasureKind.STUDY:
                await connection.execute(QUERIES.archive_erased_study, selected.study_id)
            return await _find(connection, erasure_id)

    async def find(self, erasure_id: UUID) -> Erasure:
        """Return an erasure.

        Raises:
            NotFoundError: there is none.
        """
        async with self._database.connection() as connection:
            return await _find(connection, erasure_id)

    async def page(
        self, studies: Collection[str] | None, *, limit: int, after: ErasurePosition | None
    ) -> Sequence[Erasure]:
        """Return erasures behind a position, the latest first.

        Args:
            studies: only of these; None: of any.
            limit: at most so many.
            after: the position.
        """
        rows = await self._database.fetch(
            QUERIES.select_erasures,
            None,
            None if studies is None else [*studies],
            *(after or (None, None)),
            limit,
        )
        return [build_erasure(row) for row in rows]

    async def receipt(self, erasure_id: UUID) -> SignedErasureReceipt:
        """Return the signed receipt of an erasure.

        Raises:
            NotFoundError: there is no such erasure.
            ReceiptNotSignedError: it is not complete.
        """
        row = await self._database.fetchrow(QUERIES.select_receipt, erasure_id)
        if row is None:
            raise _no_erasure(erasure_id)
        if row["receipt"] is None:
            raise ReceiptNotSignedError(
                f"erasure {erasure_id} is not complete: `onrecord erase show {erasure_id}` says "
                "what it waits for"
            )
        key = await read_signing_key(self._database)
        return SignedErasureReceipt(
            receipt=row["receipt"],
            signature=row["signature"],
            public_key=key.public_key().public_bytes_raw(),
        )


async def _find(connection: Connection, erasure_id: UUID) -> Erasure:
    row = await connection.fetchrow(QUERIES.select_erasures, erasure_id, None, None, None, 1)
    if row is None:
        raise _no_erasure(erasure_id)
    return build_erasure(row)


def build_erasure(row: Record) -> Erasure:
    """Build an erasure from its row in PostgreSQL."""
    fields = {name: row[name] for name in Erasure.model_fields if name in row.keys()}  # noqa: SIM118 - of a record, not of a mapping
    state = ErasureState.ERASING
    if row["rows_deleted_at"] is not None:
        state = ErasureState.DRAINING if row["completed_at"] is None else ErasureState.COMPLETE
    return Erasure(**fields, state=state)


def _no_erasure(erasure_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no erasure {erasure_id}")
