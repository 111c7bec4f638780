"""Reads from the ledger what calls of language models cost, and sets their budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from database.pool import Database, Record
from database.queries import load_queries

BudgetScope: TypeAlias = Literal["day", "study", "study_day"]

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "spending.sql")


@dataclass(frozen=True, slots=True)
class CallGroupCost:
    """Total cost and tokens of a group of model calls.

    Attributes:
        calls: how many there are.
        answered: those that gave an answer.
        failed: those that did not.
        under_way: those that have not ended.
        lost: those whose process was killed before they ended.
        unpriced: those that nobody knows the price of.
        input_tokens: of prompts, cached ones included.
        cached_tokens: those the provider had in its own cache.
        output_tokens: of answers.
        cost_usd: what those cost whose price is known, in US dollars.
        estimated_usd: the part of it that is estimated, as the endpoint gave no tokens.
        lost_usd: the most that lost calls can have cost; not part of ``cost_usd``.
    """

    calls: int = 0
    answered: int = 0
    failed: int = 0
    under_way: int = 0
    lost: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    estimated_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)

    def __add__(self, other: CallGroupCost) -> CallGroupCost:
        names = [one.name for one in fields(self)]
        return CallGroupCost(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def known_usd(self) -> Decimal | None:
        """What is known of their cost; None if it is not known of any that has ended."""
        return _known(self.cost_usd, self.unpriced)

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs; a cost of which nothing is known is null."""
        values = {one.name: _number(getattr(self, one.name)) for one in fields(self)}
        return {**values, "cost_usd": _number(self.known_usd)}


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Status of a study's or a day's budget in US dollars: limit, spent and reserved.

    Attributes:
        scope: ``study``; ``day``, of all studies together; ``study_day``: the study's of today.
        name: the study's id, or the day (UTC); ``*`` for the day that studies share which
            registered themselves.
        limit_usd: the most that calls may cost; None: anything.
        set_by: who said so: ``command``, ``registration`` (of the study), ``settings`` (of the
            services), None: nobody.
        spent_usd: what calls cost that have ended.
        reserved_usd: the most that calls may cost that have not.
        lost_usd: the part of that which stays reserved, as the calls' process was killed.
        unpriced: calls that have ended, and that nobody knows the price of.
    """

    scope: BudgetScope
    name: str
    limit_usd: Decimal | None
    set_by: str | None
    spent_usd: Decimal
    reserved_usd: Decimal
    lost_usd: Decimal
    unpriced: int = 0

    @property
    def known_usd(self) -> Decimal | None:
        """What is known of what is spent; None if nothing is."""
        return _known(self.spent_usd, self.unpriced)

    @property
    def left_usd(self) -> Decimal | None:
        """What may still be reserved; None: anything."""
        if self.limit_usd is None:
            return None
        return max(Decimal(0), self.limit_usd - self.spent_usd - self.reserved_usd)

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        values = {one.name: _number(getattr(self, one.name)) for one in fields(self)}
        known = {"spent_usd": _number(self.known_usd), "left_usd": _number(self.left_usd)}
        return {**values, **known}


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """Limit of a study's or of each day's budget in US dollars.

    Attributes:
        limit_usd: the most that calls may cost; None: anything.
        set_by: who said so: ``command``, ``settings`` (of the services), None: nobody.
    """

    limit_usd: Decimal | None
    set_by: str | None


class SpendQueries:
    """Queries on the costs of model calls, and on spending budgets, in PostgreSQL.

    Args:
        database: where the ledger is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def costs(self, by: str, since: timedelta | None) -> Mapping[str, CallGroupCost]:
        """What calls came to.

        Args:
            by: ``study``, ``model``, ``purpose`` or ``day``.
            since: how far back calls count; None: all.
        """
        rows = await self._database.fetch(_QUERIES.select_costs, by, since)
        return {row["name"]: CallGroupCost(**_without_name(row)) for row in rows}

    async def budgets(
        self, *, limit: int, after: tuple[BudgetScope, str] | None = None
    ) -> Sequence[BudgetStatus]:
        """Today's budget, then those of all studies that have one or have spent something.

        Behind them come the studies' budgets of today, which refuse calls first: of those that have
        a registered one or have spent something today.

        Args:
            limit: at most so many.
            after: scope and name of the budget behind which they begin.
        """
        rows = await self._database.fetch(_QUERIES.select_budgets, *(after or (None, None)), limit)
        return [BudgetStatus(**row) for row in rows]

    async def budget_limit(self, scope: str, name: str) -> BudgetLimit:
        """The limit that holds; arguments as for ``limit``."""
        row = await self._database.fetchrow(_QUERIES.select_budget_limit, scope, name)
        return _limit(row)

    async def limit(
        self,
        scope: str,
        name: str,
        usd: Decimal | None,
        require: Callable[[BudgetLimit], None] = lambda _: None,
    ) -> BudgetLimit:
        """Set a limit, and return it.

        Args:
            scope: ``study`` or ``day``.
            name: the study's id; empty for the limit of each day.
            usd: the most that calls may cost; None: anything.
            require: is given the limit until now, which nobody changes meanwhile; if it raises,
                that one stays.
        """
        return await self._change(scope, name, require, _QUERIES.set_budget, usd)

    async def unlimit(
        self, scope: str, name: str, require: Callable[[BudgetLimit], None] = lambda _: None
    ) -> BudgetLimit:
        """Reset the limit to the services' settings; otherwise as ``limit``."""
        return await self._change(scope, name, require, _QUERIES.forget_budget)

    async def _change(
        self,
        scope: str,
        name: str,
        require: Callable[[BudgetLimit], None],
        change: str,
        *values: Decimal | None,
    ) -> BudgetLimit:
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.lock_budget, scope, name)
            require(_limit(await connection.fetchrow(_QUERIES.select_budget_limit, scope, name)))
            await connection.execute(change, scope, name, *values)
            return _limit(await connection.fetchrow(_QUERIES.select_budget_limit, scope, name))

    async def knows(self, study_id: str) -> bool:
        """Return whether there is anything of a study yet."""
        return bool(await self._database.fetchval(_QUERIES.study_is_known, study_id))


def sum_call_costs(costs: Mapping[str, CallGroupCost]) -> CallGroupCost:
    """Sum the costs and tokens of several groups of model calls."""
    return reduce(CallGroupCost.__add__, costs.values(), CallGroupCost())


def _limit(row: Record | None) -> BudgetLimit:
    return BudgetLimit(None, None) if row is None else BudgetLimit(**row)


def _known(usd: Decimal, unpriced: int) -> Decimal | None:
    return None if unpriced and not usd else usd


def _without_name(row: Record) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "name"}


def _number(value: Any) -> Any:
    """Dollars as a number, which programs can add up."""
    return float(value) if isinstance(value, Decimal) else value
