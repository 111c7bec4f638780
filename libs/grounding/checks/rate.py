"""Check that the statement has the same frequencies and rates as the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.numbers.approximation import APPROXIMATE_WORDS, is_approximately_equal
from grounding.numbers.rates import FrequencyRate, find_frequency_rates
from grounding.text.words import split_spoken_words

_NAME: Final = "rate_differs"
_BEFORE: Final = 3


def find_shared_rates(context: CheckContext) -> list[FrequencyRate]:
    """Return the rates, such as "twice a week", that occur in a statement and in its quotes."""
    return _find_agreed(context.draft.statement, context.quotes)


@lru_cache(maxsize=64)
def _find_agreed(statement: str, quotes: tuple[str, ...]) -> list[FrequencyRate]:
    in_evidence = [one for quote in quotes for one in find_frequency_rates(quote)]
    there = {(one.counted, one.value, one.base) for one in in_evidence}
    return [
        one
        for one in find_frequency_rates(statement)
        if (one.counted, one.value, one.base) in there
    ]


def is_within_shared_rate(context: CheckContext, place: int) -> bool:
    """Return whether a position in a statement is within a rate that its quotes contain too."""
    return any(one.start <= place < one.end for one in find_shared_rates(context))


def _list_evidence_rates(context: CheckContext) -> list[FrequencyRate]:
    return [one for quote in context.quotes for one in find_frequency_rates(quote)]


def _rate_differs(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    in_evidence = _list_evidence_rates(context)
    for claimed in find_frequency_rates(context.draft.statement):
        rivals = [one for one in in_evidence if claimed.counts_same_as(one)]
        if _is_rounded(context.draft.statement, claimed, rivals):
            continue
        if rivals and claimed not in find_shared_rates(context):
            return build_claim_failure(
                _NAME,
                context,
                claimed.text,
                f"The cited passage says {quote_word(rivals[0].text)}, "
                f"not {quote_word(claimed.text)}.",
            )
    return None


def _is_rounded(statement: str, claimed: FrequencyRate, rivals: Sequence[FrequencyRate]) -> bool:
    """Return whether a rate is said to be rough, and near one of others: "about $2,000 a month"."""
    before = [one.text for one in split_spoken_words(statement[: claimed.start])[-_BEFORE:]]
    return not APPROXIMATE_WORDS.isdisjoint(before) and any(
        one.base == claimed.base and is_approximately_equal(claimed.value, one.value, is_rough=True)
        for one in rivals
    )


RATE_DIFFERS = Check(
    _NAME,
    "“Twice a week” is not “twice a month”, and “every other day” is not “daily”.",
    _rate_differs,
)
