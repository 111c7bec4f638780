"""Checks, where a parser is at hand, that who did it to whom was not turned round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.parsed import readings
from grounding.checks.wording import shown
from grounding.clauses import Clause, Parser
from grounding.words import clip

_NAME: Final = "roles_swapped"


def _roles_swapped(case: Case) -> CheckFailure | None:
    if not case.is_cited or case.parse is None:
        return None
    for claimed in case.parse(case.draft.statement).clauses:
        told = list(_told(case, case.parse, claimed))
        reverse = next((one for one in told if claimed.reverses(one)), None)
        if reverse is not None and not any(claimed.repeats(one) for one in told):
            return CheckFailure(
                check=_NAME,
                reason=f"The cited passage says {shown(reverse.text)}, the other way round.",
                claim=clip(claimed.text),
                evidence=clip(" … ".join(case.quotes)),
            )
    return None


def _told(case: Case, parse: Parser, claimed: Clause) -> Iterator[Clause]:
    """The evidence's clauses with the claim's verb."""
    for _, reading in readings(case, parse, claimed.verb.split()[0]):
        yield from (one for one in reading.clauses if one.verb == claimed.verb)


ROLES_SWAPPED = Check(
    _NAME,
    "Who did it and whom it was done to are not turned round: “he paid her” is not “she paid "
    "him” (heavy mode).",
    _roles_swapped,
    is_heavy=True,
)
