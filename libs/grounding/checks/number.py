"""Check that every number of the statement is in the cited passages or follows from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure
from grounding.checks.rate import find_shared_rates
from grounding.numbers.clock import find_times_of_day
from grounding.numbers.derived import find_derived_numbers
from grounding.numbers.quantities import (
    Quantity,
    find_quantities,
    find_quantity_ranges,
    locate_quantities,
)
from grounding.numbers.rates import OCCURRENCES
from grounding.text.words import truncate_text

_NAME: Final = "number_not_in_evidence"
_MAX_NUMBERS: Final = 60
"""Different numbers of one note: each is compared with all of the evidence."""


def _number_not_in_evidence(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    claimed = _list_claimed_quantities(context)
    if not claimed:
        return None
    in_evidence = [one for quote in context.quotes for one in _list_evidence_quantities(quote)]
    speaking = Decimal(len({one.segment.speaker for one in context.citations.found}))
    claimed = list(dict.fromkeys(one for one in claimed if not _counts_speakers(one, speaking)))
    if len(claimed) > _MAX_NUMBERS:
        found = len(claimed)
        reason = f"A note has at most {_MAX_NUMBERS} different numbers; this one has {found}."
        return build_claim_failure(_NAME, context, claimed[_MAX_NUMBERS].text, reason)
    wrong = next(
        (one for one in claimed if not _is_supported(one, in_evidence)),
        _find_reversed_range(context),
    )
    if wrong is None:
        return None
    return build_claim_failure(
        _NAME,
        context,
        wrong.text,
        f"The cited passage does not say “{truncate_text(wrong.text, 40)}”.",
    )


def _counts_speakers(claimed: Quantity, speaking: Decimal) -> bool:
    """Return whether a number is the "two" of "two friends": nobody says how many are talking."""
    counts = claimed.unit is None and bool(claimed.noun) and claimed.values == {speaking}
    return counts and speaking > 1


def _list_claimed_quantities(context: CheckContext) -> list[Quantity]:
    """Return the statement's quantities, without those that other checks compare.

    The "2" of the label "Speaker 2" counts nothing, and the evidence may word rates and times of
    day in other numbers.
    """
    statement = context.draft.statement
    for label in context.labels:
        if any(character.isdigit() for character in label):
            pattern = rf"\b{re.escape(label)}\b"
            statement = re.sub(pattern, lambda found: " " * len(found.group()), statement)
    in_evidence = [one for quote in context.quotes for one in find_times_of_day(quote)]
    times = find_times_of_day(context.draft.statement)
    agreed = [
        (one.start, one.end) for one in find_shared_rates(context) if one.counted == OCCURRENCES
    ]
    agreed += [(one.start, one.end) for one in times if any(map(one.agrees_with, in_evidence))]
    agreed += find_derived_numbers(statement, context.quotes)
    return [
        one
        for start, end, one in locate_quantities(statement)
        if not any(begin <= start and end <= stop for begin, stop in agreed)
    ]


def _list_evidence_quantities(quote: str) -> list[Quantity]:
    """Return a quote's quantities, read with and without its pauses: "twenty, uh, five"."""
    read = dict.fromkeys(find_quantities(quote) + find_quantities(quote, across_pauses=True))
    return [*read, *(part for one in read for part in one.parts)]


def _is_supported(claimed: Quantity, in_evidence: Sequence[Quantity]) -> bool:
    if claimed.parts and all(_is_supported(part, in_evidence) for part in claimed.parts):
        return True
    agreeing = [
        one for one in in_evidence if claimed.agrees_with(one) and _bounds_agree(claimed, one)
    ]
    rivals = [one for one in in_evidence if claimed.counts_same_as(one)]
    # "Fired two people and hired five": what a bare number counts stands before it.
    bare = any(not (one.unit or one.noun or one.is_weak) for one in agreeing)
    if rivals and not bare and not any(rival in agreeing for rival in rivals):
        return False
    return bool(agreeing) or claimed.is_weak


def _bounds_agree(claimed: Quantity, in_evidence: Quantity) -> bool:
    """Return whether the bounds match: "more than 40" is neither "40" nor the other way round.

    "Over two weeks" may only mean how long it took.
    """
    lasts = claimed.unit is not None and claimed.unit.base in {"time", "month"}
    return claimed.bound is in_evidence.bound or (
        lasts and None in {claimed.bound, in_evidence.bound}
    )


def _find_reversed_range(context: CheckContext) -> Quantity | None:
    """Return the start of "from 60 to 40" where the evidence goes from 40 to 60."""
    in_evidence = [one for quote in context.quotes for one in find_quantity_ranges(quote)]
    for start, end in find_quantity_ranges(context.draft.statement):
        same = any(start.agrees_with(a) and end.agrees_with(b) for a, b in in_evidence)
        turned = any(start.agrees_with(b) and end.agrees_with(a) for a, b in in_evidence)
        if turned and not same:
            return start
    return None


NUMBER_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Every number in the statement stands in the cited passages, in figures or in words, and "
    "counts the same thing.",
    _number_not_in_evidence,
)
