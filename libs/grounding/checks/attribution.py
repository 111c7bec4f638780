"""Checks that what a note puts in somebody's mouth is what that person said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.laid import Laid
from grounding.terms import Term, terms
from grounding.vocabulary.telling import SAYING, TELLING

_NAME: Final = "said_by_another"
_BETWEEN: Final = 2
_BETRAYING: Final = 2


def _said_by_another(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    cited = dict.fromkeys(one.segment.speaker for one in case.citations.found)
    for laid in case.sentences:
        for at, label in _attributions(laid, case.labels):
            if label not in cited:
                who = ", ".join(cited)
                reason = f"The cited passage was spoken by {shown(who)}, not by {shown(label)}."
                return failure(_NAME, case, laid, at, reason)
            other = _who_did(case, laid, at, label)
            if other is not None:
                reason = f"{shown(other)} said this, not {shown(label)}."
                return failure(_NAME, case, laid, at, reason)
    return None


def _attributions(laid: Laid, labels: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Where a speaker's label is followed by a verb of saying, or by a colon's sentence."""
    words = [one.text for one in laid.sentence]
    for label in labels:
        wanted = [one.text for one in terms(label)]
        size = len(wanted)
        for at in range(len(words) - size + 1) if size else ():
            following = words[at + size : at + size + _BETWEEN]
            alone = not {"and", "or"} & {*words[max(0, at - 1) : at], *following[:1]}
            if alone and words[at : at + size] == wanted and SAYING & set(following):
                yield at, label


def _who_did(case: Case, laid: Laid, at: int, label: str) -> str | None:
    """Another cited speaker whose words these are, if they are none of this one's."""
    wanted = {one.key for one in _clause(laid, at) if one.is_content}
    said: dict[str, set[str]] = {}
    for passage in case.citations.found:
        keys = {one.key for one in terms(passage.quote)}
        said.setdefault(passage.segment.speaker, set()).update(keys & wanted)
    if said.get(label):
        return None
    other = max(said, key=lambda one: len(said[one]))
    return other if len(said[other]) >= _BETRAYING else None


def _clause(laid: Laid, at: int) -> Iterator[Term]:
    """The terms from a label on to the next clause that has a name of its own."""
    for step in range(at + 1, len(laid.sentence)):
        term = laid.sentence[step]
        if term.opens and step > at + _BETWEEN:
            return
        if not term.is_name and term.text not in TELLING:
            yield term


SAID_BY_ANOTHER = Check(
    _NAME,
    "Whom the statement names as the one who said it, is the one who spoke the cited passage.",
    _said_by_another,
)
