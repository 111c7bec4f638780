"""What operators read and set through control's API: costs, budgets and cached responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from onrecord.control_client import ControlClient
from read_model.cache_stats import CacheFilter, ModelCacheStats
from read_model.spending import BudgetStatus, CallGroupCost

MAX_SPAN_S: Final = 100 * 366 * 24 * 3_600
"""The longest time that control looks back, in seconds: longer than anything is kept."""


@dataclass(frozen=True, slots=True)
class _CostRow:
    name: str
    cost: CallGroupCost


@dataclass(frozen=True, slots=True)
class _Costs:
    rows: list[_CostRow]


@dataclass(frozen=True)
class _BudgetPage:
    budgets: list[BudgetStatus]
    next: str | None


@dataclass(frozen=True, slots=True)
class _ChangedBudget:
    is_study_known: bool


@dataclass(frozen=True, slots=True)
class _CachedCount:
    answers: int


class SpendingClient:
    """Client of the control service's HTTP API for costs, budgets and cached model responses.

    Methods raise as those of ``ControlClient``.

    Args:
        control: an open client.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def costs(self, by: str, since: timedelta | None) -> Mapping[str, CallGroupCost]:
        """Return what calls cost.

        Args:
            by: ``study``, ``model``, ``purpose`` or ``day``.
            since: how far back calls count; None: all.
        """
        params = {"by": by, "within_s": _seconds(since)}
        found = await self._control.get("/v1/costs", _Costs, params)
        return {row.name: row.cost for row in found.rows}

    async def budgets(self) -> list[BudgetStatus]:
        """Return today's budget, then those of studies."""
        pages = self._control.pages("/v1/budgets", _BudgetPage)
        return [one async for page in pages for one in page.budgets]

    async def set_budget(self, study_id: str | None, usd: Decimal | None) -> bool:
        """Set a study's budget, or each day's; return whether the study is known.

        Args:
            study_id: the study; None: each day's.
            usd: the most that calls may cost; None: anything.
        """
        body = {"limit_usd": None if usd is None else str(usd)}
        path = _budget_path(study_id)
        return (await self._control.send("PUT", path, _ChangedBudget, json=body)).is_study_known

    async def reset_budget(self, study_id: str | None) -> bool:
        """Reset a budget to what the services' settings say; otherwise as ``set_budget``."""
        path = _budget_path(study_id)
        return (await self._control.send("DELETE", path, _ChangedBudget)).is_study_known

    async def cache_statistics(self) -> list[ModelCacheStats]:
        """Return how many responses of each model are cached, and what they saved."""
        return await self._control.get("/v1/cache", list[ModelCacheStats])

    async def count_cached(self, which: CacheFilter) -> int:
        """Return how many cached responses match."""
        return (await self._control.get("/v1/cache/count", _CachedCount, _params(which))).answers

    async def clear_cache(self, which: CacheFilter) -> int:
        """Delete cached responses that match; return how many."""
        params = _params(which)
        return (
            await self._control.send("DELETE", "/v1/cache", _CachedCount, params=params)
        ).answers


def _budget_path(study_id: str | None) -> str:
    return "/v1/budgets/day" if study_id is None else f"/v1/budgets/studies/{quote(study_id, '')}"


def _params(which: CacheFilter) -> dict[str, Any]:
    every = {
        "model": which.model,
        "prompt_version": which.prompt_version,
        "older_than_s": _seconds(which.older_than),
    }
    return {name: value for name, value in every.items() if value is not None}


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else min(MAX_SPAN_S, int(span.total_seconds()))
