"""Check that every number of the statement is in the cited passages or follows from them.

Two checks share the comparison. A number that the evidence contradicts refuses the note. One that
is only missing may be a sum, a count of what is listed, or rounded: it gives reason to doubt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.checks.number_conflict import find_conflicting_quantity
from grounding.checks.rate import find_shared_rates
from grounding.numbers.approximation import is_near_bound
from grounding.numbers.clock import find_times_of_day
from grounding.numbers.derived import find_derived_numbers
from grounding.numbers.quantities import (
    Quantity,
    find_quantities,
    find_quantity_ranges,
    locate_quantities,
)
from grounding.numbers.rates import OCCURRENCES

_NAME: Final = "number_not_in_evidence"
_DOUBT_NAME: Final = "number_may_follow"
_MAX_NUMBERS: Final = 60
"""Different numbers of one note: each is compared with all of the evidence."""


def _number_not_in_evidence(context: CheckContext) -> CheckFailure | None:
    found = _compare_numbers(context)
    if found.contradicted is None:
        return None
    return build_claim_failure(_NAME, context, found.contradicted, found.reason)


def _number_may_follow(context: CheckContext) -> CheckFailure | None:
    found = _compare_numbers(context)
    if found.missing is None or found.contradicted is not None:
        return None
    said = quote_word(found.missing)
    reason = f"The cited passage does not say {said}."
    return build_claim_failure(_DOUBT_NAME, context, found.missing, reason)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What is wrong with a statement's numbers.

    Attributes:
        contradicted: the first number that cannot be true, if there is one.
        reason: why it cannot.
        missing: the first number that the evidence does not have, if there is one.
    """

    contradicted: str | None = None
    reason: str = ""
    missing: str | None = None


def _compare_numbers(context: CheckContext) -> _Comparison:
    if not context.is_cited:
        return _Comparison()
    claimed = _list_claimed_quantities(context)
    if not claimed:
        return _Comparison()
    said = tuple(
        one for quote in context.quotes_with_questions for one in _list_evidence_quantities(quote)
    )
    speaking = Decimal(len({one.segment.speaker for one in context.citations.found}))
    claimed = list(dict.fromkeys(one for one in claimed if not _counts_speakers(one, speaking)))
    if len(claimed) > _MAX_NUMBERS:
        found = len(claimed)
        reason = f"A note has at most {_MAX_NUMBERS} different numbers; this one has {found}."
        return _Comparison(claimed[_MAX_NUMBERS].text, reason)
    missing = [one for one in claimed if not _is_supported(one, said)]
    for one in missing:
        rival = find_conflicting_quantity(context, one, said)
        if rival is not None:
            reason = f"The cited passage says {quote_word(rival.text)}, not {quote_word(one.text)}."
            return _Comparison(one.text, reason)
    turned = _find_reversed_range(context)
    if turned is not None:
        reason = f"The cited passage does not say {quote_word(turned.text)}: it goes the other way."
        return _Comparison(turned.text, reason)
    return _Comparison(missing=missing[0].text if missing else None)


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
        if label in statement and any(character.isdigit() for character in label):
            pattern = rf"\b{re.escape(label)}\b"
            statement = re.sub(pattern, lambda found: " " * len(found.group()), statement)
    in_evidence = [
        one for quote in context.quotes_with_questions for one in find_times_of_day(quote)
    ]
    times = find_times_of_day(context.draft.statement)
    agreed = [
        (one.start, one.end) for one in find_shared_rates(context) if one.counted == OCCURRENCES
    ]
    agreed += [(one.start, one.end) for one in times if any(map(one.agrees_with, in_evidence))]
    agreed += find_derived_numbers(statement, context.quotes_with_questions)
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
        one
        for one in in_evidence
        if (claimed.agrees_with(one) and _bounds_agree(claimed, one)) or is_near_bound(claimed, one)
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
    in_evidence = [
        one for quote in context.quotes_with_questions for one in find_quantity_ranges(quote)
    ]
    for start, end in find_quantity_ranges(context.draft.statement):
        same = any(start.agrees_with(a) and end.agrees_with(b) for a, b in in_evidence)
        turned = any(start.agrees_with(b) and end.agrees_with(a) for a, b in in_evidence)
        if turned and not same:
            return start
    return None


NUMBER_NOT_IN_EVIDENCE = Check(
    _NAME,
    "No number in the statement is another than the cited passages give for the same thing, in "
    "figures or in words.",
    _number_not_in_evidence,
)
NUMBER_MAY_FOLLOW = Check(
    _DOUBT_NAME,
    "Every number in the statement stands in the cited passages and counts the same thing; one "
    "that is worked out or rounded may be right.",
    _number_may_follow,
    is_doubt=True,
    bars_proof=True,
)
