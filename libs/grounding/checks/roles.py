"""Checks, where a parser is at hand, that who did it to whom was not turned round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.parsed import claimed, readings
from grounding.checks.wording import differs, shown
from grounding.syntax.clauses import Clause, Doing, Kind, Parser
from grounding.text.lemmas import lemma
from grounding.text.terms import terms

_NAME: Final = "roles_swapped"


def _roles_swapped(case: Case) -> CheckFailure | None:
    if not case.is_cited or case.parse is None:
        return None
    statement = claimed(case, case.parse)
    for clause in statement.clauses:
        told = list(_told(case, case.parse, clause))
        reverse = next((one for one in told if clause.reverses(one)), None)
        if reverse is not None and not any(clause.repeats(one) for one in told):
            return differs(
                _NAME,
                case,
                clause.text,
                f"The cited passage says {shown(reverse.text)}, the other way round.",
            )
    for doing in statement.doings:
        other = _done_by_another(case, case.parse, doing)
        if other is not None:
            return differs(_NAME, case, doing.text, f"The cited passage says {shown(other.text)}.")
    return None


def _done_by_another(case: Case, parse: Parser, doing: Doing) -> Doing | None:
    """Who did it according to the evidence, if that also tells what the one named did instead.

    "My mother was a nurse and my father drove trucks": the father was no nurse.
    """
    if doing.who.kind is not Kind.THING:
        return None
    told = [
        one
        for sentence, reading in readings(case, parse, doing.told)
        if any(one.key == lemma(doing.who.lemma) for one in terms(sentence))
        for one in reading.doings
    ]
    same = [one for one in told if one.told == doing.told]
    names_both = any(doing.who.surely_is(one.who) for one in told)
    if not same or not names_both:
        return None
    return same[0] if all(doing.who.is_other_than(one.who) for one in same) else None


def _told(case: Case, parse: Parser, clause: Clause) -> Iterator[Clause]:
    """The evidence's clauses with the claim's verb."""
    for _, reading in readings(case, parse, clause.verb.split()[0]):
        yield from (one for one in reading.clauses if one.verb == clause.verb)


ROLES_SWAPPED = Check(
    _NAME,
    "Who did it and whom it was done to are not turned round: “he paid her” is not “she paid "
    "him” (heavy mode).",
    _roles_swapped,
    is_heavy=True,
)
