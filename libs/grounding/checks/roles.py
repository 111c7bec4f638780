"""Check, with a parser, that who did it to whom was not swapped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.checks.parsed_text import parse_evidence, parse_statement
from grounding.syntax.clauses import Assertion, Clause, PartyKind, SyntaxParser
from grounding.text.lemmas import get_lemma
from grounding.text.terms import split_terms

_NAME: Final = "roles_swapped"


def _roles_swapped(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited or context.parse is None:
        return None
    statement = parse_statement(context, context.parse)
    for clause in statement.clauses:
        in_evidence = list(_find_clauses(context, context.parse, clause))
        reverse = next((one for one in in_evidence if clause.reverses_roles_of(one)), None)
        if reverse is not None and not any(clause.may_equal(one) for one in in_evidence):
            return build_claim_failure(
                _NAME,
                context,
                clause.text,
                f"The cited passage says {quote_word(reverse.text)}, the other way round.",
            )
    for doing in statement.assertions:
        other = _find_other_subject(context, context.parse, doing)
        if other is not None:
            return build_claim_failure(
                _NAME, context, doing.text, f"The cited passage says {quote_word(other.text)}."
            )
    return None


def _find_other_subject(
    context: CheckContext, parse: SyntaxParser, doing: Assertion
) -> Assertion | None:
    """Return who did it by the evidence, if that also says what the named one did instead.

    "My mother was a nurse and my father drove trucks": the father was no nurse.
    """
    if doing.subject.kind is not PartyKind.THING:
        return None
    in_evidence = [
        one
        for sentence, reading in parse_evidence(context, parse, doing.predicate)
        if any(one.key == get_lemma(doing.subject.lemma) for one in split_terms(sentence))
        for one in reading.assertions
    ]
    same = [one for one in in_evidence if one.predicate == doing.predicate]
    names_both = any(doing.subject.is_certainly(one.subject) for one in in_evidence)
    if not same or not names_both:
        return None
    return same[0] if all(doing.subject.differs_from(one.subject) for one in same) else None


def _find_clauses(context: CheckContext, parse: SyntaxParser, clause: Clause) -> Iterator[Clause]:
    """Yield the evidence's clauses with the claim's verb."""
    for _, reading in parse_evidence(context, parse, clause.verb.split()[0]):
        yield from (one for one in reading.clauses if one.verb == clause.verb)


ROLES_SWAPPED = Check(
    _NAME,
    "Who did it and whom it was done to are not turned round: “he paid her” is not “she paid "
    "him” (heavy mode).",
    _roles_swapped,
    is_heavy=True,
    is_doubt=True,
)
