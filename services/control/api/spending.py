"""Endpoints of what calls of language models cost, and of what they may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contracts.control_api import ColumnText
from contracts.pages import PageRequest
from control.access.rights import Caller
from control.api.authorization import Operator
from control.api.context import ApiContext, Context
from control.api.etags import compute_etag, require_matching_etag, respond_with_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, split_page
from control.api.studies import StudyPath
from read_model.spending import (
    BudgetLimit,
    BudgetScope,
    BudgetStatus,
    CallGroupCost,
    SpendQueries,
    sum_call_costs,
)

MAX_BUDGET_USD: Final = 1_000_000_000
"""The largest budget, in US dollars."""

MAX_SPAN_S: Final = 100 * 366 * 24 * 3_600
"""The longest time that is looked back, in seconds."""

router: Final = APIRouter(tags=["spending"])

_CURSORS: Final = ListCursors("budgets", TypeAdapter(tuple[BudgetScope, ColumnText]))

_LIMIT: Final = TypeAdapter(BudgetLimit)


@dataclass(frozen=True, slots=True)
class CostRow:
    """Cost and tokens of the model calls of one study, model, purpose or day."""

    name: str
    cost: CallGroupCost


@dataclass(frozen=True, slots=True)
class CostReport:
    """Report of the costs of model calls, in US dollars.

    Attributes:
        rows: by study, model, purpose or day, as asked for.
        total: of all rows.
    """

    rows: tuple[CostRow, ...]
    total: CallGroupCost


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """Page of the budgets: today's, then studies', then studies' of today.

    Attributes:
        budgets: limits, with what is spent and reserved.
        next: ``cursor`` of the next page; None if there is none.
    """

    budgets: tuple[BudgetStatus, ...]
    next: str | None


class ReadCostsRequest(BaseModel):
    """Parameters of the request to read the costs of model calls."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["study", "model", "purpose", "day"] = Field(
        "study", description="A row for each of these; days are of UTC."
    )
    within_s: int | None = Field(
        None, ge=0, le=MAX_SPAN_S, description="Only calls of the last so many seconds."
    )


class SetBudgetRequest(BaseModel):
    """Request to set a spending limit in US dollars."""

    model_config = ConfigDict(extra="forbid")

    limit_usd: Decimal | None = Field(
        ge=0,
        le=MAX_BUDGET_USD,
        allow_inf_nan=False,
        description="The most that calls may cost, in US dollars; null: anything.",
    )


@dataclass(frozen=True, slots=True)
class ChangedBudget:
    """Response body: a study's or the daily budget, after a request changed it.

    Attributes:
        limit_usd: the most that calls may cost; None: anything.
        set_by: who said so: ``command``, ``settings`` (of the services), None: nobody.
        is_study_known: whether there is an interview or a call of the study yet.
    """

    limit_usd: Decimal | None
    set_by: str | None
    is_study_known: bool


@router.get("/costs")
async def read_costs(
    which: Annotated[ReadCostsRequest, Query()], context: Context, caller: Operator
) -> CostReport:
    """Return the costs of model calls, by study, model, purpose or day."""
    del caller
    since = None if which.within_s is None else timedelta(seconds=which.within_s)
    costs = await SpendQueries(context.database).costs(which.by, since)
    rows = tuple(CostRow(name, cost) for name, cost in costs.items())
    return CostReport(rows, sum_call_costs(costs))


@router.get("/budgets")
async def list_budgets(
    which: Annotated[PageRequest, Query()], context: Context, caller: Operator
) -> BudgetPage:
    """List the budgets for today and for studies, with the dollars spent and reserved."""
    del caller
    found = await SpendQueries(context.database).budgets(
        limit=which.limit + 1, after=_CURSORS.decode(which)
    )
    page, last = split_page(found, which.limit, lambda one: (one.scope, one.name))
    return BudgetPage(page, _CURSORS.encode(last, which))


@router.get("/budgets/day", responses=build_error_responses(304), response_model=BudgetLimit)
async def read_daily_budget(request: Request, context: Context, caller: Operator) -> Response:
    """Return the spending limit of each day (UTC) for all studies together, with its `ETag`."""
    del caller
    return await _read(request, context, "day", "")


@router.put("/budgets/day", responses=build_error_responses(412))
async def set_daily_budget(
    wanted: JsonBody[SetBudgetRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: Operator,
) -> ChangedBudget:
    """Set the spending limit of each day (UTC) for all studies together.

    `If-Match` refuses the change if the limit was changed meanwhile.
    """
    return await _change(request, response, context, caller, ("day", ""), wanted)


@router.delete(
    "/budgets/day", responses=build_error_responses(412), openapi_extra={"x-changes": True}
)
async def reset_daily_budget(
    request: Request, response: Response, context: Context, caller: Operator
) -> ChangedBudget:
    """Reset the spending limit of each day to the services' settings."""
    return await _change(request, response, context, caller, ("day", ""), None)


@router.get(
    "/budgets/studies/{study_id}", responses=build_error_responses(304), response_model=BudgetLimit
)
async def read_study_budget(
    study_id: StudyPath, request: Request, context: Context, caller: Operator
) -> Response:
    """Return the spending limit of a study, with its `ETag`."""
    del caller
    return await _read(request, context, "study", study_id)


@router.put("/budgets/studies/{study_id}", responses=build_error_responses(412))
async def set_study_budget(  # noqa: PLR0913, PLR0917 - FastAPI's dependencies
    study_id: StudyPath,
    wanted: JsonBody[SetBudgetRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: Operator,
) -> ChangedBudget:
    """Set the spending limit of a study.

    `If-Match` refuses the change if the limit was changed meanwhile.
    """
    return await _change(request, response, context, caller, ("study", study_id), wanted)


@router.delete(
    "/budgets/studies/{study_id}",
    responses=build_error_responses(412),
    openapi_extra={"x-changes": True},
)
async def reset_study_budget(
    study_id: StudyPath, request: Request, response: Response, context: Context, caller: Operator
) -> ChangedBudget:
    """Reset the spending limit of a study to the services' settings."""
    return await _change(request, response, context, caller, ("study", study_id), None)


async def _read(request: Request, context: ApiContext, scope: str, name: str) -> Response:
    limit = await SpendQueries(context.database).budget_limit(scope, name)
    return respond_with_etag(request, _LIMIT, limit)


async def _change(  # noqa: PLR0913, PLR0917 - what an endpoint has
    request: Request,
    response: Response,
    context: ApiContext,
    caller: Caller,
    which: tuple[str, str],
    wanted: SetBudgetRequest | None,
) -> ChangedBudget:
    """Set a budget, or reset it if nothing is wanted; the response has its new entity tag."""
    scope, name = which
    spending = SpendQueries(context.database)
    require = partial(require_matching_etag, request, _LIMIT)
    require(await spending.budget_limit(scope, name))
    usd = "default" if wanted is None else "none" if wanted.limit_usd is None else wanted.limit_usd
    target = f"{name or 'each day'}: {usd}"
    await context.trail.record(caller, "budget.set", target, name or None)
    is_known = scope != "study" or await spending.knows(name)
    if wanted is None:
        limit = await spending.unlimit(scope, name, require)
    else:
        limit = await spending.limit(scope, name, wanted.limit_usd, require)
    response.headers["ETag"] = compute_etag(_LIMIT.dump_json(limit))
    return ChangedBudget(limit.limit_usd, limit.set_by, is_known)
