"""Checks that every name in the statement stands in the evidence or is who said it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import AMBIGUOUS_MONTHS, TITLES, Term, terms
from grounding.vocabulary.scales import (
    DAYS,
    MONTHS,
    ORDERS,
    PACE,
    QUANTIFIERS,
    RELATIONS,
    SEASONS,
)
from grounding.vocabulary.telling import NARRATION, TELLING

_NAME: Final = "name_not_in_evidence"
_DATED: Final = frozenset((*DAYS, *MONTHS, *SEASONS, *AMBIGUOUS_MONTHS.values()))
_TOLD_ELSEWHERE: Final = _DATED | TITLES | NARRATION | frozenset(RELATIONS)
""""Doctor" and "Dr." are one: whom somebody is called is compared by the check of relations."""
_COMMON: Final = NUMBER_WORDS | frozenset(ORDERS) | frozenset(PACE) | frozenset(QUANTIFIERS)


def _name_not_in_evidence(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    speakers = _speakers(case)
    for laid in case.sentences:
        for at, term in _names(laid):
            if term.text.removesuffix("'s") in speakers or term.key in speakers:
                continue
            if not laid.says(term):
                reason = f"The cited passage does not name {shown(term.text)}."
                return failure(_NAME, case, laid, at, reason)
            other = _other_name(laid, at)
            if other is not None:
                reason = f"The cited passage names {shown(other.text)} there."
                return failure(_NAME, case, laid, at, reason)
    return None


def _speakers(case: Case) -> frozenset[str]:
    """The words of the cited speakers' labels: a note may name whom it quotes."""
    labels = dict.fromkeys(one.segment.speaker for one in case.citations.found)
    return frozenset(term.text for label in labels for term in terms(label))


def _names(laid: Laid) -> Iterator[tuple[int, Term]]:
    """Names that were not kept at their place."""
    for at, term in laid.new():
        if term.text in _TOLD_ELSEWHERE:
            continue
        if term.is_name or (term.starts and _is_named_first(laid, at)):
            yield at, term


def _is_named_first(laid: Laid, at: int) -> bool:
    """Whether a sentence's first word is a name: it goes on like one, and is no common word."""
    term = laid.sentence[at]
    rest = laid.sentence[at + 1 : at + 2]
    if (
        term.text in _COMMON
        or not term.is_capital
        or not term.is_content
        or term.text.endswith(("s", "ing", "ly"))
    ):
        return False
    if not rest or rest[0].opens:
        return False  # "Meanwhile, …"
    acts = rest[0].is_content and rest[0].text.endswith("s")
    return acts or rest[0].is_name or rest[0].text in TELLING


def _other_name(laid: Laid, at: int) -> Term | None:
    """Another name at this place of the evidence, where the sentence keeps to its words."""
    if not laid.is_close:
        return None
    kept = {one.text for one in laid.sentence}
    there = (one for one in laid.instead(at) if one.is_name)
    return next((one for one in there if one.text not in kept), None)


NAME_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Every name in the statement stands in the cited passages, at the same place, or is that "
    "of a speaker it cites.",
    _name_not_in_evidence,
)
