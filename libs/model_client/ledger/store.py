"""Writes calls into the ledger's tables, each however often it is tried just once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from contracts.notes import Usage
from database.group_commit import GroupCommit
from database.lazy import LazyDatabase
from database.pool import Record
from database.queries import load_queries, transpose_rows
from database.text import replace_nul
from model_client.ledger.budgets import BudgetSettings, Refusal
from model_client.requests import Account

_QUERIES: Final = load_queries(Path(__file__).parent / "ledger.sql")

LINGER_S: Final = 0.05
"""How long what a call came to waits for others to be booked with, in seconds: nobody waits for
it, but a call whose process is killed meanwhile is shown as lost."""

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


@dataclass(frozen=True, slots=True)
class _Settlement:
    """What a call came to, and when that was known."""

    reservation: Reservation
    outcome: Outcome
    at: datetime


class LedgerStore:
    """The ledger's tables.

    All methods raise as ``Database`` does. Trying one again after an error changes nothing that
    was done already. Calls of one study and day go to the server in groups; those of another do
    not wait for them, as the study's sums may be locked by another process.

    Args:
        lazy: the database.
        budgets: limits where none was set by command.
    """

    def __init__(self, lazy: LazyDatabase, budgets: BudgetSettings) -> None:
        self._lazy = lazy
        self._budgets = budgets
        self._reserving: GroupCommit[Reservation, Ruling] = GroupCommit(
            self._reserve_all, key=_reserved_together
        )
        self._settling: GroupCommit[_Settlement, None] = GroupCommit(
            self._settle_all, key=lambda one: _account(one.reservation), linger_s=LINGER_S
        )

    async def tell_settings(self) -> None:
        """Write down the limits by settings, for ``onrecord budgets`` to show."""
        async with self._lazy.use() as database:
            await database.execute(
                _QUERIES.tell_settings, self._budgets.per_study_usd, self._budgets.per_day_usd
            )

    async def reserve(self, reservation: Reservation) -> Ruling:
        """Set aside the most a call can cost, if the budgets allow it."""
        return await self._reserving.submit(reservation)

    async def settle(self, reservation: Reservation, outcome: Outcome, at: datetime) -> None:
        """Book what a call came to, also one that could not be reserved.

        Args:
            reservation: the call's.
            outcome: what it came to.
            at: when.
        """
        await self._settling.submit(_Settlement(reservation, outcome, at))

    def hurry(self) -> None:
        """Book at once what waits for others to be booked with."""
        self._settling.flush()

    async def withdraw(self, reservation: Reservation) -> None:
        """Take back a call that was not made."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.withdraw_call, reservation.call_id)

    async def _reserve_all(self, group: Sequence[Reservation]) -> Sequence[Ruling]:
        """Reserve the sum of a group; where that is refused, one after another in their order."""
        rows = [
            (one.call_id, *_texts(one.call)[1:], one.started_at, one.call.worst_usd)
            for one in group
        ]
        async with self._lazy.use() as database:
            found = await database.fetch(
                _QUERIES.reserve_calls,
                *transpose_rows(8, rows),
                group[0].call.account.study_id,
                group[0].day,
                self._budgets.per_study_usd,
                self._budgets.per_day_usd,
            )
        ruling = _ruling(found)
        if ruling.refusals and len(group) > 1:
            return [(await self._reserve_all([one]))[0] for one in group]
        return [ruling] * len(group)

    async def _settle_all(self, group: Sequence[_Settlement]) -> Sequence[None]:
        results = [_result(one.reservation, one.outcome, one.at) for one in group]
        async with self._lazy.use() as database:
            rows = await database.fetch(_QUERIES.settle_calls, *transpose_rows(12, results))
            settled = {call_id for row in rows for call_id in row["calls"]}
            for one, result in zip(group, results, strict=True):
                if one.reservation.call_id not in settled:
                    await database.execute(
                        _QUERIES.record_call,
                        *result,
                        *_texts(one.reservation.call),
                        one.reservation.day,
                        one.reservation.started_at,
                        one.reservation.call.worst_usd,
                    )
        return [None] * len(group)


def _account(reservation: Reservation) -> tuple[str, date]:
    """Whose sums a call changes."""
    return reservation.call.account.study_id, reservation.day


def _reserved_together(reservation: Reservation) -> tuple[str, date, bool]:
    """With what a call may be reserved: a sum would hide that one of its parts is not known."""
    return *_account(reservation), reservation.call.worst_usd is None


def _ruling(rows: Sequence[Record]) -> Ruling:
    fields = Refusal.__dataclass_fields__
    refusals = [Refusal(**{name: row[name] for name in fields}) for row in rows if row["scope"]]
    return Ruling(refusals, anybody_has_a_limit=rows[0]["anybody_has_a_limit"])


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
    clean: str = replace_nul(told[:LONGEST_TEXT])
    return clean.encode(errors="replace").decode()
