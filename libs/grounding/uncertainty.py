"""Find notes about which the checks are uncertain, for a second model to judge.

Notes that are one of the interview's own sentences hardly ever are, notes in words of their own
mostly. ``docs/research/notes-that-a-judge-is-asked-about.md`` has the figures.
"""

from __future__ import annotations

from enum import StrEnum

from contracts.notes import Standing
from grounding.assessment import CheckedNote
from grounding.checks import DOUBT_NAMES
from grounding.checks.content import needs_no_evidence
from grounding.text.terms import split_terms


class UncertaintyKind(StrEnum):
    """Kind of doubt about a note's check results: may be true though failed, or may be false."""

    MAYBE_TRUE = "maybe_true"
    MAYBE_FALSE = "maybe_false"


def classify_uncertainty(checked: CheckedNote) -> UncertaintyKind | None:
    """Return which way a note's check results are in doubt; None if they decide about it.

    One word of its own is enough: with it a note passes that says "cocktails" for "beer". How many
    there are tells nothing more; false notes that pass have as few as true ones.

    Returns:
        ``MAYBE_TRUE`` if it only fails checks that doubt, and has a word in common with its
        quotes; ``MAYBE_FALSE`` if it passes, but has a word that none of them has and nothing
        vouches for it; None if the checks know.
    """
    if not checked.failures and checked.standing is not Standing.UNPROVEN:
        return None
    shared, own = _split_by_support(checked)
    if not checked.failures:
        return UncertaintyKind.MAYBE_FALSE if own else None
    is_doubted_only = all(failure.check in DOUBT_NAMES for failure in checked.failures)
    # Without a common word the citation is wrong, and nothing of the note can be retold from it.
    return UncertaintyKind.MAYBE_TRUE if is_doubted_only and shared else None


def list_unsupported_words(checked: CheckedNote) -> tuple[str, ...]:
    """Return the content words of a note's statement that occur in none of its quotes."""
    return tuple(_split_by_support(checked)[1].values())


def _split_by_support(checked: CheckedNote) -> tuple[set[str], dict[str, str]]:
    """Return the words that need evidence, by lemma: those the quotes have, and the others."""
    quoted = (term for one in checked.evidence for term in split_terms(one.quote))
    said = {form for term in quoted for form in (term.text, term.key)}
    speakers = {term.text for one in checked.evidence for term in split_terms(one.speaker)}
    shared: set[str] = set()
    own: dict[str, str] = {}
    for term in split_terms(checked.draft.statement):
        if term.is_content and term.text not in speakers and not needs_no_evidence(term.text):
            if {term.text, term.key} & said:
                shared.add(term.key)
            else:
                own.setdefault(term.key, term.text)
    return shared, own
