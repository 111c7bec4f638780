"""Writes calls into the ledger's tables, each however often it is tried just once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from contracts.notes import Usage
from database.errors import DatabaseUnavailableError
from database.lazy import LazyDatabase
from database.pool import Database
from database.queries import load_queries
from database.text import without_nul
from model_client.budgets import BudgetSettings, Refusal
from model_client.questions import Account

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "ledger.sql")

LONGEST_TEXT: Final = 200
"""Characters kept of what an endpoint says of itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is about to be made.

    Attributes:
        account: who pays, and what for.
        prompt_version: names the prompt.
        endpoint: where the model is.
        model: its name there.
        worst_usd: the most it can cost, in US dollars; None if nobody knows its price.
    """

    account: Account
    prompt_version: str
    endpoint: str
    model: str
    worst_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    Attributes:
        code: ``answered``, ``cancelled``, or the code of the error it ended with.
        model: the model, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint.
        usage: tokens used.
        cost_usd: what they cost, in US dollars; None if nobody knows.
        estimated: whether the endpoint did not tell the tokens.
        latency_s: seconds until it ended.
        first_token_s: seconds until the answer began; None if it did not.
    """

    code: str
    model: str = ""
    fingerprint: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    estimated: bool = False
    latency_s: float = 0.0
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most a call can cost, set aside for it.

    Attributes:
        call: what for.
        started_at: when; its UTC day is the one whose budget it counts on.
        call_id: names the row of the ledger.
    """

    call: Call
    started_at: datetime
    call_id: UUID = field(default_factory=uuid4)

    @property
    def day(self) -> date:
        """The UTC day whose budget it counts on."""
        return self.started_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the budgets say to a call.

    Attributes:
        refusals: budgets that do not allow it; empty: it is reserved.
        anybody_has_a_limit: whether some limit was set by command, for whomever.
    """

    refusals: Sequence[Refusal]
    anybody_has_a_limit: bool


class LedgerStore:
    """The ledger's tables.

    All methods raise as ``Database`` does. Trying one again after an error changes nothing that
    was done already.

    Args:
        lazy: the database.
        budgets: limits where none was set by command.
    """

    def __init__(self, lazy: LazyDatabase, budgets: BudgetSettings) -> None:
        self._lazy = lazy
        self._budgets = budgets

    async def tell_settings(self) -> None:
        """Write down the limits by settings, for ``onrecord budgets`` to show."""
        async with self._database() as database:
            await database.execute(
                _QUERIES.tell_settings, self._budgets.per_study_usd, self._budgets.per_day_usd
            )

    async def reserve(self, reservation: Reservation) -> Ruling:
        """Set aside the most a call can cost, if the budgets allow it."""
        async with self._database() as database:
            rows = await database.fetch(
                _QUERIES.reserve_call,
                reservation.call_id,
                *_texts(reservation.call),
                reservation.day,
                reservation.started_at,
                reservation.call.worst_usd,
                self._budgets.per_study_usd,
                self._budgets.per_day_usd,
            )
        fields = Refusal.__dataclass_fields__
        refusals = [Refusal(**{name: row[name] for name in fields}) for row in rows if row["scope"]]
        return Ruling(refusals, anybody_has_a_limit=rows[0]["anybody_has_a_limit"])

    async def settle(self, reservation: Reservation, outcome: Outcome, at: datetime) -> None:
        """Book what a call came to, also one that could not be reserved.

        Args:
            reservation: the call's.
            outcome: what it came to.
            at: when.
        """
        result = _result(reservation, outcome, at)
        async with self._database() as database:
            if await database.fetchrow(_QUERIES.settle_call, *result) is None:
                await database.execute(
                    _QUERIES.record_call,
                    *result,
                    *_texts(reservation.call),
                    reservation.day,
                    reservation.started_at,
                    reservation.call.worst_usd,
                )

    async def withdraw(self, reservation: Reservation) -> None:
        """Take back a call that was not made."""
        async with self._database() as database:
            await database.execute(_QUERIES.withdraw_call, reservation.call_id)

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Database]:
        database = await self._lazy.database()
        try:
            yield database
        except DatabaseUnavailableError as error:
            self._lazy.failed(str(error))
            raise


def _texts(call: Call) -> tuple[str, ...]:
    account = call.account
    return (
        account.study_id,
        account.subject,
        account.purpose,
        call.prompt_version,
        _without_login(call.endpoint),
        call.model,
    )


def _result(reservation: Reservation, outcome: Outcome, at: datetime) -> tuple[Any, ...]:
    return (
        reservation.call_id,
        at,
        outcome.code,
        _storable(outcome.model),
        _storable(outcome.fingerprint),
        outcome.usage.input_tokens,
        outcome.usage.cached_tokens,
        outcome.usage.output_tokens,
        outcome.cost_usd,
        outcome.estimated,
        outcome.latency_s,
        outcome.first_token_s,
    )


def _without_login(url: str) -> str:
    """An endpoint without a password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _storable(told: str) -> str:
    """What an endpoint says of itself, without what PostgreSQL cannot hold."""
    clean: str = without_nul(told[:LONGEST_TEXT])
    return clean.encode(errors="replace").decode()
