"""Checks that the statement puts things at the time the evidence puts them."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.rate import is_agreed
from grounding.checks.scale import Scale, on_scales
from grounding.checks.wording import differs, shown
from grounding.numbers.clock import days_of_year, times_of_day
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import AMBIGUOUS_MONTHS
from grounding.vocabulary import scales

_NAME: Final = "time_differs"
_NAMED = (
    scales.DAYS,
    scales.TIMES_OF_DAY,
    {word: answer for word, answer in scales.MONTHS.items() if word not in AMBIGUOUS_MONTHS}
    | {month: word for word, month in AMBIGUOUS_MONTHS.items()},
    {word: answer for word, answer in scales.SEASONS.items() if word not in {"fall", "spring"}},
)
_SCALES = (
    *(Scale(named, strong=frozenset(named.values())) for named in _NAMED),
    Scale(scales.SPANS),
    Scale(scales.ORDERS),
    Scale(scales.NEARNESS),
    Scale(scales.PACE),
)


def _is_counted(case: Case, laid: Laid, at: int) -> bool:
    """Whether it is the unit of a quantity, as in "half an hour": numbers are read elsewhere."""
    if laid.sentence[at].text not in scales.SPANS:
        return False
    if is_agreed(case, laid.sentence[at].place):
        return True
    before = [one.text for one in laid.sentence[max(0, at - 2) : at]]
    return any(
        one in {"a", "an", "half"} or one in NUMBER_WORDS or one[:1].isdigit() for one in before
    )


_on_scales = on_scales(_NAME, _SCALES, skip=_is_counted)


def _time_differs(case: Case) -> CheckFailure | None:
    return _on_scales(case) or (_moment_differs(case) if case.is_cited else None)


def _moment_differs(case: Case) -> CheckFailure | None:
    """A time of day in the other half of the day, or a day that is not the evidence's."""
    statement = case.draft.statement
    hours = [one for quote in case.quotes for one in times_of_day(quote)]
    days = [one for quote in case.quotes for one in days_of_year(quote)]
    rivals = [
        (claimed, [one for one in hours if one.place == claimed.place])
        for claimed in times_of_day(statement)
    ] + [(claimed, days) for claimed in days_of_year(statement)]
    for claimed, others in rivals:
        if others and not any(claimed.agrees_with(one) for one in others):
            reason = f"The cited passage says {shown(others[0].text)} there."
            return differs(_NAME, case, claimed.text, reason)
    return None


TIME_DIFFERS = Check(
    _NAME,
    "Days, dates, months, seasons, times of day, spans and orders of time in the statement are "
    "those of the evidence.",
    _time_differs,
)
