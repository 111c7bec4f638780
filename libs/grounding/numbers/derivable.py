"""Say whether a number may be worked out from a passage's numbers, however a note puts it.

``grounding.numbers.derived`` accepts a result where the statement says that it is one ("in total",
"by"). Here it is enough that there is such a result: a number that cannot be worked out at all is
another number than the one that was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from grounding.numbers.numerals import ARITHMETIC
from grounding.numbers.quantities import PERCENT, Quantity
from grounding.numbers.units import MeasurementUnit

_MAX_OPERANDS: Final = 24
"""Amounts of one kind that are combined, each with each: of more, any value may be worked out."""
_CALENDAR: Final = tuple(Decimal(one) for one in (4, 7, 12, 24, 52, 60, 365))
"""By how many times one period is another: $480 a year for $40 a month."""
_SMALL: Final = Decimal(5)
"""Things that people count by listing them, up to which one may be added: "my two boys and her"."""
_PERIODS: Final = frozenset({"time", "month"})
_HUNDRED: Final = Decimal(100)
_THOUSAND: Final = Decimal(1000)
_ONE: Final = Decimal(1)


def may_be_derived(claimed: Quantity, said: Sequence[Quantity]) -> bool:
    """Return whether a quantity may be computed from others: a sum, difference, product, share.

    Args:
        claimed: a quantity with one value.
        said: the passage's quantities, in order.
    """
    addable = (one for one in said if _is_addable(claimed, one))
    alike = list(dict.fromkeys(_measure(one, claimed.unit) for one in addable))
    counts = list(dict.fromkeys(min(one.values) for one in said if one.unit is None))
    if len(alike) > _MAX_OPERANDS or len(counts) > _MAX_OPERANDS:
        return True
    values = _iter_results(claimed, alike, counts)
    wanted = _measure(claimed, claimed.unit)
    return any(one.normalize() == wanted for one in values if one.is_finite())


def _is_addable(claimed: Quantity, other: Quantity) -> bool:
    """Return whether two amounts can be added; a bare number is in the other's unit."""
    if claimed.unit is None or other.unit is None:
        return other.unit is None and (claimed.unit is None or not other.noun)
    return claimed.unit.base == other.unit.base


def _measure(one: Quantity, unit: MeasurementUnit | None) -> Decimal:
    """Return a quantity's value in the base of its unit; a bare one is taken to be in another's."""
    unit = one.unit or unit
    factor = unit.factor if unit else _ONE
    return ARITHMETIC.multiply(min(one.values), factor).normalize()


def _iter_results(
    claimed: Quantity, alike: Sequence[Decimal], counts: Sequence[Decimal]
) -> Iterator[Decimal]:
    factor = claimed.unit.factor if claimed.unit else _ONE
    is_amount = claimed.unit is not None and claimed.unit.base not in _PERIODS
    yield from _iter_sums(alike)
    for one, other in combinations(alike, 2):
        yield abs(ARITHMETIC.subtract(one, other))
    for one, other in combinations(counts, 2):  # from one age or year to another
        yield ARITHMETIC.multiply(abs(ARITHMETIC.subtract(one, other)), factor)
        if claimed.unit == PERCENT:
            yield _compute_percentage(one, other)
            yield _compute_percentage(other, one)
    for one in alike:
        yield ARITHMETIC.multiply(one, _THOUSAND)
        for count in counts if claimed.unit else ():
            yield ARITHMETIC.multiply(one, count)
        for times in _CALENDAR if is_amount else ():
            yield ARITHMETIC.multiply(one, times)
            yield ARITHMETIC.divide(one, times)
        if claimed.unit == PERCENT:
            yield ARITHMETIC.subtract(_HUNDRED, one)
        if claimed.noun and not claimed.unit and one < _SMALL:
            yield ARITHMETIC.add(one, _ONE)


def _compute_percentage(part: Decimal, whole: Decimal) -> Decimal:
    return ARITHMETIC.multiply(ARITHMETIC.divide(part, whole), _HUNDRED).to_integral_value()


def _iter_sums(values: Sequence[Decimal]) -> Iterator[Decimal]:
    """Yield the sums of any two values, and of several in a row, as people list them."""
    for one, other in combinations(values, 2):
        yield ARITHMETIC.add(one, other)
    for start in range(len(values)):
        total = values[start]
        for value in values[start + 1 :]:
            total = ARITHMETIC.add(total, value)
            yield total
