"""Checks, where a parser is at hand, that a wish, a plan or a supposition is not told as a fact."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.parsed import readings
from grounding.checks.wording import shown
from grounding.clauses import Parser, Predicate, Status
from grounding.lemmas import lemma
from grounding.terms import terms
from grounding.vocabulary.telling import TELLING
from grounding.words import clip

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
    for claimed in case.parse(case.draft.statement).predicates:
        if not claimed.is_main or claimed.status is not Status.FACT or claimed.lemma in TELLING:
            continue
        told = list(_told(case, case.parse, claimed, about - {lemma(claimed.lemma)}))
        unreal = _UNREAL | {Status.COMING} if claimed.is_past else _UNREAL
        if told and all(one.status in unreal for one in told):
            return _failure(case, claimed, told[0])
    return None


def _told(
    case: Case, parse: Parser, claimed: Predicate, about: AbstractSet[str]
) -> Iterator[Predicate]:
    """The evidence's uses of a verb; none if no sentence of them is about what is claimed."""
    is_about = False
    told: list[Predicate] = []
    for sentence, reading in readings(case, parse, claimed.lemma):
        is_about |= len(about & {one.key for one in terms(sentence)}) >= min(_SHARED, len(about))
        told += [one for one in reading.predicates if one.lemma == claimed.lemma]
    return iter(told if is_about else ())


def _failure(case: Case, claimed: Predicate, told: Predicate) -> CheckFailure:
    return CheckFailure(
        check=_NAME,
        reason=f"The cited passage tells {shown(told.text)} {told.status.value}, "
        f"the statement {Status.FACT.value}.",
        claim=clip(claimed.text),
        evidence=clip(" … ".join(case.quotes)),
    )


TOLD_AS_FACT = Check(
    _NAME,
    "What the evidence only wishes, plans, supposes or used to do, the statement does not tell as "
    "done (heavy mode).",
    _told_as_fact,
    is_heavy=True,
)
