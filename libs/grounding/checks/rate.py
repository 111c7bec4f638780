"""Checks that the statement tells how often, and how much per what, as the evidence does."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs, shown
from grounding.rates import Rate, rates

_NAME: Final = "rate_differs"


def agreed_rates(case: Case) -> list[Rate]:
    """The statement's rates that the evidence has too, in whatever words."""
    told = _told(case)
    return [
        claimed
        for claimed in rates(case.draft.statement)
        if any(claimed.agrees_with(one) for one in told)
    ]


def is_agreed(case: Case, place: int) -> bool:
    """Whether the character at a place of the statement belongs to a rate the evidence has."""
    return any(one.start <= place < one.end for one in agreed_rates(case))


def _told(case: Case) -> list[Rate]:
    return [one for quote in case.quotes for one in rates(quote)]


def _rate_differs(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    told = _told(case)
    for claimed in rates(case.draft.statement):
        rivals = [one for one in told if claimed.rivals(one)]
        if rivals and not any(claimed.agrees_with(one) for one in rivals):
            return differs(
                _NAME,
                case,
                claimed.text,
                (f"The cited passage says {shown(rivals[0].text)}, not {shown(claimed.text)}."),
            )
    return None


RATE_DIFFERS = Check(
    _NAME,
    "“Twice a week” is not “twice a month”, and “every other day” is not “daily”.",
    _rate_differs,
)
