from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.notes import Usage
from model_client.ledger.prices import PriceCalculator
from model_client.settings import TokenPrices

OPENAI = "https://api.openai.com/v1"
LOCAL = "http://127.0.0.1:8000/v1"
MILLION = 1_000_000


def usage(prompt: int = 0, cached: int = 0, answer: int = 0) -> Usage:
    return Usage(input_tokens=prompt, cached_tokens=cached, output_tokens=answer)


def test_prices_a_known_model_by_the_table() -> None:
    prices = PriceCalculator("gpt-4o-mini", base_url=OPENAI)
    assert prices.cost(usage(prompt=MILLION, answer=MILLION)) == Decimal("0.75")


def test_tokens_the_provider_had_cached_go_at_their_own_price() -> None:
    prices = PriceCalculator("gpt-4o-mini", base_url=OPENAI)
    assert prices.cost(usage(prompt=MILLION, cached=MILLION // 2)) == Decimal("0.1125")


def test_a_dated_name_is_the_model_it_names() -> None:
    assert PriceCalculator("gpt-4o-mini-2024-07-18").cost(usage(answer=MILLION)) == Decimal("0.6")


def test_a_model_behind_a_gateway_is_priced_by_its_name() -> None:
    assert PriceCalculator("gpt-4o-mini", base_url=LOCAL).cost(usage(answer=MILLION)) == Decimal(
        "0.6"
    )


def test_a_name_that_the_provider_of_the_url_does_not_have_is_not_priced_as_anothers() -> None:
    assert PriceCalculator("claude-sonnet-4-5", base_url=OPENAI).cost(usage(answer=MILLION)) is None


@pytest.mark.parametrize("model", ["simulated-notes", "qwen2.5-7b", "", "🙂", "x" * 10_000])
def test_says_that_it_does_not_know_a_price(model: str) -> None:
    prices = PriceCalculator(model, base_url=LOCAL)
    assert not prices.are_known
    assert prices.cost(usage(prompt=1)) is None
    assert prices.max_cost(1, 1) is None


def test_an_unknown_model_goes_by_the_price_of_another_wherever_it_is() -> None:
    prices = PriceCalculator("simulated-notes", priced_as="claude-sonnet-4-5", base_url=OPENAI)
    assert prices.are_known
    assert prices.cost(usage(prompt=MILLION // 10)) == Decimal("0.3")


def test_given_prices_go_before_the_table() -> None:
    own = TokenPrices(input=Decimal(1), cached_input=Decimal("0.1"), output=Decimal(2))
    prices = PriceCalculator("gpt-4o-mini", base_url=OPENAI, own=own)
    assert prices.cost(usage(prompt=MILLION, cached=MILLION // 2, answer=MILLION)) == Decimal(
        "2.55"
    )


def test_cached_tokens_without_a_given_price_go_as_the_others() -> None:
    prices = PriceCalculator("mine", own=TokenPrices(input=Decimal(1), output=Decimal(0)))
    assert prices.cost(usage(prompt=MILLION, cached=MILLION)) == Decimal(1)


def test_a_model_that_costs_nothing_has_a_known_price() -> None:
    prices = PriceCalculator("mine", own=TokenPrices(input=Decimal(0), output=Decimal(0)))
    assert prices.are_known
    assert prices.max_cost(MILLION, MILLION) == 0


def test_a_batch_goes_by_the_tables_variant() -> None:
    prices = PriceCalculator("claude-sonnet-4-5")
    each = usage(prompt=1000, cached=500, answer=100)
    assert prices.cost(each) == Decimal("0.00315")
    assert prices.cost(each, batch=True) == Decimal("0.001575")


def test_a_batch_costs_half_where_the_table_has_no_variant() -> None:
    assert PriceCalculator("gpt-4o-mini").cost(usage(answer=MILLION), batch=True) == Decimal("0.3")


@pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "gpt-5.5"])
@given(prompt=st.integers(0, 400_000), answer=st.integers(0, 64_000), part=st.floats(0, 1))
def test_no_call_costs_more_than_its_worst_case(
    model: str, prompt: int, answer: int, part: float
) -> None:
    prices = PriceCalculator(model)
    cost = prices.cost(usage(prompt, int(prompt * part), answer))
    worst = prices.max_cost(prompt, answer)
    assert cost is not None
    assert worst is not None
    assert 0 <= cost <= worst
