from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding import are_equivalent, compute_content_key, find_first_equivalent

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
def test_statements_that_support_each_other_are_equivalent(one: str, other: str) -> None:
    assert are_equivalent(one, other)
    assert are_equivalent(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_statements_that_differ_in_what_matters_are_not_equivalent(one: str, other: str) -> None:
    assert not are_equivalent(one, other)
    assert not are_equivalent(other, one)


def test_the_first_of_several_equivalents_is_returned() -> None:
    earlier = [
        "The boiler is old.",
        "They pay 60 pounds a month.",
        "They pay sixty pounds a month.",
    ]
    assert find_first_equivalent("They pay sixty pounds a month", earlier) == 1
    assert find_first_equivalent("The cat is black.", earlier) is None
    assert find_first_equivalent("The cat is black.", []) is None


def first_of_its_key(statement: str, earlier: Sequence[str]) -> int | None:
    """As ``find_first_equivalent``, with comparisons among statements of one key only."""
    key = compute_content_key(statement)
    places = [place for place, other in enumerate(earlier) if compute_content_key(other) == key]
    found = find_first_equivalent(statement, [earlier[place] for place in places])
    return None if found is None else places[found]


def all_firsts(statements: Sequence[str]) -> tuple[list[int | None], list[int | None]]:
    """For each statement the first earlier one that says the same: of all, and by key."""
    ranges = [(one, statements[:place]) for place, one in enumerate(statements)]
    return (
        [compared_with_all(one, earlier) for one, earlier in ranges],
        [first_of_its_key(one, earlier) for one, earlier in ranges],
    )


def compared_with_all(statement: str, earlier: Sequence[str]) -> int | None:
    """The first earlier statement that says the same, by looking at each."""
    same = (place for place, other in enumerate(earlier) if are_equivalent(statement, other))
    return next(same, None)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equivalent_statements_have_one_key(one: str, other: str) -> None:
    assert compute_content_key(one) == compute_content_key(other)


WORDS = (
    "they",
    "pay",
    "paid",
    "sixty",
    "60",
    "60.5",
    "two thirds",
    "half",
    "the",
    "would not",
    "a",
)
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


@given(st.lists(st.one_of(SENTENCES, st.sampled_from([one for pair in SAME for one in pair]))))
def test_searching_by_key_finds_what_searching_all_statements_finds(
    statements: list[str],
) -> None:
    naive, by_key = all_firsts(statements)
    assert by_key == naive


def test_the_same_holds_of_real_notes_and_small_changes_to_them(shared_data: Path) -> None:
    pairs = json.loads((shared_data / "summedits" / "summedits_podcast.json").read_text("utf-8"))
    notes = [sentence for pair in pairs[:40] for sentence in pair["summary"].split(". ")][:40]
    changed = [change(note) for note in notes for change in (str.upper, shuffled, without_stop)]
    naive, by_key = all_firsts([*notes, *changed])
    assert by_key == naive
    assert sum(place is not None for place in naive) > len(notes)


def shuffled(note: str) -> str:
    """The words in another order."""
    return " ".join(reversed(note.split()))


def without_stop(note: str) -> str:
    """The note without the full stop it may end with."""
    return note.rstrip(".") + "!"


def test_1500_notes_are_only_compared_with_notes_of_the_same_words() -> None:
    notes = [f"They {word} the {word}-shop" for word in map(spelled, range(1_500))]
    keys = {compute_content_key(note) for note in notes}
    assert len(keys) == len(notes)


def spelled(number: int) -> str:
    """A word of its own for a number."""
    return "".join("bcdfghjklm"[int(digit)] + "o" for digit in f"{number:04}")
