"""Checks that a number of the evidence is not told as “several” or “hundreds”."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.numbers.quantities import Quantity, quantities
from grounding.numbers.units import NUMBER_WORDS, TIMES
from grounding.text.sentence_alignment import Laid
from grounding.text.words import listed, stem
from grounding.vocabulary.scales import QUANTIFIERS

_NAME: Final = "number_rounded"
_SOME: Final = listed("several multiple numerous many few various")
_VAGUE: Final = _SOME | frozenset(
    word for word, answer in QUANTIFIERS.items() if answer in {"some", "many", "few"}
)
_LOOSE: Final = _VAGUE | listed("couple bunch ton tons loads again repeatedly constantly")
_MANY: Final = Decimal(20)
_MAGNITUDES: Final = {
    "dozens": Decimal(12),
    "hundreds": Decimal(100),
    "thousands": Decimal(1000),
    "millions": Decimal(10**6),
}
_MOST: Final = 100
_OCCASIONS: Final = listed("time times occasion occasions")
_BETWEEN: Final = listed("of the different other more these those his her their our my its")


def _number_rounded(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    for laid in case.sentences:
        for at, term in laid.new():
            if term.text in _SOME and not _is_told_vaguely(laid):
                told = _counted(case, laid, at)
                if told is not None:
                    reason = f"The cited passage says {shown(told)}, not {shown(term.text)}."
                    return failure(_NAME, case, laid, at, reason)
            if term.text in _MAGNITUDES and not _is_of(term.text, laid, case.quotes):
                reason = f"The cited passage does not say {shown(term.text)}."
                return failure(_NAME, case, laid, at, reason)
    return None


def _is_told_vaguely(laid: Laid) -> bool:
    """Whether the evidence, too, tells something vaguely."""
    return not _LOOSE.isdisjoint(one.text for one in laid.told)


def _counted(case: Case, laid: Laid, at: int) -> str | None:
    """The number that the evidence has for what the statement counts so vaguely.

    "Several times" needs to be told as a number or as vaguely: empty if it is told as neither.
    """
    noun = next((one.text for one in laid.sentence[at + 1 :] if one.text not in _BETWEEN), "")
    told = [one for quote in case.quotes for one in quantities(quote) if not one.is_weak]
    if noun in _OCCASIONS:
        often = (one for one in told if one.noun == "time" or one.text.casefold() in TIMES)
        return next((one.text for one in often), "nothing of how often")
    exact = (one for one in told if noun and one.noun == stem(noun) and min(one.values) < _MANY)
    there = (one.text for one in laid.instead(at) if _is_number(one.text))
    return next((one.text for one in exact), next(there, None) if laid.is_close else None)


def _is_number(text: str) -> bool:
    return text[0].isdigit() or text in NUMBER_WORDS


def _is_of(word: str, laid: Laid, quotes: Sequence[str]) -> bool:
    """Whether the evidence bears out a magnitude: by the word, or by a number of it."""
    if word.removesuffix("s") in {one.text.removesuffix("s") for one in laid.told}:
        return True
    least = 2 * _MAGNITUDES[word]
    return any(_lies_in(one, least) for quote in quotes for one in quantities(quote))


def _lies_in(quantity: Quantity, least: Decimal) -> bool:
    return any(least <= value < least * _MOST for value in quantity.values)


NUMBER_ROUNDED = Check(
    _NAME,
    "What the evidence counts, the statement does not tell as “several” or “hundreds”.",
    _number_rounded,
)
