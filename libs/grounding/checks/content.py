"""Check that the evidence is about the same things as the statement."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.numbers.units import NUMBER_WORDS, UNITS
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term, split_terms
from grounding.vocabulary.reporting import EVERYDAY_WORDS, NARRATION_NOUNS, REPORTING_VERBS
from grounding.vocabulary.scales import QUANTIFIERS

_NAME: Final = "content_not_in_evidence"
# Shares of specific words that the evidence has to have. A note on several passages summarises
# them, so more of its words are its own. Measured on the half of the data developed on.
_OF_MANY_PASSAGES: Final = 0.3
_OF_ONE_PASSAGE: Final = 0.4
# Everyday words occur in any talk, so more of them have to stand near each other.
_OF_EVERYDAY_WORDS: Final = 0.5
# Specific words from which on a share of them means something.
_MIN_SPECIFIC_WORDS: Final = 2
_MAX_WORDS_SHOWN: Final = 3


def _content_not_in_evidence(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    found = context.citations.found
    speakers = {term.text for one in found for term in split_terms(one.segment.speaker)}
    if len(found) > 1:
        return _check_whole_statement(context, speakers)
    for alignment in context.sentences:
        absent = _find_absent_words(alignment, speakers)
        if absent:
            return _build_failure(context, alignment, absent)
    return None


def _check_whole_statement(
    context: CheckContext, speakers: AbstractSet[str]
) -> CheckFailure | None:
    """Check a statement on several passages as a whole: it summarises them, it repeats none."""
    specific = [
        (alignment, one)
        for alignment in context.sentences
        for one in _list_specific_words(alignment, speakers)
    ]
    absent = [(alignment, one) for alignment, one in specific if not alignment.has_term(one[1])]
    if len(specific) - len(absent) >= _OF_MANY_PASSAGES * len(specific):
        return None
    return _build_failure(context, absent[0][0], [one for _, one in absent])


def _build_failure(
    context: CheckContext, alignment: SentenceAlignment, absent: Sequence[tuple[int, Term]]
) -> CheckFailure:
    words = ", ".join(dict.fromkeys(one.text for _, one in absent[:_MAX_WORDS_SHOWN]))
    reason = f"The cited passage says nothing of {quote_word(words)}."
    return build_word_failure(_NAME, context, alignment, absent[0][0], reason)


def _list_specific_words(
    alignment: SentenceAlignment, speakers: AbstractSet[str]
) -> list[tuple[int, Term]]:
    return [
        one for one in _list_content_words(alignment, speakers) if one[1].text not in EVERYDAY_WORDS
    ]


def _list_content_words(
    alignment: SentenceAlignment, speakers: AbstractSet[str]
) -> list[tuple[int, Term]]:
    return [
        (at, one)
        for at, one in enumerate(alignment.sentence)
        if one.is_content and not needs_no_evidence(one.text) and one.text not in speakers
    ]


def _find_absent_words(
    alignment: SentenceAlignment, speakers: AbstractSet[str]
) -> list[tuple[int, Term]]:
    """Return words that the evidence lacks, if they are too many for it to be about the same."""
    content, specific = (
        _list_content_words(alignment, speakers),
        _list_specific_words(alignment, speakers),
    )
    absent = [one for one in specific if not alignment.has_term(one[1])]
    if len(specific) >= _MIN_SPECIFIC_WORDS:
        return absent if len(specific) - len(absent) < _OF_ONE_PASSAGE * len(specific) else []
    together = alignment.compute_nearby_share([one.key for _, one in content])
    return content if together < _OF_EVERYDAY_WORDS and not _has_number(alignment, speakers) else []


def _has_number(alignment: SentenceAlignment, speakers: AbstractSet[str]) -> bool:
    """Return whether the sentence has a number: the check of numbers has compared what it is about.

    The number in a label ("Speaker 2") counts nothing.
    """
    return any(
        (one.text[0].isdigit() or one.text in NUMBER_WORDS) and one.text not in speakers
        for one in alignment.sentence
    )


def needs_no_evidence(text: str) -> bool:
    """Return whether a word, such as "says", may be in a statement without being in a quote."""
    is_number = text[0].isdigit() or text in NUMBER_WORDS or text in UNITS or text == "per"
    return is_number or text in REPORTING_VERBS or text in NARRATION_NOUNS or text in QUANTIFIERS


CONTENT_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Two fifths of a sentence's specific words stand in the one passage it cites; of a statement's "
    "on several passages, three tenths; everyday words stand together there.",
    _content_not_in_evidence,
    is_doubt=True,
)
