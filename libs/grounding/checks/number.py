"""Checks that every number of the statement is borne out by the cited passages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.rate import agreed_rates
from grounding.checks.wording import differs
from grounding.numbers.clock import times_of_day
from grounding.numbers.derived import derived_at
from grounding.numbers.quantities import Quantity, courses, quantities, quantities_at
from grounding.numbers.rates import OFTEN
from grounding.text.words import clip

_NAME: Final = "number_not_in_evidence"
_MOST: Final = 60
"""Different numbers of one note: each is compared with all of the evidence."""


def _number_not_in_evidence(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    claimed = _claimed(case)
    if not claimed:
        return None
    told = [one for quote in case.quotes for one in _told(quote)]
    speaking = Decimal(len({one.segment.speaker for one in case.citations.found}))
    claimed = list(dict.fromkeys(one for one in claimed if not _counts_speakers(one, speaking)))
    if len(claimed) > _MOST:
        reason = (
            f"A note tells no more than {_MOST} different numbers; this one has {len(claimed)}."
        )
        return differs(_NAME, case, claimed[_MOST].text, reason)
    wrong = next((one for one in claimed if not _is_borne_out(one, told)), _turned_round(case))
    if wrong is None:
        return None
    return differs(
        _NAME,
        case,
        wrong.text,
        f"The cited passage does not say “{clip(wrong.text, 40)}”.",
    )


def _counts_speakers(claimed: Quantity, speaking: Decimal) -> bool:
    """Whether it is the "two" of "two friends": nobody says how many talk."""
    counts = claimed.unit is None and bool(claimed.noun) and claimed.values == {speaking}
    return counts and speaking > 1


def _claimed(case: Case) -> list[Quantity]:
    """The statement's quantities, without what others read.

    The "2" of the label "Speaker 2" counts nothing, and the evidence may tell rates and times of
    day in other numbers.
    """
    statement = case.draft.statement
    for label in case.labels:
        if any(character.isdigit() for character in label):
            pattern = rf"\b{re.escape(label)}\b"
            statement = re.sub(pattern, lambda found: " " * len(found.group()), statement)
    told = [one for quote in case.quotes for one in times_of_day(quote)]
    times = times_of_day(case.draft.statement)
    agreed = [(one.start, one.end) for one in agreed_rates(case) if one.counted == OFTEN]
    agreed += [(one.start, one.end) for one in times if any(map(one.agrees_with, told))]
    agreed += derived_at(statement, case.quotes)
    return [
        one
        for start, end, one in quantities_at(statement)
        if not any(begin <= start and end <= stop for begin, stop in agreed)
    ]


def _told(quote: str) -> list[Quantity]:
    """A quote's quantities, read with and without its pauses: "twenty, uh, five"."""
    read = dict.fromkeys(quantities(quote) + quantities(quote, across_pauses=True))
    return [*read, *(part for one in read for part in one.parts)]


def _is_borne_out(claimed: Quantity, told: Sequence[Quantity]) -> bool:
    if claimed.parts and all(_is_borne_out(part, told) for part in claimed.parts):
        return True
    agreeing = [one for one in told if claimed.agrees_with(one) and _bounds_agree(claimed, one)]
    rivals = [one for one in told if claimed.rivals(one)]
    # "Fired two people and hired five": what a bare number counts was told before.
    bare = any(not (one.unit or one.noun or one.is_weak) for one in agreeing)
    if rivals and not bare and not any(rival in agreeing for rival in rivals):
        return False
    return bool(agreeing) or claimed.is_weak


def _bounds_agree(claimed: Quantity, told: Quantity) -> bool:
    """Whether "more than 40" is not told as "40", nor "40" as "more than 40".

    "Over two weeks" may only mean how long it took.
    """
    lasts = claimed.unit is not None and claimed.unit.base in {"time", "month"}
    return claimed.bound is told.bound or (lasts and None in {claimed.bound, told.bound})


def _turned_round(case: Case) -> Quantity | None:
    """The start of "from 60 to 40", told of what went from 40 to 60."""
    told = [one for quote in case.quotes for one in courses(quote)]
    for start, end in courses(case.draft.statement):
        same = any(start.agrees_with(a) and end.agrees_with(b) for a, b in told)
        turned = any(start.agrees_with(b) and end.agrees_with(a) for a, b in told)
        if turned and not same:
            return start
    return None


NUMBER_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Every number in the statement stands in the cited passages, in figures or in words, and "
    "counts the same thing.",
    _number_not_in_evidence,
)
