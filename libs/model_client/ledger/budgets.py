"""Budget limits from the environment, and the errors that a refusing budget means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import ErrorCode, OnrecordError, ThrottledError
from model_client import errors

SMALLEST: Final = Decimal("0.000001")
"""Precision with which amounts are shown, in US dollars."""

LEAST_DECIMALS: Final = 2

LONGEST_NAME: Final = 60
"""Characters of a study's id in an error, which travels in headers."""


RETRY_AFTER_S: Final = 5.0
"""When to ask again for what running calls have reserved, in seconds: about a call's time."""


class BudgetBusyError(ThrottledError):
    """Raised when calls in progress have reserved the whole rest of a budget."""

    code = ErrorCode.BUDGET_EXCEEDED


class BudgetSettings(BaseSettings):
    """Settings of the default spending budgets, from ``ONRECORD_BUDGET_*``."""

    model_config = SettingsConfigDict(
        env_prefix="ONRECORD_BUDGET_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    per_study_usd: Decimal | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Most that each study may cost, in US dollars; no limit if not set.",
    )
    per_day_usd: Decimal | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Most that a day (UTC) may cost, all studies together, in US dollars; no limit "
        "if not set.",
    )
    per_study_day_usd: Decimal | None = Field(
        Decimal(50),
        ge=0,
        allow_inf_nan=False,
        description="Most that a day (UTC) may cost each study that is registered without a daily "
        "budget, in US dollars; studies that registered themselves share it. It holds where prices "
        "are known and PostgreSQL can be asked; one that is set for a study holds always.",
    )
    wait_s: float = Field(
        5.0,
        ge=0,
        description="Longest wait for what calls under way have reserved and may give back, in "
        "seconds.",
    )

    @property
    def has_any(self) -> bool:
        """Whether any limit is set, beside the default for a study's day."""
        return self.per_study_usd is not None or self.per_day_usd is not None


@dataclass(frozen=True, slots=True)
class BudgetRefusal:
    """Refusal of a call by a budget: its limit, and what is spent and reserved, in US dollars.

    Attributes:
        scope: ``study``, ``study_day`` (the study's budget of the day), ``day`` or ``plan`` (of
            the replay plan that has the message sent).
        limit_usd: the budget.
        settled_usd: what calls cost that have ended.
        reserved_usd: the most that calls may cost that have not.
        returning_usd: the part of that which may come back, as its calls are still under way.
        is_own: whether the limit was set by command, for this study or for the days.
    """

    scope: str
    limit_usd: Decimal
    settled_usd: Decimal
    reserved_usd: Decimal
    returning_usd: Decimal
    is_own: bool

    def may_fit_later(self, worst_usd: Decimal | None) -> bool:
        """Return whether the budget may allow the call once the running ones have ended."""
        if worst_usd is None:
            return False
        committed = self.settled_usd + self.reserved_usd - self.returning_usd
        return committed + worst_usd <= self.limit_usd


def build_budget_error(
    refusals: Sequence[BudgetRefusal], study_id: str, model: str, worst_usd: Decimal | None
) -> OnrecordError:
    """Build the error for a call refused by budgets: which budget, and how to raise it.

    Args:
        refusals: budgets that refuse the call, at least one.
        study_id: whose call it is.
        model: the model's name.
        worst_usd: the most the call can cost; None if its price is not known.

    Returns:
        A ``BudgetExceededError``; a ``BudgetBusyError`` if the budgets may allow it a little
        later. Of a model of unknown price a ``PriceUnknownError`` if only the study has a budget; a
        ``ModelUnavailableError`` if one for all meets it: that is for the settings to mend, and no
        message is to be set aside for it.
    """
    study, model = study_id[:LONGEST_NAME], model[:LONGEST_NAME]
    if worst_usd is None:
        return _unpriced(refusals, study, model)
    over = [one for one in refusals if not one.may_fit_later(worst_usd)]
    refusal = (over or refusals)[0]
    whose, remedy = {
        "study": (f"of study {study}", f"budgets set {study} USD"),
        "study_day": (
            f"of study {study} for the day (UTC)",
            f"study edit {study} --daily-budget USD",
        ),
        "day": ("of the day (UTC)", "budgets set-day USD"),
        "plan": ("of its replay plan", "dlq plan create --budget USD"),
    }[refusal.scope]
    message = (
        f"the budget {whose} is {format_dollars(refusal.limit_usd)}: "
        f"{format_dollars(refusal.settled_usd)} spent, "
        f"{format_dollars(refusal.reserved_usd)} reserved, and this call may take "
        f"{format_dollars(worst_usd)}; `onrecord {remedy}` raises it"
    )
    if over:
        return errors.BudgetExceededError(message)
    return BudgetBusyError(message, retry_after=RETRY_AFTER_S)


def _unpriced(refusals: Sequence[BudgetRefusal], study: str, model: str) -> OnrecordError:
    mend = (
        f"the price of {model} is not known: set ONRECORD_MODEL_PRICED_AS, or its `prices` in the "
        "file of ONRECORD_MODELS (a judge's: GUARDRAIL_JUDGE_MODELS)"
    )
    if any(one.scope == "plan" for one in refusals):
        return errors.PriceUnknownError(f"its replay plan has a budget, but {mend}")
    if all(one.scope != "day" and one.is_own for one in refusals):
        return errors.PriceUnknownError(f"study {study} has a budget, but {mend}")
    return errors.ModelUnavailableError(f"there is a budget, but {mend}")


def format_dollars(amount: Decimal) -> str:
    """Format an amount of US dollars: ``$12.50`` or ``$0.000375``."""
    rounded = amount.quantize(SMALLEST, ROUND_HALF_EVEN)
    whole, _, decimals = f"{rounded:,f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(LEAST_DECIMALS, '0')}"
