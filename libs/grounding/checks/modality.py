"""Check that a possibility, a plan or a wish is not stated as a fact, nor the other way round."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.checks.scale import WordScale, find_unsupported_degrees
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term
from grounding.text.words import parse_word_list
from grounding.vocabulary.scales import MAY_BECOME, MODALS

_NAME: Final = "modality_differs"
_SCALE: Final = WordScale(MODALS, strong=frozenset({"certain"}), may_become=MAY_BECOME)
_HEDGES: Final = frozenset({"might", "may", "could", "would", "should", "maybe", "perhaps"})
_WANTING: Final = parse_word_list(
    "want wants wanted hope hopes hoped plan plans planned wish wished intend intends intended"
)
"""Before "to": what follows was not done, or not yet. "Going to" may mean where somebody goes."""
_SUPPOSED: Final = parse_word_list("supposed meant ought expected advised obliged required")
"""Other ways to say "should"."""
_POSSIBLE: Final = parse_word_list("possible possibility chance might may could perhaps maybe")
"""Before a "will", which then is none: "it is possible that it will close"."""
_ABOUT: Final = parse_word_list("about around roughly approximately nearly perhaps some")
_OPINION: Final = parse_word_list(
    "want prefer say think guess hope recommend suggest argue agree assume"
)
"""After "I would": said for politeness, unless an "if" is near."""
# Terms between a hedge and the verb it hedges: "might really just pay".
_BETWEEN: Final = 2


def _modality_differs(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited or context.is_verbatim:
        return None
    for alignment in context.sentences:
        found = next(
            (
                one
                for one in find_unsupported_degrees(_SCALE, alignment)
                if not _is_hedged_future(alignment, one.at)
            ),
            None,
        )
        if found is not None:
            said = "" if found.instead is None else f" but {quote_word(found.instead.text)}"
            reason = f"The cited passage does not say {quote_word(found.term.text)}{said}."
            return build_word_failure(_NAME, context, alignment, found.at, reason)
        dropped = _find_dropped_hedge(alignment)
        if dropped is not None:
            hedge = quote_word(dropped[1].text)
            reason = f"The cited passage says {hedge}; the statement leaves it out."
            return build_word_failure(_NAME, context, alignment, dropped[0], reason)
    return None


def _find_dropped_hedge(alignment: SentenceAlignment) -> tuple[int, Term] | None:
    """Return a hedge that the evidence has before a matched word and the sentence lacks."""
    if not alignment.is_close:
        return None
    taken = set(alignment.matched.values())
    hedged = {
        at
        for at, one in enumerate(alignment.sentence)
        if one.text in MODALS or one.text in _SUPPOSED
    }
    for at, place in sorted(alignment.matched.items()):
        if not alignment.sentence[at].is_content or hedged & {at - 1, at - 2, at - 3}:
            continue
        for before in range(place - 1, max(-1, place - 1 - _BETWEEN), -1):
            if before in taken or alignment.evidence[before + 1].opens:
                break
            hedges = alignment.evidence[before].text in _HEDGES or _is_want_to(
                alignment, at, before
            )
            hedges = hedges and not _is_approximation(alignment, at, before)
            if hedges and not (
                _is_repeated_hedge(alignment, before, place)
                or _is_polite_hedge(alignment, before, place)
            ):
                return at, alignment.evidence[before]
    return None


def _is_want_to(alignment: SentenceAlignment, at: int, before: int) -> bool:
    """Return whether the evidence has a "want to" before a verb, and the sentence nothing of it."""
    if (
        alignment.evidence[before].text not in _WANTING
        or alignment.evidence[before + 1].text != "to"
    ):
        return False
    kept = alignment.sentence[max(0, at - _BETWEEN - 1) : at]
    return not any(one.text in _WANTING or one.text == "to" for one in kept)


def _is_approximation(alignment: SentenceAlignment, at: int, hedge: int) -> bool:
    """Whether a hedge is the "maybe" of "maybe forty", where the sentence has "about forty"."""
    number = alignment.evidence[hedge + 1].text
    counts = number in NUMBER_WORDS or number[:1].isdigit()
    before = {one.text for one in alignment.sentence[max(0, at - _BETWEEN) : at]}
    return counts and alignment.evidence[hedge].text in _POSSIBLE and bool(before & _ABOUT)


def _is_hedged_future(alignment: SentenceAlignment, at: int) -> bool:
    """Whether it is a "will" that the sentence itself calls possible, as the evidence does."""
    before = {one.text for one in alignment.sentence[:at]}
    in_evidence = {one.text for one in alignment.evidence}
    return alignment.sentence[at].text == "will" and bool(
        before & _POSSIBLE and in_evidence & _POSSIBLE
    )


def _is_polite_hedge(alignment: SentenceAlignment, hedge: int, place: int) -> bool:
    """Return whether a hedge is the "would" of "I would say"."""
    said = alignment.evidence[hedge].text == "would" and alignment.evidence[place].text in _OPINION
    return said and all(one.text != "if" for one in alignment.evidence)


def _is_repeated_hedge(alignment: SentenceAlignment, hedge: int, place: int) -> bool:
    """Return whether a hedge is repeated ("I would, I would pay") or a past ("would've")."""
    again = any(
        one.text == alignment.evidence[hedge].text for one in alignment.evidence[hedge + 1 : place]
    )
    return again or alignment.evidence[hedge + 1].text in {"been", "better", "have"}


MODALITY_DIFFERS = Check(
    _NAME,
    "What the evidence calls possible, wished or supposed, the statement does not call certain, "
    "and “I would pay” is not “pays”.",
    _modality_differs,
    is_doubt=True,
)
