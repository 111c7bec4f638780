"""Checks that what a note puts in somebody's mouth is what that person said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.text.lemmas import lemma
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term, terms
from grounding.text.words import listed
from grounding.vocabulary.telling import NARRATION, SAYING, TELLING

_NAME: Final = "said_by_another"
_BETWEEN: Final = 2
_BETRAYING: Final = 2
_FARTHEST: Final = 9
_HOLDING: Final = listed(
    "find finds found think thinks thought believe believes believed consider considers considered"
)
_SPEAKING: Final = NARRATION | listed("i we she he they")
_OTHERS: Final = listed("he she they everyone everybody somebody someone people")
_AGREEING: Final = frozenset({lemma("agree"), lemma("agreed"), "right", "too", "same"})


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
        for at, place in _opinions(laid):
            reason = f"The cited passage has this from {shown(laid.told[place].text)}."
            return failure(_NAME, case, laid, at, reason)
    return None


def _attributions(laid: Laid, labels: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Where a speaker's label is followed by a verb of saying, or by a colon's sentence."""
    words = [one.text for one in laid.sentence]
    by_first = _by_first_word(tuple(labels))
    for at, word in enumerate(words):
        for label, wanted in by_first.get(word, ()):
            end = at + len(wanted)
            following = words[end : end + _BETWEEN]
            alone = not {"and", "or"} & {*words[max(0, at - 1) : at], *following[:1]}
            if alone and words[at:end] == wanted and SAYING & set(following):
                yield at, label


@lru_cache(maxsize=16)
def _by_first_word(labels: tuple[str, ...]) -> dict[str, list[tuple[str, list[str]]]]:
    """Labels with their words, by the first of these; made once for the notes of a chunk."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for label in labels:
        wanted = [one.text for one in terms(label)]
        if wanted:
            found.setdefault(wanted[0], []).append((label, wanted))
    return found


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


def _opinions(laid: Laid) -> Iterator[tuple[int, int]]:
    """Where the speaker is told to find what the evidence only has somebody else say.

    "He said it was useless, but I didn't agree": the participant did not find it useless.
    """
    if _agrees(laid.told):
        return
    for at in range(1, len(laid.sentence)):
        held_by = laid.sentence[at - 1].text
        if laid.sentence[at].text not in _HOLDING or held_by not in _SPEAKING:
            continue
        if at in laid.kept and held_by not in NARRATION:
            continue  # the evidence's own "he thought"
        held = [one.key for one in laid.sentence[at + 1 :] if one.is_content]
        places = [step for step, one in enumerate(laid.told) if held and one.key == held[-1]]
        others = [_said_by(laid.told, place) for place in places]
        if others and all(one is not None for one in others):
            yield at, others[0] or 0


def _agrees(told: Sequence[Term]) -> bool:
    """Whether somebody agrees: whoever said it first."""
    return any(
        one.key in _AGREEING
        and not {"not", "never"} & {before.text for before in told[max(0, at - 3) : at]}
        for at, one in enumerate(told)
    )


def _said_by(told: Sequence[Term], place: int) -> int | None:
    """Where somebody else stands who says what is told at a place, in the same sentence."""
    for step in range(place, max(0, place - _FARTHEST), -1):
        if told[step].text in SAYING | _HOLDING:
            who = told[step - 1]
            other = who.text in _OTHERS or who.is_name or (who.is_content and not told[step].starts)
            return step - 1 if other else None
        if told[step].starts or told[step].text in {"but", "i", "we"}:
            return None
    return None


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
