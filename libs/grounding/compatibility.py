"""Recognise statements that differ by an opposite, a negation or a number and may both be true.

They speak of others ("older" and "younger" customers, "some" and "other" ones, before and after),
turn two things round that belong together ("leave when prices rise", "stay when prices fall"),
compare from the other side, or give numbers of which one holds the other. English only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from grounding.numbers.approximation import compute_base_value
from grounding.numbers.bounds import NumberBoundDirection
from grounding.numbers.quantities import Quantity, find_quantities, find_quantity_intervals
from grounding.text.terms import Term, split_terms
from grounding.text.words import parse_word_list
from grounding.vocabulary.opposites import are_opposites


def collect_keys(words: str) -> frozenset[str]:
    """Return the lemmas of words, as terms have them."""
    return frozenset(term.key for term in split_terms(words))


_KINDS: Final = collect_keys(
    "spring autumn summer winter morning evening afternoon night day daily monthly weekly north "
    "south east west northern southern eastern western man woman boy girl father mother husband "
    "wife king queen brother sister son daughter male female adult child teenager future past "
    "indoors outdoors indoor outdoor land sea first last front back left right upstairs downstairs "
    "inside outside landlord tenant employer employee teacher student parent guest host"
)
"""Opposites of which each has its own truth: what women say does not oppose what men say."""

_ATTRIBUTES: Final = collect_keys(
    "old young older younger new newer small large big smaller larger bigger rich poor wealthy "
    "regular occasional junior senior rural urban public private married single employed "
    "unemployed skilled unskilled healthy sick foreign domestic professional amateur"
)
"""The same, before the noun that a statement begins with: it says of whom it speaks."""

_SOME: Final = parse_word_list("some many several certain various most other others another")
_OTHERS: Final = parse_word_list("other others another")
_ALL: Final = parse_word_list("all every everyone everybody everything each")
_QUANTIFIERS: Final = _SOME | _ALL | parse_word_list("few fewer more no not")

_DENIALS: Final = parse_word_list("not no never none nobody nothing neither nor nowhere")
_AMOUNTS_OF_NONE: Final = collect_keys("nobody none nothing never nowhere neither")
_NEAR_DENIALS: Final = collect_keys(
    "rarely seldom hardly scarcely barely struggle struggles struggled fail fails failed refuse "
    "refused decline declined lack lacks unable impossible unlikely difficulty difficult hard "
    "trouble avoid avoids stop stopped"
)
"""Words by which something is denied almost: "rarely" does not oppose "not"."""

_CONDITIONS: Final = parse_word_list(
    "if unless when whenever with without once where because since while before after as"
)
"""Words that tie what is said to a condition, a cause or a time."""

_UNTIL: Final = parse_word_list("until till")
_EXCEPTION: Final = re.compile(
    r"\b(?:nobody|no one|none|nothing)\s+(?:but|except|other than)\b", re.IGNORECASE
)
_PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z ]*(?: \d+)?\]")


def has_placeholder(statement: str) -> bool:
    """Return whether a statement has a placeholder, such as ``[PERSON 1]``, for a masked value."""
    return _PLACEHOLDER.search(statement) is not None


def drop_exceptions(statement: str) -> str:
    """Return a statement without denials that affirm: "nobody but him" is him."""
    return _EXCEPTION.sub("", statement)


def list_opposites(one: frozenset[str], other: frozenset[str]) -> list[tuple[str, str]]:
    """Return the pairs of opposites among what only one and only the other of two texts says.

    Args:
        one: lemmas of all words of a text.
        other: those of another one.
    """
    return [(a, b) for a in one - other for b in other - one if _are_opposites(a, b)]


_are_opposites: Final = lru_cache(maxsize=65_536)(are_opposites)


def speak_of_others(one: str, other: str) -> bool:
    """Return whether two statements speak of different people, places or times of a kind."""
    first, second = split_terms(one), split_terms(other)
    return any(
        {*pair} <= _KINDS or _are_attributes_of_subject(pair, first, second)
        for pair in list_opposites(collect_keys(one), collect_keys(other))
    ) or _are_of_parts(_read_quantifier(first), _read_quantifier(second))


def may_opposites_both_hold(one: str, other: str) -> bool:
    """Return whether statements with opposite words may both be true of the same."""
    if _is_of_earlier_time(one) != _is_of_earlier_time(other):
        return True
    first, second = ({term.text for term in split_terms(text)} for text in (one, other))
    is_turned = _is_comparison_turned(split_terms(one), split_terms(other))
    is_tied = not (_CONDITIONS.isdisjoint(first) or _CONDITIONS.isdisjoint(second))
    pairs = list_opposites(collect_keys(one), collect_keys(other))
    # What both "rise" and "grow" oppose is one thing only.
    turned = min(len({a for a, _ in pairs}), len({b for _, b in pairs}))
    turned += (_count_denials(one) + _count_denials(other)) % 2
    turned += ("unless" in first) != ("unless" in second)
    return (is_turned or is_tied) and (turned + is_turned) % 2 == 0


def may_denial_hold_too(one: str, other: str) -> bool:
    """Return whether a statement and one that differs in what it denies may both be true."""
    # "Open" and "not closed" say the same; "everyone" and "nobody" do not.
    if any(
        _AMOUNTS_OF_NONE.isdisjoint(pair)
        for pair in list_opposites(collect_keys(one), collect_keys(other))
    ):
        return True
    if _is_of_earlier_time(one) != _is_of_earlier_time(other):
        return True
    return _nearly_denies(one, other) or _nearly_denies(other, one)


def may_numbers_both_hold(one: str, other: str) -> bool:
    """Return whether the numbers of a statement lie within those that the other one gives."""
    return _lie_within(one, other) or _lie_within(other, one)


def _are_attributes_of_subject(
    pair: tuple[str, str], first: Sequence[Term], second: Sequence[Term]
) -> bool:
    described = [
        _find_described(word, read) for word, read in zip(pair, (first, second), strict=True)
    ]
    return {*pair} <= _ATTRIBUTES and described[0] is not None and described[0] == described[1]


def _find_described(word: str, read: Sequence[Term]) -> str | None:
    """Return the noun behind a word, if the statement begins with the two."""
    for at, term in enumerate(read[:-1]):
        if term.key == word:
            return read[at + 1].key if read[at + 1].is_content else None
        if term.is_content and term.text not in _QUANTIFIERS:
            return None
    return None


def _read_quantifier(read: Sequence[Term]) -> str:
    """Return the word by which a statement begins to speak of a part; "" if it does not."""
    begin = [term.text for term in read[:2]]
    if begin[:1] == ["not"] and _ALL.intersection(begin):
        return "not all"
    if begin == ["a", "few"]:
        return "a few"
    return begin[0] if begin and begin[0] in _SOME else ""


def _are_of_parts(one: str, other: str) -> bool:
    """Return whether both speak of parts that need not be the same; most and most overlap."""
    if {one, other} & _OTHERS:
        return True
    return bool(one and other) and {one, other} != {"most"}


def _is_comparison_turned(first: Sequence[Term], second: Sequence[Term]) -> bool:
    """Return whether what one compares something with is what the other one compares with it."""
    sides = [_split_comparison(read) for read in (first, second)]
    (before, behind), (other_before, other_behind) = sides
    own, others = behind - before, other_behind - other_before
    return bool(own & (other_before - other_behind) and others & (before - behind))


def _split_comparison(read: Sequence[Term]) -> tuple[set[str], set[str]]:
    """Return the content words before "than" and behind it; nothing if there is none."""
    at = next((at for at, term in enumerate(read) if term.text == "than"), len(read))
    before, behind = (
        {one.key for one in part if one.is_content} for part in (read[:at], read[at:])
    )
    return before, behind


def _is_of_earlier_time(statement: str) -> bool:
    """Return whether a statement is about the time until something."""
    return not _UNTIL.isdisjoint(term.text for term in split_terms(statement))


def _count_denials(statement: str) -> int:
    return sum(term.text in _DENIALS for term in split_terms(statement))


def _nearly_denies(one: str, other: str) -> bool:
    """Return whether one has a word that almost denies, where the other denies."""
    only = collect_keys(one) - collect_keys(other)
    return (
        not _NEAR_DENIALS.isdisjoint(only)
        and _count_denials(one) == 0
        and _count_denials(other) > 0
    )


def _lie_within(one: str, other: str) -> bool:
    """Return whether each number of one that the other does not say lies in a range of its."""
    said, ranges = find_quantities(other), find_quantity_intervals(other)
    new = [each for each in find_quantities(one) if not any(map(each.agrees_with, said))]
    return bool(new) and all(
        any(_is_between(each, *interval) for interval in ranges)
        or any(_is_beyond(each, bound) for bound in said)
        for each in new
    )


def _is_between(one: Quantity, low: Quantity, high: Quantity) -> bool:
    if not (_counts_same(one, low) or _counts_same(one, high)):
        return False
    return compute_base_value(low) <= compute_base_value(one) <= compute_base_value(high)


def _is_beyond(one: Quantity, bound: Quantity) -> bool:
    if bound.bound is None or not _counts_same(one, bound):
        return False
    value, limit = compute_base_value(one), compute_base_value(bound)
    return value >= limit if bound.bound is NumberBoundDirection.ABOVE else value <= limit


def _counts_same(one: Quantity, other: Quantity) -> bool:
    is_bare = not (one.unit or other.unit or one.noun or other.noun)
    return is_bare or one.counts_same_as(other)
