"""A statement that is its quote word for word is verbatim; what no rule knows is unproven."""

from __future__ import annotations

import pytest

from contracts.notes import Standing, VoucherKind
from grounding import check_note
from unit.grounding.drafts import chunk, draft, segment


@pytest.mark.parametrize(
    "said",
    [
        "We pay forty dollars a month.",
        "We, uh, pay forty dollars a month",
        "we pay -- forty dollars a month.",
    ],
)
def test_a_statement_that_is_the_quote_is_vouched_for_by_a_rule(said: str) -> None:
    checked = check_note(draft("We pay forty dollars a month."), chunk(segment(1, said)))

    assert not checked.failures
    assert checked.standing is Standing.VERBATIM
    assert [one.kind for one in checked.vouchers] == [VoucherKind.RULE]


@pytest.mark.parametrize(
    ("said", "statement"),
    [
        ("We pay forty dollars a month.", "We pay forty dollars."),
        ("We pay forty dollars a month?", "We pay forty dollars a month."),
        ("We pay forty dollars, and that is a month.", "We pay forty dollars a month."),
    ],
)
def test_a_statement_that_is_not_the_quote_is_not_verbatim(said: str, statement: str) -> None:
    checked = check_note(draft(statement), chunk(segment(1, said)))

    assert checked.standing is not Standing.VERBATIM


@pytest.mark.parametrize(
    "said",
    [
        "We pay, {}, sixty pounds a month.",
        "We, {}, um, pay sixty pounds a month.",
        "We pay, you know, {}, sixty pounds a month.",
    ],
)
@pytest.mark.parametrize("length", [60, 5_000, 200_000])
def test_a_voucher_stays_within_its_bounds_whatever_was_said(said: str, length: int) -> None:
    turn = segment(1, said.format("x" * length))
    checked = check_note(draft("We pay sixty pounds a month."), chunk(turn))

    assert checked.to_note().standing is checked.standing
    assert all(len(one.detail) < 500 for one in checked.vouchers)


def test_a_note_that_fails_a_check_is_unproven_though_it_is_the_quote() -> None:
    said = "We pay forty dollars a month."
    checked = check_note(draft(said, theme="unknown"), chunk(segment(1, said)))

    assert [one.check for one in checked.failures] == ["unknown_theme"]
    assert (checked.standing, checked.vouchers) == (Standing.UNPROVEN, ())
