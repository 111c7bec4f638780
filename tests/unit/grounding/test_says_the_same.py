from __future__ import annotations

import pytest

from grounding import first_same, says_the_same

SAME = [
    ("They pay sixty pounds a month.", "They pay sixty pounds a month."),
    ("They pay sixty pounds a month.", "they pay 60 pounds a month"),
    ("The printer jams on thick paper.", "On thick paper the printer jams."),
    ("Ben would not recommend the installer.", "Ben wouldn't recommend the installer."),
]
OTHER = [
    ("They pay sixty pounds a month.", "They pay ninety pounds a month."),
    ("They pay sixty pounds a month.", "They pay sixty pounds a year."),
    ("Ben would recommend the installer.", "Ben would not recommend the installer."),
    ("Ann trusts the installer.", "Ben trusts the installer."),
    ("All tenants share one tap.", "Some tenants share one tap."),
    ("They might move next year.", "They will move next year."),
    ("The boiler is cheap.", "The tap is shared by eighteen plots."),
    ("They pay sixty pounds a month.", "They pay sixty pounds a month and like it."),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_statements_that_bear_out_each_other_say_the_same(one: str, other: str) -> None:
    assert says_the_same(one, other)
    assert says_the_same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_statements_that_differ_in_what_matters_do_not(one: str, other: str) -> None:
    assert not says_the_same(one, other)
    assert not says_the_same(other, one)


def test_the_first_of_several_is_told() -> None:
    earlier = [
        "The boiler is old.",
        "They pay 60 pounds a month.",
        "They pay sixty pounds a month.",
    ]
    assert first_same("They pay sixty pounds a month", earlier) == 1
    assert first_same("The cat is black.", earlier) is None
    assert first_same("The cat is black.", []) is None
