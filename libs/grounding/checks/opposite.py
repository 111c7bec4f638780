"""Check that no word of the statement stands where the evidence has its opposite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.syntax.directions import find_directed_relations
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term
from grounding.text.words import parse_word_list
from grounding.vocabulary.opposites import are_opposites

_NAME: Final = "opposite_said"
# Terms before a word within which a negation reaches it.
_REACH: Final = 4
_DENYING: Final = parse_word_list(
    "not never no none nobody nothing neither nor without hardly barely stop"
)
_DEGREES: Final = parse_word_list("more less most least")
_LESS: Final = parse_word_list("less least")
_LIGHT: Final = parse_word_list(
    "more less most least better worse up down in out on off into over under"
)


def _opposite_said(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    for alignment in context.sentences:
        for at, in_evidence in _find_opposites(alignment):
            if _is_same_comparison_reversed(context, alignment.sentence[at], in_evidence):
                continue
            reason = (
                f"The cited passage says {quote_word(in_evidence.text)}, "
                f"the statement {quote_word(alignment.sentence[at].text)}."
            )
            return build_word_failure(_NAME, context, alignment, at, reason)
    return None


def _is_same_comparison_reversed(context: CheckContext, term: Term, in_evidence: Term) -> bool:
    """Whether both compare the same from either side: quieter than that, and that is louder."""
    return any(
        claimed.word == term.text and one.word == in_evidence.text and claimed.is_reversed_in(one)
        for claimed in find_directed_relations(context.draft.statement)
        for quote in context.quotes
        for one in find_directed_relations(quote)
    )


def _find_opposites(alignment: SentenceAlignment) -> Iterator[tuple[int, Term]]:
    for at, term in alignment.iter_unmatched():
        if not (term.is_content or term.text in _LIGHT):
            continue
        turned = _find_opposite_degree(alignment, at)
        if turned is not None:
            yield at, turned
        if not alignment.is_close and (alignment.has_term(term) or term.text in _LIGHT):
            continue
        for in_evidence in alignment.list_counterparts(at):
            if are_opposites(term.key, in_evidence.key) and not _exactly_one_is_negated(
                alignment, at, in_evidence
            ):
                yield at, in_evidence


def _find_opposite_degree(alignment: SentenceAlignment, at: int) -> Term | None:
    """Return the "less" of "less expensive", where the sentence says "more expensive"."""
    following = alignment.sentence[at + 1 : at + 2]
    if alignment.sentence[at].text not in _DEGREES or not following or not following[0].is_content:
        return None
    before = [one for one, after in pairwise(alignment.evidence) if after.key == following[0].key]
    if any(one.text == alignment.sentence[at].text for one in before):
        return None
    opposed = (one for one in before if are_opposites(alignment.sentence[at].key, one.key))
    return next(opposed, None)


def _exactly_one_is_negated(alignment: SentenceAlignment, at: int, in_evidence: Term) -> bool:
    """Return whether exactly one of the two is negated: "not cheap" is "expensive"."""
    place = next(step for step, one in enumerate(alignment.evidence) if one is in_evidence)
    return _is_negated(alignment.sentence, at) != _is_negated(alignment.evidence, place)


def _is_negated(read: Sequence[Term], at: int) -> bool:
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
    is_doubt=True,
)
