"""Checks that every number of the statement is borne out by the cited passages."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.quantities import Quantity, quantities
from grounding.words import clip


def _number_not_in_evidence(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    claimed = quantities(case.draft.statement)
    if not claimed:
        return None
    told = [one for quote in case.quotes for one in _told(quote)]
    wrong = next((one for one in claimed if not _is_borne_out(one, told)), None)
    if wrong is None:
        return None
    return CheckFailure(
        check="number_not_in_evidence",
        reason=f"The cited passage does not say “{clip(wrong.text, 40)}”.",
        claim=wrong.text,
        evidence=clip(" … ".join(case.quotes)),
    )


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
