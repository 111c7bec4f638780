"""Checks that what is compared, preferred, left or caused is not turned round."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs, shown
from grounding.syntax.directions import directions

_NAME: Final = "order_turned"


def _order_turned(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    for claimed in directions(case.draft.statement):
        told = [
            one
            for quote in case.quotes
            for one in directions(quote)
            if (one.word, one.what) == (claimed.word, claimed.what)
        ]
        turned = any(claimed.turns(one) for one in told)
        if turned and not any(claimed.keeps(one) for one in told):
            return differs(
                _NAME,
                case,
                case.draft.statement,
                (
                    f"The cited passage has the two sides of {shown(claimed.word)} the other "
                    "way round."
                ),
            )
    return None


ORDER_TURNED = Check(
    _NAME,
    "Which of two is louder, preferred, left, first or the cause is told as the evidence tells it: "
    "“from York to Leeds” is not “from Leeds to York”.",
    _order_turned,
)
