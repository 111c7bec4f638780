from decimal import Decimal

import pytest
from pydantic import ValidationError

from contracts.errors import ErrorCode, OutageError, ParkedError, ThrottledError
from model_client.ledger.budgets import (
    BudgetRefusal,
    BudgetSettings,
    build_budget_error,
    format_dollars,
)


def refusal(**changed: object) -> BudgetRefusal:
    usual: dict[str, object] = {
        "scope": "study",
        "limit_usd": Decimal(5),
        "settled_usd": Decimal("4.50"),
        "reserved_usd": Decimal("0.40"),
        "returning_usd": Decimal("0.30"),
        "is_own": True,
    }
    return BudgetRefusal(**{**usual, **changed})  # type: ignore[arg-type]  # fields of several types


def test_a_call_that_exceeds_the_budget_whatever_comes_back_is_parked() -> None:
    error = build_budget_error([refusal()], "shops", "m", Decimal("0.41"))
    assert isinstance(error, ParkedError)
    assert error.code is ErrorCode.BUDGET_EXCEEDED
    assert str(error) == (
        "the budget of study shops is $5.00: $4.50 spent, $0.40 reserved, and this call may take "
        "$0.41; `onrecord budgets set shops USD` raises it"
    )


def test_a_call_that_may_fit_once_others_have_ended_comes_back_later() -> None:
    error = build_budget_error([refusal()], "shops", "m", Decimal("0.40"))
    assert isinstance(error, ThrottledError)
    assert error.retry_after > 0


def test_names_the_budget_for_which_there_is_no_hope() -> None:
    day = refusal(scope="day", settled_usd=Decimal(5))
    error = build_budget_error([refusal(), day], "shops", "m", Decimal("0.40"))
    assert isinstance(error, ParkedError)
    assert "of the day (UTC)" in str(error)
    assert "`onrecord budgets set-day USD`" in str(error)


def test_a_model_without_price_parks_only_a_study_with_a_budget_of_its_own() -> None:
    error = build_budget_error([refusal()], "shops", "m", None)
    assert isinstance(error, ParkedError)
    assert error.code is ErrorCode.PRICE_UNKNOWN, "the budget is not exceeded"
    assert "ONRECORD_MODEL_PRICED_AS" in str(error)


@pytest.mark.parametrize("everybodys", [refusal(is_own=False), refusal(scope="day")])
def test_a_model_without_price_serves_nobody_if_there_is_a_budget_for_all(
    everybodys: BudgetRefusal,
) -> None:
    error = build_budget_error([refusal(), everybodys], "shops", "m" * 500, None)
    assert isinstance(error, OutageError)
    assert "ONRECORD_MODEL_PRICED_AS" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "$0.00"),
        ("12.5", "$12.50"),
        ("0.000375", "$0.000375"),
        ("1234567.1234567", "$1,234,567.123457"),
    ],
)
def test_amounts_are_for_people(amount: str, expected: str) -> None:
    assert format_dollars(Decimal(amount)) == expected


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not BudgetSettings().has_any
    monkeypatch.setenv("ONRECORD_BUDGET_PER_STUDY_USD", "12.50")
    assert BudgetSettings().per_study_usd == Decimal("12.50")
    monkeypatch.setenv("ONRECORD_BUDGET_PER_DAY_USD", "0")
    assert BudgetSettings().per_day_usd == 0
    assert BudgetSettings().has_any


@pytest.mark.parametrize("wrong", ["-1", "nan", "inf", "much"])
def test_a_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("ONRECORD_BUDGET_PER_DAY_USD", wrong)
    with pytest.raises(ValidationError):
        BudgetSettings()
