"""Rows of replay plans, and the plans and letters that they stand for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts.replay_options import ReplayOverrides
from contracts.replay_plans import (
    ReplayPlan,
    ReplayPlanFilter,
    ReplayPlanLetter,
    ReplayPlanLetterCounts,
)
from database.pool import Record


def read_plan_row(
    row: Record, counts: dict[str, int], causes: dict[str, int], spent_usd: Decimal
) -> ReplayPlan:
    """Convert a database row of ``replay_plans`` to a replay plan.

    Args:
        row: of the plan.
        counts: letters that were sent, by what became of them.
        causes: letters that failed again, by cause.
        spent_usd: what calls for its messages cost, of a plan with a budget.
    """
    known: dict[str, Any] = {
        name: counts.get(name, 0) for name in ("replaying", "replayed", "resolved", "failed_again")
    }
    sent = sum(known.values())
    position = row["position"]
    overrides = ReplayOverrides.model_validate_json(row["overrides"])
    return ReplayPlan(
        plan_id=row["plan_id"],
        state=row["state"],
        state_reason=row["state_reason"],
        version=row["version"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        which=ReplayPlanFilter.model_validate_json(row["meant"]),
        limit=row["most_letters"],
        force=row["is_forced"],
        letters=row["letters"],
        set_sha256=row["set_sha256"],
        left_out=json.loads(row["left_out"]),
        steps=tuple(row["steps"]),
        step=_find_step(row),
        rate=row["rate"],
        max_failed=row["max_failed"],
        overrides=overrides,
        spent_usd=None if overrides.budget_usd is None else spent_usd,
        step_wait_s=int(row["step_wait"].total_seconds()),
        counts=ReplayPlanLetterCounts(
            **known,
            waiting=row["letters"] - position,
            not_sent=max(position - sent, 0),
        ),
        not_sent=json.loads(row["not_sent"]),
        failed_causes=causes,
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        seconds_left=_estimate(row),
    )


def _find_step(row: Record) -> int:
    if row["started_at"] is None:
        return 0
    return next(
        (step for step, end in enumerate(row["steps"], 1) if row["position"] <= end),
        len(row["steps"]),
    )


def _estimate(row: Record) -> float | None:
    """Seconds until all letters are sent; None if it is not known."""
    left = row["letters"] - row["position"]
    if not left:
        return 0.0
    if row["rate"]:
        return float(round(left / row["rate"], 1))
    if row["started_at"] is None or not row["position"]:
        return None
    elapsed = (datetime.now(UTC) - row["started_at"]).total_seconds()
    return float(round(left * elapsed / row["position"], 1))


def read_plan_letter_row(row: Record) -> ReplayPlanLetter:
    """Convert a database row of a replay plan's set to a letter with its state."""
    fields = dict(row)
    if fields["state"] == "unknown":
        fields["state"] = None
    return ReplayPlanLetter(**fields)
