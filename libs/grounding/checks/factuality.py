"""Check, with a parser, that a wish, a plan or a supposition is not stated as a fact."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.checks.parsed_text import parse_evidence, parse_statement
from grounding.syntax.clauses import Factuality, Predicate, SyntaxParser
from grounding.text.lemmas import get_lemma
from grounding.text.terms import split_terms
from grounding.vocabulary.reporting import REPORTING_VERBS

_NAME: Final = "told_as_fact"
_UNREAL: Final = frozenset(
    {
        Factuality.DENIED,
        Factuality.WISHED,
        Factuality.PLANNED,
        Factuality.SUPPOSED,
        Factuality.ASKED,
        Factuality.TRIED,
        Factuality.MISSED,
        Factuality.FORMER,
    }
)
_SHARED: Final = 1


def _told_as_fact(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited or context.parse is None:
        return None
    about = {
        one.key for alignment in context.sentences for one in alignment.sentence if one.is_content
    }
    for stated in parse_statement(context, context.parse).predicates:
        if (
            not stated.is_main
            or stated.factuality is not Factuality.FACT
            or stated.lemma in REPORTING_VERBS
        ):
            continue
        in_evidence = list(
            _find_uses(context, context.parse, stated, about - {get_lemma(stated.lemma)})
        )
        unreal = _UNREAL | {Factuality.COMING} if stated.is_past else _UNREAL
        if in_evidence and all(one.factuality in unreal for one in in_evidence):
            return _build_failure(context, stated, in_evidence[0])
    return None


def _find_uses(
    context: CheckContext, parse: SyntaxParser, stated: Predicate, about: AbstractSet[str]
) -> Iterator[Predicate]:
    """Return the evidence's uses of a verb; none if no sentence of them is about the claim."""
    is_about = False
    in_evidence: list[Predicate] = []
    for sentence, reading in parse_evidence(context, parse, stated.lemma):
        is_about |= len(about & {one.key for one in split_terms(sentence)}) >= min(
            _SHARED, len(about)
        )
        in_evidence += [one for one in reading.predicates if one.lemma == stated.lemma]
    return iter(in_evidence if is_about else ())


def _build_failure(
    context: CheckContext, stated: Predicate, in_evidence: Predicate
) -> CheckFailure:
    return build_claim_failure(
        _NAME,
        context,
        stated.text,
        (
            f"The cited passage has {quote_word(in_evidence.text)} "
            f"{in_evidence.factuality.value}, "
            f"the statement {Factuality.FACT.value}."
        ),
    )


TOLD_AS_FACT = Check(
    _NAME,
    "What the evidence only wishes, plans, supposes or used to do, the statement does not state as "
    "done (heavy mode).",
    _told_as_fact,
    is_heavy=True,
)
