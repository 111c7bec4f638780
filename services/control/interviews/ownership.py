"""Interviews' owners and withdrawn revisions in PostgreSQL."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contracts.ownership import OwnedTranscript, RevisionChangeResult
from control.domain import NotFoundError
from control.queries import load_control_queries
from database.pool import Connection, Database

_QUERIES: Final = load_control_queries("ownership.sql")


class TranscriptOwnershipStore:
    """Store of the owners of interviews, and of withdrawn revisions, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, transcript_id: UUID) -> OwnedTranscript | None:
        """Return an interview that was submitted, stored or not; None if there is none."""
        async with self._database.connection() as connection:
            return await _find(connection, transcript_id)

    async def check_withdrawal(self, owned: OwnedTranscript, revision: int | None) -> None:
        """Check that there is a revision to withdraw.

        Raises:
            NotFoundError: no such revision was submitted.
        """
        wanted = owned.highest if revision is None else revision
        if not await self._database.fetchval(
            _QUERIES.is_known_revision, owned.transcript_id, wanted
        ):
            raise _no_revision(owned.transcript_id, revision, owned)

    async def withdraw(self, transcript_id: UUID, revision: int | None) -> RevisionChangeResult:
        """Withdraw a revision, so that the one before is current; the same again changes nothing.

        Args:
            transcript_id: the interview.
            revision: which revision; None: the highest.

        Raises:
            NotFoundError: no such revision was accepted.
        """
        return await self._change(_QUERIES.withdraw_revision, transcript_id, revision)

    async def restore(self, transcript_id: UUID, revision: int | None) -> RevisionChangeResult:
        """Take the withdrawal of a revision back.

        Args:
            transcript_id: the interview.
            revision: which revision; None: the one that was withdrawn last.

        Raises:
            NotFoundError: it is not withdrawn.
        """
        return await self._change(_QUERIES.restore_revision, transcript_id, revision)

    async def hand_over(self, owned: OwnedTranscript, producer: str) -> OwnedTranscript:
        """Make an interview another producer's, and return it.

        Args:
            owned: the interview.
            producer: whose it is from now on.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                _QUERIES.hand_over_transcript,
                *(owned.transcript_id, owned.study_id, producer, owned.highest),
            )
            found = await _find(connection, owned.transcript_id)
        assert found is not None, "it was just written"
        return found

    async def hand_over_interviews(self, study_id: str, producer: str, of: str | None) -> int:
        """Make the interviews of a study another producer's, and return how many were not.

        Args:
            study_id: the study.
            producer: whose they are from now on.
            of: only those of this producer; None: all.
        """
        changed = await self._database.fetchval(
            _QUERIES.hand_over_interviews, study_id, producer, of
        )
        return int(changed)

    async def _change(
        self, query: str, transcript_id: UUID, revision: int | None
    ) -> RevisionChangeResult:
        async with self._database.transaction() as connection:
            changed = await connection.fetchval(query, transcript_id, revision)
            owned = await _find(connection, transcript_id)
        if changed is None or owned is None:
            raise _no_revision(transcript_id, revision, owned)
        return RevisionChangeResult(revision=changed, transcript=owned)


async def _find(connection: Connection, transcript_id: UUID) -> OwnedTranscript | None:
    row = await connection.fetchrow(_QUERIES.select_owned_transcript, transcript_id)
    return None if row is None else OwnedTranscript(transcript_id=transcript_id, **row)


def check_restoration(owned: OwnedTranscript, revision: int | None) -> None:
    """Raise an error unless an interview has a withdrawn revision that can be restored.

    Raises:
        NotFoundError: it is not withdrawn; or none is, if none is named.
    """
    if not owned.withdrawn or revision not in {None, *owned.withdrawn}:
        raise _no_revision(owned.transcript_id, revision, owned)


def _no_revision(
    transcript_id: UUID, revision: int | None, owned: OwnedTranscript | None
) -> NotFoundError:
    wanted = "no such revision" if revision is None else f"no revision {revision}"
    if owned is None:
        return NotFoundError(f"there is no interview {transcript_id}")
    withdrawn = ", ".join(map(str, owned.withdrawn)) or "none"
    return NotFoundError(
        f"there is {wanted} of interview {transcript_id}: its highest is {owned.highest}, and "
        f"withdrawn: {withdrawn}"
    )
