"""Check that every name in the statement is in the evidence, or is the speaker's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import AMBIGUOUS_MONTHS, TITLES, Term, split_terms
from grounding.vocabulary.reporting import NARRATION_NOUNS, REPORTING_VERBS
from grounding.vocabulary.scales import (
    DAYS,
    MONTHS,
    ORDERS,
    PACE,
    QUANTIFIERS,
    RELATIONS,
    SEASONS,
)

_NAME: Final = "name_not_in_evidence"
_DATED: Final = frozenset((*DAYS, *MONTHS, *SEASONS, *AMBIGUOUS_MONTHS.values()))
_CHECKED_ELSEWHERE: Final = _DATED | TITLES | NARRATION_NOUNS | frozenset(RELATIONS)
""""Doctor" and "Dr." are one: whom somebody is called is compared by the check of relations."""
_COMMON: Final = NUMBER_WORDS | frozenset(ORDERS) | frozenset(PACE) | frozenset(QUANTIFIERS)


def _name_not_in_evidence(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    speakers = _collect_speaker_words(context)
    for alignment in context.sentences:
        for at, term in _find_names(alignment):
            if term.text.removesuffix("'s") in speakers or term.key in speakers:
                continue
            if not alignment.has_term(term):
                reason = f"The cited passage does not name {quote_word(term.text)}."
                return build_word_failure(_NAME, context, alignment, at, reason)
            other = _find_other_name(alignment, at)
            if other is not None:
                reason = f"The cited passage names {quote_word(other.text)} there."
                return build_word_failure(_NAME, context, alignment, at, reason)
    return None


def _collect_speaker_words(context: CheckContext) -> frozenset[str]:
    """Return the words of the cited speakers' labels: a note may name whom it quotes."""
    labels = dict.fromkeys(one.segment.speaker for one in context.citations.found)
    return frozenset(term.text for label in labels for term in split_terms(label))


def _find_names(alignment: SentenceAlignment) -> Iterator[tuple[int, Term]]:
    """Yield names that do not stand at the same place in the evidence."""
    for at, term in alignment.iter_unmatched():
        if term.text in _CHECKED_ELSEWHERE:
            continue
        if term.is_name or (term.starts and _is_name_at_start(alignment, at)):
            yield at, term


def _is_name_at_start(alignment: SentenceAlignment, at: int) -> bool:
    """Whether a sentence's first word is a name: no common word, and followed as names are."""
    term = alignment.sentence[at]
    rest = alignment.sentence[at + 1 : at + 2]
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
    return acts or rest[0].is_name or rest[0].text in REPORTING_VERBS


def _find_other_name(alignment: SentenceAlignment, at: int) -> Term | None:
    """Return another name at this place of the evidence, where the sentence keeps its wording."""
    if not alignment.is_close:
        return None
    kept = {one.text for one in alignment.sentence}
    there = (one for one in alignment.list_counterparts(at) if one.is_name)
    return next((one for one in there if one.text not in kept), None)


NAME_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Every name in the statement stands in the cited passages, at the same place, or is that "
    "of a speaker it cites.",
    _name_not_in_evidence,
    is_doubt=True,
)
