"""Say whether two numbers may be the same one, rounded: "about 200" for 198, "over 40" for 43."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from grounding.numbers.bounds import NumberBoundDirection
from grounding.numbers.numerals import ARITHMETIC
from grounding.numbers.quantities import PERCENT, Quantity
from grounding.text.words import parse_word_list

APPROXIMATE_WORDS: Final = parse_word_list(
    """about around approximately roughly nearly almost close some circa over under more less
    than least most up upwards fewer several or so ish just"""
)
"""Words before a number that make it a rough one."""
_ROUGH_RATIO: Final = Decimal("1.34")
_EXACT_RATIO: Final = Decimal("1.05")
_HUNDRED: Final = Decimal(100)
_YEARS: Final = (Decimal(1500), Decimal(2100))
_ROUGH_YEARS: Final = Decimal(10)


def is_approximately_equal(one: Decimal, other: Decimal, *, is_rough: bool) -> bool:
    """Return whether two numbers differ by 5 per cent at most, or a third if one is only rough."""
    if one == other:
        return True
    if not (one > 0 and other > 0):
        return False
    ratio = ARITHMETIC.divide(max(one, other), min(one, other))
    return ratio <= (_ROUGH_RATIO if is_rough else _EXACT_RATIO)


def may_be_rounded(claimed: Quantity, other: Quantity, *, is_rough: bool) -> bool:
    """Return whether a quantity may be another one rounded, or a bound of it ("over 40").

    Args:
        claimed: of one value.
        other: of one value, and of the same kind.
        is_rough: whether words beside the claimed one say that it is rough.
    """
    one, two = compute_base_value(claimed), compute_base_value(other)
    if _is_year(claimed) and (_is_year(other) or is_number_without_unit(other)):
        is_near = is_rough and abs(one - two) <= _ROUGH_YEARS
        return is_near or ARITHMETIC.remainder(one, _HUNDRED) == two  # "sixty-two" for 1962
    if one == two or _lies_beyond(claimed.bound, one, two) or _lies_beyond(other.bound, two, one):
        return True
    if is_share(claimed):  # "half" is often not quite half, and the rest is the rest
        return one + two == _HUNDRED or is_approximately_equal(one, two, is_rough=True)
    if is_rough or claimed.bound is not None:
        return is_approximately_equal(one, two, is_rough=True)
    return _count_digits(one) < _count_digits(two) and is_approximately_equal(
        one, two, is_rough=False
    )


def is_near_bound(claimed: Quantity, other: Quantity) -> bool:
    """Return whether a quantity is a close bound of another one: "more than 40" for 43."""
    if claimed.bound is None or other.bound is not None or len(other.values) > 1:
        return False
    is_alike = claimed.counts_same_as(other) or (is_share(claimed) and is_share(other))
    if not is_alike or len(claimed.values) > 1:
        return False
    one, two = compute_base_value(claimed), compute_base_value(other)
    is_beyond = one != two and _lies_beyond(claimed.bound, one, two)
    return is_beyond and is_approximately_equal(one, two, is_rough=True)


def is_share(one: Quantity) -> bool:
    """Return whether a quantity is a fraction or a percentage."""
    return one.is_part or one.unit == PERCENT


def is_number_without_unit(one: Quantity) -> bool:
    """Return whether a quantity is a number without a unit or a counted noun."""
    return one.unit is None and not one.noun


def compute_base_value(one: Quantity) -> Decimal:
    """Compute a quantity's value in its base unit; in per cent if it is a fraction."""
    value = min(one.values)
    if one.is_part:
        return ARITHMETIC.multiply(value, _HUNDRED)
    return ARITHMETIC.multiply(value, one.unit.factor) if one.unit else value


def _is_year(one: Quantity) -> bool:
    return (
        is_number_without_unit(one)
        and "," not in one.text
        and _YEARS[0] <= min(one.values) < _YEARS[1]
    )


def _count_digits(value: Decimal) -> int:
    """Return how many digits a number has without the zeros at its end: one of 2,000."""
    return len(value.normalize().as_tuple().digits)


def _lies_beyond(bound: NumberBoundDirection | None, limit: Decimal, value: Decimal) -> bool:
    return bound is not None and (bound is NumberBoundDirection.ABOVE) == (value > limit)
