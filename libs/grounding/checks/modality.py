"""Checks that a possibility, a plan or a wish is not told as a fact, nor the other way round."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.scale import Scale, mismatches
from grounding.checks.wording import failure, shown
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term
from grounding.text.words import listed
from grounding.vocabulary.scales import MAY_BECOME, MODALS

_NAME: Final = "modality_differs"
_SCALE: Final = Scale(MODALS, strong=frozenset({"certain"}), may_become=MAY_BECOME)
_HEDGES: Final = frozenset({"might", "may", "could", "would", "should", "maybe", "perhaps"})
_WANTING: Final = listed(
    "want wants wanted hope hopes hoped plan plans planned wish wished intend intends intended"
)
"""Before "to": what follows was not done, or not yet. "Going to" may tell where somebody goes."""
_SUPPOSED: Final = listed("supposed meant ought expected advised obliged required")
"""Other ways to say "should"."""
_POSSIBLE: Final = listed("possible possibility chance might may could perhaps maybe")
"""Before a "will", which then is none: "it is possible that it will close"."""
_ABOUT: Final = listed("about around roughly approximately nearly perhaps some")
_OPINION: Final = listed("want prefer say think guess hope recommend suggest argue agree assume")
"""After "I would": said for politeness, unless an "if" is near."""
_BETWEEN: Final = 2


def _modality_differs(case: Case) -> CheckFailure | None:
    if not case.is_cited or case.is_verbatim:
        return None
    for laid in case.sentences:
        found = next((one for one in mismatches(_SCALE, laid) if not _hedged(laid, one.at)), None)
        if found is not None:
            said = "" if found.instead is None else f" but {shown(found.instead.text)}"
            reason = f"The cited passage does not say {shown(found.term.text)}{said}."
            return failure(_NAME, case, laid, found.at, reason)
        dropped = _dropped(laid)
        if dropped is not None:
            reason = (
                f"The cited passage says {shown(dropped[1].text)}; the statement leaves it out."
            )
            return failure(_NAME, case, laid, dropped[0], reason)
    return None


def _dropped(laid: Laid) -> tuple[int, Term] | None:
    """A hedge that the evidence has right before a kept word, and the sentence has not."""
    if not laid.is_close:
        return None
    taken = set(laid.kept.values())
    hedged = {
        at for at, one in enumerate(laid.sentence) if one.text in MODALS or one.text in _SUPPOSED
    }
    for at, place in sorted(laid.kept.items()):
        if not laid.sentence[at].is_content or hedged & {at - 1, at - 2, at - 3}:
            continue
        for before in range(place - 1, max(-1, place - 1 - _BETWEEN), -1):
            if before in taken or laid.told[before + 1].opens:
                break
            hedges = laid.told[before].text in _HEDGES or _wants(laid, at, before)
            hedges = hedges and not _is_about(laid, at, before)
            if hedges and not (_restarts(laid, before, place) or _is_polite(laid, before, place)):
                return at, laid.told[before]
    return None


def _wants(laid: Laid, at: int, before: int) -> bool:
    """Whether the evidence has a "want to" before a verb, and the sentence nothing of it."""
    if laid.told[before].text not in _WANTING or laid.told[before + 1].text != "to":
        return False
    kept = laid.sentence[max(0, at - _BETWEEN - 1) : at]
    return not any(one.text in _WANTING or one.text == "to" for one in kept)


def _is_about(laid: Laid, at: int, hedge: int) -> bool:
    """Whether it is the "maybe" of "maybe forty", told as "about forty"."""
    number = laid.told[hedge + 1].text
    counts = number in NUMBER_WORDS or number[:1].isdigit()
    before = {one.text for one in laid.sentence[max(0, at - _BETWEEN) : at]}
    return counts and laid.told[hedge].text in _POSSIBLE and bool(before & _ABOUT)


def _hedged(laid: Laid, at: int) -> bool:
    """Whether it is a "will" of what the sentence itself calls possible, as the evidence does."""
    before = {one.text for one in laid.sentence[:at]}
    told = {one.text for one in laid.told}
    return laid.sentence[at].text == "will" and bool(before & _POSSIBLE and told & _POSSIBLE)


def _is_polite(laid: Laid, hedge: int, place: int) -> bool:
    """Whether it is the "would" of "I would say"."""
    said = laid.told[hedge].text == "would" and laid.told[place].text in _OPINION
    return said and all(one.text != "if" for one in laid.told)


def _restarts(laid: Laid, hedge: int, place: int) -> bool:
    """Whether it is "I would, I would pay" or "would've": the hedge is said again or is a past."""
    again = any(one.text == laid.told[hedge].text for one in laid.told[hedge + 1 : place])
    return again or laid.told[hedge + 1].text in {"been", "better", "have"}


MODALITY_DIFFERS = Check(
    _NAME,
    "What the evidence calls possible, wished or supposed, the statement does not call certain, "
    "and “I would pay” is not “pays”.",
    _modality_differs,
)
