"""Checks that the statement puts things at the time the evidence puts them."""

from __future__ import annotations

from grounding.checks.frame import Case, Check
from grounding.checks.scale import Scale, on_scales
from grounding.laid import Laid
from grounding.measures import NUMBER_WORDS
from grounding.vocabulary import scales

_NAMED = (
    scales.DAYS,
    scales.TIMES_OF_DAY,
    {word: answer for word, answer in scales.MONTHS.items() if word != "march"},
    {word: answer for word, answer in scales.SEASONS.items() if word not in {"fall", "spring"}},
)
_SCALES = (
    *(Scale(named, strong=frozenset(named.values())) for named in _NAMED),
    Scale(scales.SPANS),
    Scale(scales.ORDERS),
    Scale(scales.NEARNESS),
    Scale(scales.PACE),
)


def _is_counted(_case: Case, laid: Laid, at: int) -> bool:
    """Whether it is the unit of a quantity, as in "half an hour": numbers are read elsewhere."""
    if laid.sentence[at].text not in scales.SPANS:
        return False
    before = [one.text for one in laid.sentence[max(0, at - 2) : at]]
    return any(
        one in {"a", "an", "half"} or one in NUMBER_WORDS or one[:1].isdigit() for one in before
    )


TIME_DIFFERS = Check(
    "time_differs",
    "Days, months, seasons, times of day, spans and orders of time in the statement are those of "
    "the evidence.",
    on_scales("time_differs", _SCALES, skip=_is_counted),
)
