"""Checks, where a parser is at hand, that a wish, a plan or a supposition is not told as a fact."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.parsed import claimed, readings
from grounding.checks.wording import differs, shown
from grounding.syntax.clauses import Parser, Predicate, Status
from grounding.text.lemmas import lemma
from grounding.text.terms import terms
from grounding.vocabulary.telling import TELLING

_NAME: Final = "told_as_fact"
_UNREAL: Final = frozenset(
    {
        Status.DENIED,
        Status.WISHED,
        Status.PLANNED,
        Status.SUPPOSED,
        Status.ASKED,
        Status.TRIED,
        Status.MISSED,
        Status.FORMER,
    }
)
_SHARED: Final = 1


def _told_as_fact(case: Case) -> CheckFailure | None:
    if not case.is_cited or case.parse is None:
        return None
    about = {one.key for laid in case.sentences for one in laid.sentence if one.is_content}
    for stated in claimed(case, case.parse).predicates:
        if not stated.is_main or stated.status is not Status.FACT or stated.lemma in TELLING:
            continue
        told = list(_told(case, case.parse, stated, about - {lemma(stated.lemma)}))
        unreal = _UNREAL | {Status.COMING} if stated.is_past else _UNREAL
        if told and all(one.status in unreal for one in told):
            return _failure(case, stated, told[0])
    return None


def _told(
    case: Case, parse: Parser, stated: Predicate, about: AbstractSet[str]
) -> Iterator[Predicate]:
    """The evidence's uses of a verb; none if no sentence of them is about what is claimed."""
    is_about = False
    told: list[Predicate] = []
    for sentence, reading in readings(case, parse, stated.lemma):
        is_about |= len(about & {one.key for one in terms(sentence)}) >= min(_SHARED, len(about))
        told += [one for one in reading.predicates if one.lemma == stated.lemma]
    return iter(told if is_about else ())


def _failure(case: Case, stated: Predicate, told: Predicate) -> CheckFailure:
    return differs(
        _NAME,
        case,
        stated.text,
        (
            f"The cited passage tells {shown(told.text)} {told.status.value}, "
            f"the statement {Status.FACT.value}."
        ),
    )


TOLD_AS_FACT = Check(
    _NAME,
    "What the evidence only wishes, plans, supposes or used to do, the statement does not tell as "
    "done (heavy mode).",
    _told_as_fact,
    is_heavy=True,
)
