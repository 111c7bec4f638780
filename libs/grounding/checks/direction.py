"""Check that the two sides of a comparison, a preference, a move or a cause are not swapped."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.syntax.directions import find_directed_relations

_NAME: Final = "order_turned"


def _order_turned(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    for claimed in find_directed_relations(context.draft.statement):
        in_evidence = [
            one
            for quote in context.quotes
            for one in find_directed_relations(quote)
            if (one.word, one.what) == (claimed.word, claimed.what)
        ]
        turned = any(claimed.is_reversed_in(one) for one in in_evidence)
        if turned and not any(claimed.has_same_order_as(one) for one in in_evidence):
            return build_claim_failure(
                _NAME,
                context,
                context.draft.statement,
                (
                    f"The cited passage has the two sides of {quote_word(claimed.word)} the other "
                    "way round."
                ),
            )
    return None


ORDER_TURNED = Check(
    _NAME,
    "Which of two is louder, preferred, left, first or the cause is the same as in the evidence: "
    "“from York to Leeds” is not “from Leeds to York”.",
    _order_turned,
    is_doubt=True,
)
