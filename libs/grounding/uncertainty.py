"""Which notes the checks leave in doubt, for a second opinion that can read.

Notes that are one of the interview's own sentences hardly ever are, notes in words of their own
mostly. ``docs/adr/0013-a-judge-for-what-is-in-doubt.md`` has the figures.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from grounding.assessment import Weighed
from grounding.checks.content import needs_no_evidence
from grounding.text.terms import terms

READS_MEANING: Final = frozenset({"content_not_in_evidence", "modality_differs"})
"""Checks that refuse true paraphrases: in words of their own, "will" where a plan was made.

The others compare what is written, and what they refuse stays refused. Some of them read meaning
too, but err too seldom for a judge to mend more than it spoils: of 868 known notes, an opposite
alone refused 1 true and 17 false ones, a relation none and 9, tense none at all. A name or number
that the quotes do not have, no judge can find in them.
"""


class Doubt(StrEnum):
    """What a second opinion may change."""

    MAYBE_TRUE = "maybe_true"
    MAYBE_FALSE = "maybe_false"


def in_doubt(weighed: Weighed) -> Doubt | None:
    """Whether the checks leave a note in doubt.

    One word of its own is enough: with it a note passes that says "cocktails" for "beer". How many
    there are tells nothing more; false notes that pass have as few as true ones.

    Returns:
        ``MAYBE_TRUE`` if only checks that read meaning refuse it, and it has a word in common with
        its quotes; ``MAYBE_FALSE`` if it passes, but has a word that none of them has; None if the
        checks know.
    """
    shared, own = _words(weighed)
    if not weighed.failures:
        return Doubt.MAYBE_FALSE if own else None
    soft = all(failure.check in READS_MEANING for failure in weighed.failures)
    # Without a common word the citation is wrong, and nothing of the note can be retold from it.
    return Doubt.MAYBE_TRUE if soft and shared else None


def own_words(weighed: Weighed) -> tuple[str, ...]:
    """The words of a statement that need evidence and that none of its quotes has, in order."""
    return tuple(_words(weighed)[1].values())


def _words(weighed: Weighed) -> tuple[set[str], dict[str, str]]:
    """The statement's words that need evidence, by lemma: those its quotes have, and the others."""
    quoted = (term for one in weighed.evidence for term in terms(one.quote))
    said = {form for term in quoted for form in (term.text, term.key)}
    speakers = {term.text for one in weighed.evidence for term in terms(one.speaker)}
    shared: set[str] = set()
    own: dict[str, str] = {}
    for term in terms(weighed.draft.statement):
        if term.is_content and term.text not in speakers and not needs_no_evidence(term.text):
            if {term.text, term.key} & said:
                shared.add(term.key)
            else:
                own.setdefault(term.key, term.text)
    return shared, own
