"""Checks that the statement tells how often, and how much per what, as the evidence does."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs, shown
from grounding.numbers.rates import Rate, rates

_NAME: Final = "rate_differs"


def agreed_rates(case: Case) -> list[Rate]:
    """The statement's rates that the evidence has too, in whatever words."""
    return _agreed(case.draft.statement, case.quotes)


@lru_cache(maxsize=64)
def _agreed(statement: str, quotes: tuple[str, ...]) -> list[Rate]:
    told = [one for quote in quotes for one in rates(quote)]
    there = {(one.counted, one.value, one.base) for one in told}
    return [one for one in rates(statement) if (one.counted, one.value, one.base) in there]


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
        if rivals and claimed not in agreed_rates(case):
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
