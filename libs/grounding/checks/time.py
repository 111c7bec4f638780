"""Check that the statement has the times and dates of the evidence."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.checks.rate import is_within_shared_rate
from grounding.checks.scale import WordScale, build_scale_check
from grounding.numbers.clock import find_days_of_year, find_times_of_day
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import SentenceAlignment
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
    *(WordScale(named, strong=frozenset(named.values())) for named in _NAMED),
    WordScale(scales.SPANS),
    WordScale(scales.ORDERS),
    WordScale(scales.NEARNESS),
    WordScale(scales.PACE),
)


def _is_unit_of_quantity(context: CheckContext, alignment: SentenceAlignment, at: int) -> bool:
    """Whether it is the unit of a quantity ("half an hour"), which the check of numbers reads."""
    if alignment.sentence[at].text not in scales.SPANS:
        return False
    if is_within_shared_rate(context, alignment.sentence[at].place):
        return True
    before = [one.text for one in alignment.sentence[max(0, at - 2) : at]]
    return any(
        one in {"a", "an", "half"} or one in NUMBER_WORDS or one[:1].isdigit() for one in before
    )


_check_scales = build_scale_check(_NAME, _SCALES, skip=_is_unit_of_quantity)


def _time_differs(context: CheckContext) -> CheckFailure | None:
    return _check_scales(context) or (_check_moments(context) if context.is_cited else None)


def _check_moments(context: CheckContext) -> CheckFailure | None:
    """Return a failure for a time of day or a date that contradicts the evidence's."""
    statement = context.draft.statement
    hours = [one for quote in context.quotes for one in find_times_of_day(quote)]
    days = [one for quote in context.quotes for one in find_days_of_year(quote)]
    rivals = [
        (claimed, [one for one in hours if one.place == claimed.place])
        for claimed in find_times_of_day(statement)
    ] + [(claimed, days) for claimed in find_days_of_year(statement)]
    for claimed, others in rivals:
        if others and not any(claimed.agrees_with(one) for one in others):
            reason = f"The cited passage says {quote_word(others[0].text)} there."
            return build_claim_failure(_NAME, context, claimed.text, reason)
    return None


TIME_DIFFERS = Check(
    _NAME,
    "Days, dates, months, seasons, times of day, spans and orders of time in the statement are "
    "those of the evidence.",
    _time_differs,
    is_doubt=True,
)
