"""Preview of a replay plan: where its letters go, what that may cost, and what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from contracts.call_purposes import DRAFT, JUDGE, REPAIR_SUFFIX
from contracts.notes import Usage
from contracts.replay_options import ReplayOverrides
from contracts.replay_plans import EstimatedRange, ReplayPlan, ReplayPlanPart, ReplayPlanPreview
from contracts.study import StatementPolicy
from contracts.topics import ENRICHMENT, GUARDRAIL, INGESTION, build_retry_topic
from control.letters.hopeless import count_hopeless_letters
from control.queries import load_control_queries
from database.pool import Database, Record
from model_client.ledger.prices import PriceCalculator

_QUERIES: Final = load_control_queries("plans.sql")

PURPOSES: Final = {
    INGESTION: (DRAFT, JUDGE),
    ENRICHMENT: (DRAFT, JUDGE),
    GUARDRAIL: (JUDGE,),
}
"""Purposes of the calls that letters of a service cost, in it and behind it."""


async def preview_plan(database: Database, plan: ReplayPlan) -> ReplayPlanPreview:
    """Preview a replay plan: its letters by service and error code, with their likely cost.

    Args:
        database: where the set, the index and the ledger of calls are.
        plan: the plan.
    """
    names_cause = plan.which.code is not None or plan.which.cause is not None
    hopeless = await count_hopeless_letters(database, plan.plan_id, names_cause=names_cause)
    costs = await _find_costs(database, plan.overrides)
    chunks = await database.fetchval(_QUERIES.select_chunks_of_interviews) or 0
    return ReplayPlanPreview(
        parts=tuple(
            _part(row, costs, hopeless.get((row["service"], row["error_code"]), {}), chunks)
            for row in await database.fetch(_QUERIES.preview, plan.plan_id)
        )
    )


async def _find_costs(
    database: Database, overrides: ReplayOverrides
) -> dict[str, Record | Mapping[str, Any]]:
    """What chunks cost of late, by purpose; drafts of the model that a plan sets, if it does."""
    rows = await database.fetch(_QUERIES.select_chunk_costs, REPAIR_SUFFIX, None)
    costs: dict[str, Record | Mapping[str, Any]] = {row["purpose"]: row for row in rows}
    if overrides.statements is StatementPolicy.QUOTES:
        costs.pop(JUDGE, None)  # no judging model is asked
    model = overrides.model
    if model is None or DRAFT not in costs:
        return costs
    own = await database.fetch(_QUERIES.select_chunk_costs, REPAIR_SUFFIX, model)
    if drafted := [row for row in own if row["purpose"] == DRAFT]:
        costs[DRAFT] = drafted[0]
        return costs
    # It was never asked: what others took, at its price; unknown if there is none.
    others = costs[DRAFT]
    usage = Usage(input_tokens=others["input_high"], output_tokens=others["output_high"])
    usd = PriceCalculator(model).cost(usage)
    costs[DRAFT] = {"calls_high": others["calls_high"], "usd_high": usd}
    return costs


def _part(
    row: Record,
    costs: dict[str, Record | Mapping[str, Any]],
    hopeless: dict[str, int],
    chunks_high: int,
) -> ReplayPlanPart:
    service, subjects = row["service"], row["subjects"]
    known = [costs[name] for name in PURPOSES.get(service, ()) if name in costs]
    if service == INGESTION:
        # An interview that was never read has no chunks yet: as many as 95 in 100 interviews have.
        subjects = row["letters"] * chunks_high
        known = known if chunks_high else []
    # A sum without the price of one model would be too small.
    priced = known if all(one["usd_high"] is not None for one in known) else []
    return ReplayPlanPart(
        service=service,
        error_code=row["error_code"],
        letters=row["letters"],
        topic=build_retry_topic(service, 0).name,
        closed=row["closed"],
        stored=row["stored"],
        withdrawn=row["withdrawn"],
        hopeless=hopeless,
        # A cached answer calls nobody.
        calls=EstimatedRange(
            low=Decimal(0), high=Decimal(subjects * sum(o["calls_high"] for o in known))
        )
        if known
        else None,
        usd=EstimatedRange(
            low=Decimal(0), high=subjects * sum((o["usd_high"] for o in priced), Decimal(0))
        )
        if priced
        else None,
    )
