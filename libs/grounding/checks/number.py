"""Checks that every number of the statement is borne out by the cited passages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.quantities import Quantity, quantities
from grounding.words import clip


def _number_not_in_evidence(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    claimed = quantities(_without_labels(case))
    if not claimed:
        return None
    told = [one for quote in case.quotes for one in _told(quote)]
    speaking = Decimal(len({one.segment.speaker for one in case.citations.found}))
    claimed = tuple(one for one in claimed if not _counts_speakers(one, speaking))
    wrong = next((one for one in claimed if not _is_borne_out(one, told)), None)
    if wrong is None:
        return None
    return CheckFailure(
        check="number_not_in_evidence",
        reason=f"The cited passage does not say “{clip(wrong.text, 40)}”.",
        claim=wrong.text,
        evidence=clip(" … ".join(case.quotes)),
    )


def _counts_speakers(claimed: Quantity, speaking: Decimal) -> bool:
    """Whether it is the "two" of "two friends": nobody says how many talk."""
    counts = claimed.unit is None and bool(claimed.noun) and claimed.values == {speaking}
    return counts and speaking > 1


def _without_labels(case: Case) -> str:
    """The statement without speakers' labels: the 2 of "Speaker 2" counts nothing."""
    statement = case.draft.statement
    for label in case.labels:
        if any(character.isdigit() for character in label):
            statement = re.sub(rf"\b{re.escape(label)}\b", "", statement)
    return statement


def _told(quote: str) -> list[Quantity]:
    """A quote's quantities, read with and without its pauses: "twenty, uh, five"."""
    read = dict.fromkeys(quantities(quote) + quantities(quote, across_pauses=True))
    return [*read, *(part for one in read for part in one.parts)]


def _is_borne_out(claimed: Quantity, told: Sequence[Quantity]) -> bool:
    if claimed.parts and all(_is_borne_out(part, told) for part in claimed.parts):
        return True
    agreeing = [one for one in told if claimed.agrees_with(one)]
    rivals = [one for one in told if claimed.rivals(one)]
    if rivals and not any(rival in agreeing for rival in rivals):
        return False
    return bool(agreeing) or claimed.is_weak


NUMBER_NOT_IN_EVIDENCE = Check(
    "number_not_in_evidence",
    "Every number in the statement stands in the cited passages, in figures or in words, and "
    "counts the same thing.",
    _number_not_in_evidence,
)
