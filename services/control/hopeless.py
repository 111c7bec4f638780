"""Dead letters that a replay cannot mend as things are, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.errors import ErrorCode
from control.domain import DeadLetterNotOpenError
from database.pool import Connection, Database
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "hopeless.sql")

_REFUSED_AGAIN: Final = (ErrorCode.REVISION_CONFLICT.value, ErrorCode.NOT_YOURS.value)
"""Causes that are in the database, so that a mend of code or settings does not remove them. What no
replay mends besides (``UNMENDABLE``) may pass once the code is mended."""

REASONS: Final = {
    "stored": "the notes of its chunk are stored already, so a replay does nothing",
    "withdrawn": "its interview's revision is withdrawn",
    "superseded": "a newer revision of its interview is stored, so nobody reads its notes",
    "study_archived": "its study is archived, and takes no more interviews",
    "unknown_study": "its study is not registered: `onrecord study create` registers it",
    "revision_conflict": "another interview with this id and revision is stored, so it is refused "
    "again",
    "not_yours": "its interview belongs to another study or producer, so it is refused again",
}
"""Why a replay is hopeless, in words."""


class HopelessReplayError(DeadLetterNotOpenError):
    """Raised when a dead letter is to be replayed that a replay cannot mend."""

    def __init__(self, letter_id: UUID, reason: str) -> None:
        super().__init__(
            f"letter {letter_id} is not replayed, as that cannot succeed: {REASONS[reason]} "
            "(--force puts it back all the same)"
        )


async def find_hopeless(
    database: Database | Connection, letter_ids: Collection[UUID], *, names_cause: bool = False
) -> dict[UUID, str]:
    """Return which of some letters a replay cannot mend, and why: a key of ``REASONS``.

    Args:
        database: the index.
        letter_ids: of the letters.
        names_cause: whether their cause was asked for by name, so that it is no reason.

    Raises:
        DatabaseUnavailableError: try again later.
    """
    causes = [] if names_cause else list(_REFUSED_AGAIN)
    rows = await database.fetch(_QUERIES.find_hopeless, list(letter_ids), causes, None)
    return {row["letter_id"]: row["reason"] for row in rows}


async def count_hopeless(
    database: Database, plan_id: UUID, *, names_cause: bool
) -> dict[tuple[str, str], dict[str, int]]:
    """Return how many letters of a plan's set are hopeless by why, by their service and code."""
    causes = [] if names_cause else list(_REFUSED_AGAIN)
    found: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in await database.fetch(_QUERIES.find_hopeless, [], causes, plan_id):
        found[row["service"], row["error_code"]][row["reason"]] = row["letters"]
    return found
