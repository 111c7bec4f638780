"""Backgrounds of causes: what their letters' calls cost, and what changed before they began."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from contracts.letter_causes import CauseBackground, ChangeBeforeCause, LetterCause
from control.queries import load_control_queries
from database.pool import Database, Record

_QUERIES: Final = load_control_queries("cause_backgrounds.sql", "service_starts.sql")

MOST_LETTERS_COUNTED: Final = 100_000
"""Latest letters of a cause whose calls are added up."""

WINDOW: Final = timedelta(hours=1)
"""How long before a cause's first letter changes are looked for."""

BEFORE: Final = timedelta(days=1)
"""In how long before that something has to be unused to be new."""

MOST_CHANGES: Final = 20
"""Changes of each kind of record that are listed."""


class CauseBackgroundReader:
    """Reader of the backgrounds of dead letter causes in PostgreSQL: costs and earlier changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, cause: LetterCause) -> CauseBackground:
        """Return what a cause's letters cost, and what changed before the first of them."""
        fetch, began = self._database.fetch, cause.first_failed_at
        spend = await self._database.fetchrow(
            _QUERIES.sum_spend_of_cause, cause.cause_id, MOST_LETTERS_COUNTED
        )
        assert spend is not None
        changes = [
            *await fetch(_QUERIES.select_first_uses, began, WINDOW, BEFORE, MOST_CHANGES),
            *await fetch(
                _QUERIES.select_study_changes, began, WINDOW, MOST_CHANGES, cause.cause_id
            ),
            *await fetch(_QUERIES.select_budget_changes, began, WINDOW, MOST_CHANGES),
        ]
        deploys = await fetch(_QUERIES.select_deploys, began, WINDOW, MOST_CHANGES)
        found = [ChangeBeforeCause(**row) for row in changes]
        found += [build_deploy_change(row) for row in deploys]
        return CauseBackground(
            cause_id=cause.cause_id,
            **spend,
            began_at=began,
            window_s=WINDOW.total_seconds(),
            changes=tuple(sorted(found, key=lambda one: one.at, reverse=True)),
        )


def build_deploy_change(start: Record) -> ChangeBeforeCause:
    """Build the change event for a service's start with another build than before."""
    build = _describe_build(start["version"], start["digest"], start["commit"])
    earlier = _describe_build(
        start["earlier_version"], start["earlier_digest"], start["earlier_commit"]
    )
    value = f"{start['service']} {build} on {start['host']}, until then {earlier}"
    return ChangeBeforeCause(at=start["started_at"], kind="deploy", value=value)


def _describe_build(version: str, digest: str, commit: str) -> str:
    source = f"commit {commit}, build {digest}" if commit else f"build {digest}"
    return f"{version} ({source})"
