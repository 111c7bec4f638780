"""Tables of the ledger; each entry is written once, however often it is tried."""

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
from database.group_commit import GroupCommitter
from database.lazy import LazilyConnectedDatabase
from database.pool import Record
from database.queries import load_queries, transpose_rows
from database.text import make_storable_text
from model_client.ledger.budgets import BudgetRefusal, BudgetSettings
from model_client.requests import CostAttribution, PlanBudget

_QUERIES: Final = load_queries(Path(__file__).parent / "ledger.sql")

LINGER_S: Final = 0.05
"""How long a settlement waits for others to share its statement, in seconds: nobody waits for it,
but a call whose process is killed meanwhile is shown as lost."""

LONGEST_TEXT: Final = 200
"""Characters kept of an endpoint's name for itself and of its fingerprint."""


@dataclass(frozen=True, slots=True)
class CallDetails:
    """Details of a model call to be made: study, prompt version, model and worst-case cost.

    Attributes:
        attribution: who pays, and what for.
        prompt_version: names the prompt.
        endpoint: where the model is.
        model: its name there.
        worst_usd: the most it can cost, in US dollars; None if not known.
        plan: budget of the replay plan that has the message sent; None if there is none.
    """

    attribution: CostAttribution
    prompt_version: str
    endpoint: str
    model: str
    worst_usd: Decimal | None
    plan: PlanBudget | None = None

    @property
    def plan_id(self) -> UUID | None:
        """Id of that plan."""
        return None if self.plan is None else self.plan.plan_id


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """Outcome of a model call: success or error, tokens, cost and duration.

    Attributes:
        code: ``answered``, ``cancelled``, or the code of the error it ended with.
        model: the model, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint.
        usage: tokens used.
        cost_usd: what they cost, in US dollars; None if not known.
        estimated: whether the tokens are estimated, as the endpoint did not report them.
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
class BudgetReservation:
    """Reservation of a call's worst-case cost in the budgets of its study and its day.

    Attributes:
        call: what for.
        started_at: when; its UTC day is the one whose budget it counts on.
        call_id: names the row of the ledger.
    """

    call: CallDetails
    started_at: datetime
    call_id: UUID = field(default_factory=uuid4)

    @property
    def day(self) -> date:
        """The UTC day whose budget the call counts on."""
        return self.started_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class ReservationResult:
    """Result of a budget reservation: the budgets that refuse the call, if any.

    Attributes:
        refusals: budgets that do not allow it; empty: it is reserved.
        anybody_has_a_limit: whether some limit was set by command, for whomever.
    """

    refusals: Sequence[BudgetRefusal]
    anybody_has_a_limit: bool


@dataclass(frozen=True, slots=True)
class _Settlement:
    """Outcome of a reserved call, and when it was known."""

    reservation: BudgetReservation
    outcome: CallOutcome
    at: datetime


class LedgerStore:
    """Store of the cost ledger of model calls in PostgreSQL.

    All methods raise as ``Database`` does. Trying one again after an error changes nothing that
    was done already. Calls of one study and day go to the server in groups; those of another do
    not wait for them, as the study's sums may be locked by another process.

    Args:
        lazy: the database.
        budgets: limits where none was set by command.
    """

    def __init__(self, lazy: LazilyConnectedDatabase, budgets: BudgetSettings) -> None:
        self._lazy = lazy
        self._budgets = budgets
        self._reserving: GroupCommitter[BudgetReservation, ReservationResult] = GroupCommitter(
            self._reserve_all, key=_reserved_together
        )
        # Settlements linger, as nobody waits for them; reservations go at once, as a call does.
        self._settling: GroupCommitter[_Settlement, None] = GroupCommitter(
            self._settle_all, key=lambda one: _account(one.reservation), linger_s=LINGER_S
        )

    async def record_limits(self) -> None:
        """Write the limits from the settings to the database, for ``onrecord budgets`` to show."""
        async with self._lazy.use() as database:
            await database.execute(
                _QUERIES.record_limits,
                self._budgets.per_study_usd,
                self._budgets.per_day_usd,
                self._budgets.per_study_day_usd,
            )

    async def reserve(self, reservation: BudgetReservation) -> ReservationResult:
        """Reserve a call's worst-case cost if the budgets allow it; return which refuse."""
        return await self._reserving.submit(reservation)

    async def settle(
        self, reservation: BudgetReservation, outcome: CallOutcome, at: datetime
    ) -> None:
        """Write a call's outcome, also of one that could not be reserved.

        Args:
            reservation: the call's.
            outcome: what it came to.
            at: when.
        """
        await self._settling.submit(_Settlement(reservation, outcome, at))

    def hurry(self) -> None:
        """Write settlements at once that wait for others to share their statement."""
        self._settling.flush()

    async def withdraw(self, reservation: BudgetReservation) -> None:
        """Delete the reservation of a call that was not made."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.withdraw_call, reservation.call_id)

    async def _reserve_all(self, group: Sequence[BudgetReservation]) -> Sequence[ReservationResult]:
        """Reserve the sum of a group; where that is refused, one after another in their order."""
        rows = [
            (one.call_id, *_texts(one.call)[1:], one.started_at, one.call.worst_usd)
            for one in group
        ]
        plan = group[0].call.plan
        async with self._lazy.use() as database:
            found = await database.fetch(
                _QUERIES.reserve_calls,
                *transpose_rows(8, rows),
                group[0].call.attribution.study_id,
                group[0].day,
                self._budgets.per_study_usd,
                self._budgets.per_study_day_usd,
                self._budgets.per_day_usd,
                None if plan is None else plan.plan_id,
                None if plan is None else plan.limit_usd,
            )
        ruling = _ruling(found)
        if ruling.refusals and len(group) > 1:
            # The sum does not fit; some of its parts may. In order, so that nobody is overtaken.
            return [(await self._reserve_all([one]))[0] for one in group]
        return [ruling] * len(group)

    async def _settle_all(self, group: Sequence[_Settlement]) -> Sequence[None]:
        results = [_result(one.reservation, one.outcome, one.at) for one in group]
        async with self._lazy.use() as database:
            rows = await database.fetch(_QUERIES.settle_calls, *transpose_rows(12, results))
            settled = {call_id for row in rows for call_id in row["calls"]}
            for one, result in zip(group, results, strict=True):
                # Not reserved, as the database was away then; or settled by an earlier attempt,
                # which the query's ON CONFLICT finds.
                if one.reservation.call_id not in settled:
                    await database.execute(
                        _QUERIES.record_call,
                        *result,
                        *_texts(one.reservation.call),
                        one.reservation.day,
                        one.reservation.started_at,
                        one.reservation.call.worst_usd,
                        one.reservation.call.plan_id,
                    )
        return [None] * len(group)


def _account(reservation: BudgetReservation) -> tuple[str, date]:
    """Return the study and day whose sums a call changes."""
    return reservation.call.attribution.study_id, reservation.day


def _reserved_together(
    reservation: BudgetReservation,
) -> tuple[str, date, bool, PlanBudget | None]:
    """Return a key: calls with the same one may be reserved as a sum.

    A sum would hide that one of its parts has no price.
    """
    call = reservation.call
    return *_account(reservation), call.worst_usd is None, call.plan


def _ruling(rows: Sequence[Record]) -> ReservationResult:
    fields = BudgetRefusal.__dataclass_fields__
    refusals = [
        BudgetRefusal(**{name: row[name] for name in fields}) for row in rows if row["scope"]
    ]
    return ReservationResult(refusals, anybody_has_a_limit=rows[0]["anybody_has_a_limit"])


def _texts(call: CallDetails) -> tuple[str, ...]:
    attribution = call.attribution
    return (
        attribution.study_id,
        attribution.subject,
        attribution.purpose,
        call.prompt_version,
        _without_login(call.endpoint),
        call.model,
    )


def _result(reservation: BudgetReservation, outcome: CallOutcome, at: datetime) -> tuple[Any, ...]:
    return (
        reservation.call_id,
        at,
        outcome.code,
        make_storable_text(outcome.model, max_length=LONGEST_TEXT),
        make_storable_text(outcome.fingerprint, max_length=LONGEST_TEXT),
        outcome.usage.input_tokens,
        outcome.usage.cached_tokens,
        outcome.usage.output_tokens,
        outcome.cost_usd,
        outcome.estimated,
        outcome.latency_s,
        outcome.first_token_s,
    )


def _without_login(url: str) -> str:
    """Return a URL without its password, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
