"""Find notes about which the checks are uncertain, for a second model to judge.

Notes that are one of the interview's own sentences hardly ever are, notes in words of their own
mostly. ``docs/research/notes-that-a-judge-is-asked-about.md`` has the figures.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from grounding.assessment import CheckedNote
from grounding.checks.content import needs_no_evidence
from grounding.text.terms import split_terms

MEANING_CHECKS: Final = frozenset({"content_not_in_evidence", "modality_differs"})
"""Checks that refuse true paraphrases: in words of their own, "will" where a plan was made.

The others compare what is written, and what they refuse stays refused. Some of them read meaning
too, but err too seldom for a judge to mend more than it spoils: of 868 known notes, an opposite
alone refused 1 true and 17 false ones, a relation none and 9, tense none at all. A name or number
that the quotes do not have, no judge can find in them.
"""


class Uncertainty(StrEnum):
    """Uncertainty of the checks' verdict on a note, which a second model may settle."""

    MAYBE_TRUE = "maybe_true"
    MAYBE_FALSE = "maybe_false"


def classify_uncertainty(checked: CheckedNote) -> Uncertainty | None:
    """Return in which way the checks' verdict on a note is uncertain, or None.

    One word of its own is enough: with it a note passes that says "cocktails" for "beer". How many
    there are tells nothing more; false notes that pass have as few as true ones.

    Returns:
        ``MAYBE_TRUE`` if only checks that read meaning refuse it, and it has a word in common with
        its quotes; ``MAYBE_FALSE`` if it passes, but has a word that none of them has; None if the
        checks know.
    """
    shared, own = _split_by_support(checked)
    if not checked.failures:
        return Uncertainty.MAYBE_FALSE if own else None
    soft = all(failure.check in MEANING_CHECKS for failure in checked.failures)
    # Without a common word the citation is wrong, and nothing of the note can be retold from it.
    return Uncertainty.MAYBE_TRUE if soft and shared else None


def list_unsupported_words(checked: CheckedNote) -> tuple[str, ...]:
    """Return a statement's content words that none of its quotes contains."""
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
