"""Checks what a plan or a rehearsal sets for its messages alone, and keeps it for the sender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from control.domain import BadRequestError
from control.queries import load_control_queries
from database.pool import Database
from prompts.notes import PROMPTS

_QUERIES: Final = load_control_queries("plans.sql")

MOST_KEPT: Final = 1_000
"""Plans whose overrides are kept in memory; they never change."""


def validate_overrides(
    overrides: ReplayOverrides, now: datetime, plan_id: UUID | None = None
) -> ReplayOverrides:
    """Validate a replay's overrides; return them with the time and the plan that control sets.

    Whether a model is configured only its stage knows, which sets the message aside if it is not.

    Args:
        overrides: as they were asked for.
        now: since when answers count that are kept, if models are to be asked anew.
        plan_id: of the plan that sets them; None of a rehearsal, which has a budget of its own.

    Raises:
        BadRequestError: there is no such version of the prompt, or they have what control sets.
    """
    version = overrides.prompt_version
    if version is not None and version not in PROMPTS:
        raise BadRequestError(
            f"overrides.prompt_version: there is no {version[:64]!r}; there are "
            f"{', '.join(PROMPTS)}"
        )
    if overrides.fresh_since is not None:
        raise BadRequestError("overrides.fresh_since: control sets it; ask for `fresh`")
    if overrides.plan_id is not None:
        raise BadRequestError("overrides.plan_id: control sets it; ask for a `budget_usd`")
    if overrides.budget_usd is not None and plan_id is None:
        raise BadRequestError("overrides.budget_usd: a rehearsal has a `budget_usd` of its own")
    stamped: dict[str, object] = {"fresh_since": now} if overrides.fresh else {}
    if overrides.budget_usd is not None:
        stamped["plan_id"] = plan_id
    return overrides.model_copy(update=stamped) if stamped else overrides


class PlanOverridesCache:
    """Cache of the overrides that replay plans set for their messages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, ReplayOverrides] = {}

    async def find(self, plan_ids: Iterable[UUID | None]) -> Mapping[UUID | None, ReplayOverrides]:
        """Return the overrides of plans; none for letters that no plan sends.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        wanted = {one for one in plan_ids if one is not None}
        if missing := wanted - self._known.keys():
            if len(self._known) > MOST_KEPT:
                self._known.clear()
                missing = wanted
            for row in await self._database.fetch(_QUERIES.select_overrides, [*missing]):
                self._known[row["plan_id"]] = ReplayOverrides.model_validate_json(row["overrides"])
        return {None: NO_OVERRIDES} | {one: self._known.get(one, NO_OVERRIDES) for one in wanted}
