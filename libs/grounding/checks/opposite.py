"""Checks that no word of the statement stands where the evidence has its opposite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.syntax.directions import directions
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term
from grounding.text.words import listed
from grounding.vocabulary.opposites import are_opposites

_NAME: Final = "opposite_said"
_REACH: Final = 4
_DENYING: Final = listed("not never no none nobody nothing neither nor without hardly barely stop")
_DEGREES: Final = listed("more less most least")
_LESS: Final = listed("less least")
_LIGHT: Final = listed("more less most least better worse up down in out on off into over under")


def _opposite_said(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    for laid in case.sentences:
        for at, told in _opposed(laid):
            if _is_compared_from_there(case, laid.sentence[at], told):
                continue
            reason = (
                f"The cited passage says {shown(told.text)}, "
                f"the statement {shown(laid.sentence[at].text)}."
            )
            return failure(_NAME, case, laid, at, reason)
    return None


def _is_compared_from_there(case: Case, term: Term, told: Term) -> bool:
    """Whether they compare from either side: what is quieter than that, that is louder than."""
    return any(
        claimed.word == term.text and one.word == told.text and claimed.turns(one)
        for claimed in directions(case.draft.statement)
        for quote in case.quotes
        for one in directions(quote)
    )


def _opposed(laid: Laid) -> Iterator[tuple[int, Term]]:
    for at, term in laid.new():
        if not (term.is_content or term.text in _LIGHT):
            continue
        turned = _turned_degree(laid, at)
        if turned is not None:
            yield at, turned
        if not laid.is_close and (laid.says(term) or term.text in _LIGHT):
            continue
        for told in laid.instead(at):
            if are_opposites(term.key, told.key) and not _one_is_denied(laid, at, told):
                yield at, told


def _turned_degree(laid: Laid, at: int) -> Term | None:
    """The "less" of "less expensive", where the sentence says "more expensive"."""
    following = laid.sentence[at + 1 : at + 2]
    if laid.sentence[at].text not in _DEGREES or not following or not following[0].is_content:
        return None
    before = [one for one, after in pairwise(laid.told) if after.key == following[0].key]
    if any(one.text == laid.sentence[at].text for one in before):
        return None
    opposed = (one for one in before if are_opposites(laid.sentence[at].key, one.key))
    return next(opposed, None)


def _one_is_denied(laid: Laid, at: int, told: Term) -> bool:
    """Whether exactly one of the two stands under a negation: "not cheap" is "expensive"."""
    place = next(step for step, one in enumerate(laid.told) if one is told)
    return _is_denied(laid.sentence, at) != _is_denied(laid.told, place)


def _is_denied(read: Sequence[Term], at: int) -> bool:
    if at and read[at - 1].text in _LESS:
        return True
    for step in range(at, max(-1, at - _REACH), -1):
        if step != at and read[step].text in _DENYING:
            return True
        if read[step].opens:
            return False
    return False


OPPOSITE_SAID = Check(
    _NAME,
    "Where the evidence says “more”, “cheap” or “before”, the statement does not say “less”, "
    "“expensive” or “after”.",
    _opposite_said,
)
