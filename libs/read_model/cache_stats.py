"""Statistics of cached model responses, and their deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from database.pool import Database
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "cache_stats.sql")


@dataclass(frozen=True, slots=True)
class ModelCacheStats:
    """Statistics of one model's cached responses: number, size, uses and saved cost.

    Attributes:
        name: the model, as its endpoint names it.
        answers: how many there are.
        bytes: what they take, about.
        hits: how often one was given in place of a call.
        saved_tokens: tokens of those calls.
        saved_usd: their price in US dollars, where known.
    """

    name: str
    answers: int = 0
    bytes: int = 0
    hits: int = 0
    saved_tokens: int = 0
    saved_usd: Decimal = Decimal(0)

    @property
    def hit_rate(self) -> float | None:
        """Hits among all questions that these answers were for, each of which was asked once."""
        questions = self.hits + self.answers
        return self.hits / questions if questions else None

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "saved_usd": float(self.saved_usd), "hit_rate": self.hit_rate}


@dataclass(frozen=True, slots=True)
class CacheFilter:
    """Filter of cached model responses; a field that is None matches all.

    Attributes:
        model: of this model, as its endpoint names it.
        prompt_version: of this version of the prompt.
        older_than: made longer ago than this.
    """

    model: str | None = None
    prompt_version: str | None = None
    older_than: timedelta | None = None


class CacheQueries:
    """Queries on cached model responses in PostgreSQL: statistics by model, and deletion.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_model(self) -> Sequence[ModelCacheStats]:
        """What is kept, by model."""
        return [
            ModelCacheStats(**row)
            for row in await self._database.fetch(_QUERIES.select_kept_answers)
        ]

    async def count(self, which: CacheFilter) -> int:
        """How many answers there are."""
        return await self._number(_QUERIES.count_matching_answers, which)

    async def delete(self, which: CacheFilter) -> int:
        """Delete answers; returns how many."""
        return await self._number(_QUERIES.delete_matching_answers, which)

    async def _number(self, query: str, which: CacheFilter) -> int:
        values = which.model, which.prompt_version, which.older_than
        return int(await self._database.fetchval(query, *values))


def sum_cache_stats(kept: Sequence[ModelCacheStats]) -> ModelCacheStats:
    """Sum the response cache statistics of several models."""
    names = [one.name for one in fields(ModelCacheStats) if one.name != "name"]
    sums = {name: sum(getattr(one, name) for one in kept) for name in names}
    return ModelCacheStats("all", **{**sums, "saved_usd": Decimal(sums["saved_usd"])})
