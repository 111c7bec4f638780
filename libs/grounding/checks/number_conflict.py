"""Find the number of the evidence that a statement's number contradicts.

A number that the evidence lacks may still be true: it is a sum, a rounded one, what is left over,
or how many things somebody lists. It contradicts the evidence where that gives another number of
the same unit or the same noun, in a sentence about the same, and the two cannot be reconciled.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.checks.base import CheckContext
from grounding.checks.content import needs_no_evidence
from grounding.numbers.approximation import (
    APPROXIMATE_WORDS,
    is_number_without_unit,
    is_share,
    may_be_rounded,
)
from grounding.numbers.derivable import may_be_derived
from grounding.numbers.quantities import Quantity, find_quantities, locate_quantities
from grounding.numbers.units import FRACTIONS, NUMBER_WORDS, ORDINALS, UNITS
from grounding.text.terms import Term, split_terms
from grounding.text.words import parse_word_list, split_at_full_stops

_AROUND: Final = 8
"""Terms on either side of a number of the evidence that tell what it is about."""
_NEAREST: Final = 3
"""Content words on either side of a number of the statement that do."""
_MIN_SHARED: Final = 2
_DENYING: Final = parse_word_list("not instead than rather without never nor no except besides")
_BEFORE: Final = 3
_ORDERED: Final = frozenset({"place", "order", "decade"})
_NUMERALS: Final = NUMBER_WORDS | FRACTIONS.keys() | ORDINALS.keys() | UNITS.keys()


@dataclass(frozen=True, slots=True)
class _NumberInContext:
    """Quantity with the lemmas that stand around it in its sentence."""

    quantity: Quantity
    nearest: frozenset[str]
    around: frozenset[str]
    before: tuple[str, ...]


def find_conflicting_quantity(
    context: CheckContext, claimed: Quantity, said: tuple[Quantity, ...]
) -> Quantity | None:
    """Return a number in the quotes that contradicts a number of the statement, or None.

    Args:
        context: what is judged.
        claimed: a quantity of the statement that the evidence does not have.
        said: the evidence's quantities.
    """
    if not _may_contradict(claimed):
        return None
    if not any(map(claimed.agrees_with, said)) and may_be_derived(claimed, said):
        return None
    if any(_is_same_amount(claimed, one) for one in _list_uncited(context)):
        return None
    speakers = frozenset(term.key for label in context.labels for term in split_terms(label))
    all_stated = _list_in_context(context.draft.statement)
    for stated in all_stated:
        if stated.quantity != claimed or _DENYING & {*stated.before}:
            continue
        also = [one.quantity for one in all_stated if one is not stated]
        rivals = (
            one.quantity
            for quote in context.quotes_with_questions
            for one in _list_in_context(quote)
            if _is_rival(stated, one, speakers)
            and not any(_is_same_amount(two, one.quantity) for two in also)
        )
        return next(rivals, None)
    return None


def _may_contradict(claimed: Quantity) -> bool:
    """Return whether a quantity says plainly how much of what."""
    if claimed.is_weak or (claimed.parts and not claimed.is_part) or len(claimed.values) > 1:
        return False
    is_ordered = claimed.unit is not None and claimed.unit.base in _ORDERED
    return bool(claimed.noun) if is_ordered else True


def _list_uncited(context: CheckContext) -> tuple[Quantity, ...]:
    """Return the quantities of the cited speakers' other turns, and of the cited turns' neighbours.

    A note may be right, and only have cited too little.
    """
    cited = {one.segment.number for one in context.citations.found}
    speakers = {one.segment.speaker for one in context.citations.found}
    near = {number + step for number in cited for step in (-1, 0, 1)}
    return tuple(
        quantity
        for one in (*context.chunk.context, *context.chunk.segments)
        if one.speaker in speakers or one.number in near
        for quantity in find_quantities(one.text)
    )


def _is_same_amount(claimed: Quantity, other: Quantity) -> bool:
    return claimed.agrees_with(other) and (
        is_number_without_unit(claimed) or claimed.counts_same_as(other)
    )


@lru_cache(maxsize=256)
def _list_in_context(text: str) -> tuple[_NumberInContext, ...]:
    return tuple(
        one for sentence in split_at_full_stops(text) for one in _iter_in_sentence(sentence)
    )


def _iter_in_sentence(sentence: str) -> Iterator[_NumberInContext]:
    terms = split_terms(sentence)
    places = [one.place for one in terms]
    for start, end, quantity in locate_quantities(sentence):
        begin, after = bisect_left(places, start), bisect_right(places, end - 1)
        left = [one.key for one in terms[max(0, begin - _AROUND) : begin] if _is_telling(one)]
        right = [one.key for one in terms[after : after + _AROUND] if _is_telling(one)]
        yield _NumberInContext(
            quantity,
            nearest=frozenset((*left[-_NEAREST:], *right[:_NEAREST])),
            around=frozenset((*left, *right)),
            before=tuple(one.text for one in terms[max(0, begin - _BEFORE) : begin]),
        )


def _is_telling(term: Term) -> bool:
    is_number = term.text in _NUMERALS or term.text[:1].isdigit()
    is_about = term.is_content and not needs_no_evidence(term.text)
    return is_about and not is_number and term.text not in APPROXIMATE_WORDS


def _is_rival(stated: _NumberInContext, said: _NumberInContext, speakers: AbstractSet[str]) -> bool:
    claimed, other = stated.quantity, said.quantity
    if len(other.values) > 1 or not (_is_other_unit(claimed, other) or _differs(stated, other)):
        return False
    about = stated.nearest - speakers
    shared = about & said.around
    is_about = bool(shared) and len(shared) >= min(_MIN_SHARED, len(about))
    return is_about and 2 * len(shared) >= len(about)


def _differs(stated: _NumberInContext, other: Quantity) -> bool:
    """Return whether two quantities count the same, and cannot be reconciled."""
    claimed = stated.quantity
    if not (_counts_alike(claimed, other) or (is_share(claimed) and is_share(other))):
        return False
    is_rough = bool(APPROXIMATE_WORDS & {*stated.before})
    return not claimed.agrees_with(other) and not may_be_rounded(claimed, other, is_rough=is_rough)


def _is_other_unit(claimed: Quantity, other: Quantity) -> bool:
    """Return whether the same value is given in another unit: "40 euros" for "40 dollars"."""
    if claimed.unit is None or other.unit is None or claimed.unit.base == other.unit.base:
        return False
    return (
        bool(claimed.values & other.values)
        and not {
            claimed.unit.base,
            other.unit.base,
        }
        & _ORDERED
    )


def _counts_alike(claimed: Quantity, other: Quantity) -> bool:
    """Return whether two quantities count the same: by unit, by noun, or both by none."""
    if (claimed.unit is None) != (other.unit is None):
        return False
    if claimed.unit is not None and claimed.noun != other.noun:
        return False  # "the third floor" and "the second time"
    if is_number_without_unit(claimed):
        return not other.noun and not other.is_weak
    return claimed.counts_same_as(other) and not (other.is_weak and other.unit is None)
