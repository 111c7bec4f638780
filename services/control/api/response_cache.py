"""Endpoints of cached responses of models: what they saved, and their deletion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.control_api import Asked
from control.api.authorization import Operator
from control.api.context import Context
from control.api.spending import MAX_SPAN_S
from read_model.cache_stats import CacheFilter, CacheQueries, ModelCacheStats

router: Final = APIRouter(prefix="/cache", tags=["spending"])


@dataclass(frozen=True, slots=True)
class CachedResponseCount:
    """Number of cached model responses that match a filter, or that were deleted."""

    answers: int


class CachedResponsesFilter(BaseModel):
    """Filter of cached model responses; a field that is None matches all."""

    model_config = ConfigDict(extra="forbid")

    model: Asked | None = Field(None, description="Only of this model, as its endpoint names it.")
    prompt_version: Asked | None = Field(None, description="Only to this version of the prompt.")
    older_than_s: int | None = Field(
        None, ge=0, le=MAX_SPAN_S, description="Only those made longer ago than so many seconds."
    )

    def build_filter(self) -> CacheFilter:
        """Build the filter of the read model."""
        span = None if self.older_than_s is None else timedelta(seconds=self.older_than_s)
        return CacheFilter(self.model, self.prompt_version, span)


@router.get("")
async def read_cache_statistics(context: Context, caller: Operator) -> list[ModelCacheStats]:
    """Return, for each model, the number of cached responses and the cost that they saved."""
    del caller
    return list(await CacheQueries(context.database).by_model())


@router.get("/count")
async def count_cached_responses(
    which: Annotated[CachedResponsesFilter, Query()], context: Context, caller: Operator
) -> CachedResponseCount:
    """Count the cached model responses that match a filter."""
    del caller
    return CachedResponseCount(await CacheQueries(context.database).count(which.build_filter()))


@router.delete("", openapi_extra={"x-changes": True})
async def clear_cache(
    which: Annotated[CachedResponsesFilter, Query()], context: Context, caller: Operator
) -> CachedResponseCount:
    """Delete cached model responses that match a filter, so that the model is called again."""
    target = which.model_dump_json(exclude_none=True)
    await context.trail.record(caller, "cache.clear", target)
    return CachedResponseCount(await CacheQueries(context.database).delete(which.build_filter()))
