"""Check that a number of the evidence is not rounded to “several” or “hundreds”."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.numbers.quantities import Quantity, find_quantities
from grounding.numbers.units import NUMBER_WORDS, TIMES
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.words import parse_word_list, stem_word
from grounding.vocabulary.scales import QUANTIFIERS

_NAME: Final = "number_rounded"
_SOME: Final = parse_word_list("several multiple numerous many few various")
_VAGUE: Final = _SOME | frozenset(
    word for word, answer in QUANTIFIERS.items() if answer in {"some", "many", "few"}
)
_LOOSE: Final = _VAGUE | parse_word_list("couple bunch ton tons loads again repeatedly constantly")
# Numbers below which "several" hides an exact count that matters.
_MANY: Final = Decimal(20)
_MAGNITUDES: Final = {
    "dozens": Decimal(12),
    "hundreds": Decimal(100),
    "thousands": Decimal(1000),
    "millions": Decimal(10**6),
}
# A magnitude holds from twice its unit to this many times that.
_MAX_MULTIPLE: Final = 100
_OCCASIONS: Final = parse_word_list("time times occasion occasions")
_BETWEEN: Final = parse_word_list(
    "of the different other more these those his her their our my its"
)


def _number_rounded(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    for alignment in context.sentences:
        for at, term in alignment.iter_unmatched():
            if term.text in _SOME and not _is_vague_in_evidence(alignment):
                in_evidence = _find_exact_number(context, alignment, at)
                if in_evidence is not None:
                    reason = (
                        f"The cited passage says {quote_word(in_evidence)}, "
                        f"not {quote_word(term.text)}."
                    )
                    return build_word_failure(_NAME, context, alignment, at, reason)
            if term.text in _MAGNITUDES and not _supports_magnitude(
                term.text, alignment, context.quotes
            ):
                reason = f"The cited passage does not say {quote_word(term.text)}."
                return build_word_failure(_NAME, context, alignment, at, reason)
    return None


def _is_vague_in_evidence(alignment: SentenceAlignment) -> bool:
    """Return whether the evidence, too, has a vague quantity."""
    return not _LOOSE.isdisjoint(one.text for one in alignment.evidence)


def _find_exact_number(context: CheckContext, alignment: SentenceAlignment, at: int) -> str | None:
    """Return the number that the evidence has for what the statement counts so vaguely.

    "Several times" needs to be told as a number or as vaguely: empty if it is told as neither.
    """
    noun = next((one.text for one in alignment.sentence[at + 1 :] if one.text not in _BETWEEN), "")
    in_evidence = [
        one for quote in context.quotes for one in find_quantities(quote) if not one.is_weak
    ]
    if noun in _OCCASIONS:
        often = (one for one in in_evidence if one.noun == "time" or one.text.casefold() in TIMES)
        return next((one.text for one in often), "nothing of how often")
    exact = (
        one
        for one in in_evidence
        if noun and one.noun == stem_word(noun) and min(one.values) < _MANY
    )
    there = (one.text for one in alignment.list_counterparts(at) if _is_number(one.text))
    return next((one.text for one in exact), next(there, None) if alignment.is_close else None)


def _is_number(text: str) -> bool:
    return text[0].isdigit() or text in NUMBER_WORDS


def _supports_magnitude(word: str, alignment: SentenceAlignment, quotes: Sequence[str]) -> bool:
    """Return whether the evidence has a magnitude: the word itself, or a number of that size."""
    if word.removesuffix("s") in {one.text.removesuffix("s") for one in alignment.evidence}:
        return True
    least = 2 * _MAGNITUDES[word]
    return any(_is_in_magnitude(one, least) for quote in quotes for one in find_quantities(quote))


def _is_in_magnitude(quantity: Quantity, least: Decimal) -> bool:
    return any(least <= value < least * _MAX_MULTIPLE for value in quantity.values)


NUMBER_ROUNDED = Check(
    _NAME,
    "What the evidence counts, the statement does not round to “several” or “hundreds”.",
    _number_rounded,
    is_doubt=True,
)
