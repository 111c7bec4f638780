"""Checks that what was is not told as what is."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.scale import Scale, mismatches
from grounding.checks.wording import failure, shown
from grounding.text.sentence_alignment import Laid
from grounding.text.words import listed

_NAME: Final = "tense_differs"
_SCALE: Final = Scale(
    dict.fromkeys(("am", "is", "are"), "is") | dict.fromkeys(("was", "were"), "was"),
    may_become={"is": frozenset({"was"})},  # as told afterwards
)
_PAST: Final = listed("used was were had did formerly previously once no longer before ago past")


def _tense_differs(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    for laid in case.sentences:
        if not laid.is_close:
            continue
        found = next(mismatches(_SCALE, laid), None)
        if found is not None and found.instead is not None:
            reason = f"The cited passage says {shown(found.instead.text)} there."
            return failure(_NAME, case, laid, found.at, reason)
        at = _habit_told_as_present(laid)
        if at is not None:
            reason = "The cited passage says “used to”: it is so no longer."
            return failure(_NAME, case, laid, at, reason)
    return None


def _habit_told_as_present(laid: Laid) -> int | None:
    """The place of a verb before which the evidence has "used to" and the sentence no past."""
    if _PAST & {one.text for one in laid.sentence}:
        return None
    for at, place in laid.kept.items():
        before = [one.text for one in laid.told[max(0, place - 2) : place]]
        if before == ["used", "to"] and not laid.sentence[at].text.endswith("ed"):
            return at
    return None


TENSE_DIFFERS = Check(
    _NAME,
    "What the evidence tells as past, the statement does not tell as present.",
    _tense_differs,
)
