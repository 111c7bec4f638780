"""Dead letters that a replay cannot mend as things are, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.errors import ErrorCode, OnrecordError
from control.domain import DeadLetterNotOpenError
from control.queries import load_control_queries
from database.pool import Connection, Database

_QUERIES: Final = load_control_queries("hopeless.sql")

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
    "study_budget_spent": "a model would be asked, and its study's budget is spent: "
    "`onrecord budgets set` raises it",
    "study_day_budget_spent": "a model would be asked, and its study's budget of the day is spent: "
    "`onrecord study edit STUDY --daily-budget` raises it",
    "day_budget_spent": "a model would be asked, and the budget of the day is spent: "
    "`onrecord budgets set-day` raises it",
}
"""Why a replay is hopeless, in words."""

SPENT: Final = ("study_budget_spent", "study_day_budget_spent", "day_budget_spent")
"""Reasons that pass by themselves or with money: plans stop at them, and do not go on behind."""

_OF_A_DAY: Final = ("study_day_budget_spent", "day_budget_spent")


def explain_hopeless_replay(reason: str, now: datetime | None = None) -> str:
    """Return a sentence that says why a replay cannot succeed and, if known, when it can again.

    Args:
        reason: a key of ``REASONS``.
        now: the time; the clock's if None.
    """
    if reason not in _OF_A_DAY:
        return REASONS[reason]
    tomorrow = (now or datetime.now(UTC)).astimezone(UTC).date() + timedelta(days=1)
    return f"{REASONS[reason]}, and a new day begins at {tomorrow}T00:00Z"


class HopelessReplayError(DeadLetterNotOpenError):
    """Raised when a dead letter is to be replayed although that cannot succeed."""

    def __init__(self, letter_id: UUID, reason: str) -> None:
        super().__init__(
            f"letter {letter_id} is not replayed, as that cannot succeed: "
            f"{explain_hopeless_replay(reason)} (--force puts it back all the same)"
        )


class BudgetSpentError(OnrecordError):
    """Raised when a replay plan's next letters would call models, but the budget is spent."""


def require_unspent_budget(hopeless: Mapping[UUID, str]) -> None:
    """Raise ``BudgetSpentError`` if a budget is spent that a plan's next letters need.

    Args:
        hopeless: the plan's next letters that are, and why.

    Raises:
        BudgetSpentError: some are for that.
    """
    spent = Counter(reason for reason in hopeless.values() if reason in SPENT)
    if spent:
        reason, letters = spent.most_common(1)[0]
        raise BudgetSpentError(
            f"of {letters:,} of the next letters, {explain_hopeless_replay(reason)}; "
            "resume it then, or make a plan of other letters"
        )


async def find_hopeless_letters(
    database: Database | Connection, letter_ids: Collection[UUID], *, names_cause: bool = False
) -> dict[UUID, str]:
    """Find dead letters whose replay cannot succeed; return the reason (``REASONS``) by id.

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


async def count_hopeless_letters(
    database: Database, plan_id: UUID, *, names_cause: bool
) -> dict[tuple[str, str], dict[str, int]]:
    """Count a plan's letters whose replay cannot succeed, by service, error code and reason."""
    causes = [] if names_cause else list(_REFUSED_AGAIN)
    found: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in await database.fetch(_QUERIES.find_hopeless, [], causes, plan_id):
        found[row["service"], row["error_code"]][row["reason"]] = row["letters"]
    return found
