"""Find statements that say the same, so that a researcher reads each finding once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment
from grounding.checks import CHECKS, CheckContext
from grounding.checks.number import NUMBER_MAY_FOLLOW, NUMBER_NOT_IN_EVIDENCE
from grounding.evidence import resolve_citations
from grounding.numbers.numerals import parse_numeral
from grounding.text.terms import split_terms
from grounding.text.words import parse_word_list, split_words

_ID: Final = UUID(int=0)
_STUDY: Final = Study(study_id="any", name="any", themes=(Theme(id="any", name="any"),))
_GRAMMAR: Final = parse_word_list("a an the be is are was were am that do does did on in of to at")
"""Words by which statements may differ that say the same."""
_SEPARATOR: Final = "\x1f"
_CHECKS: Final = (NUMBER_NOT_IN_EVIDENCE, NUMBER_MAY_FOLLOW, *CHECKS)
"""Numbers first: statements of the same words that say something else mostly differ in those."""


def compute_content_key(statement: str) -> str:
    """Compute a key of a statement that is equal for statements with the same meaning.

    The reverse does not hold: statements with one key are made of the same words, and
    ``are_equivalent`` compares the rest. So who looks for what says the same, looks only among
    statements with the same key.

    Args:
        statement: a note's statement.

    Returns:
        Its words' lemmas without grammar and numbers, each as often as it occurs, sorted; empty
        where nothing else is in it.
    """
    return _SEPARATOR.join(sorted(_count_content_lemmas(statement).elements()))


def find_first_equivalent(statement: str, earlier: Iterable[str]) -> int | None:
    """Return the index of the first statement in a list with the same meaning, or None.

    Args:
        statement: a note's statement.
        earlier: statements of notes on words of the same speakers.

    Returns:
        Its index in ``earlier``, or None.
    """
    for index, other in enumerate(earlier):
        if are_equivalent(statement, other):
            return index
    return None


def are_equivalent(one: str, other: str) -> bool:
    """Return whether two statements have the same meaning and almost the same words.

    They have to be made of the same words, up to their order, form and grammar, and each has to
    pass all checks when it is held against the other: so “sixty” and “60” are the same, and “Ann
    paid Ben” is not what “Ben paid Ann” says. What adds something says something else.
    """
    if _count_content_lemmas(one) != _count_content_lemmas(other):
        return False
    return _supports(one, other) and _supports(other, one)


@lru_cache(maxsize=1_024)
def _count_content_lemmas(statement: str) -> Counter[str]:
    """Count a statement's lemmas, without grammar and numbers, which the checks compare."""
    spoken = split_words(statement)
    kept, at = list[str](), 0
    while at < len(spoken):
        numeral = parse_numeral(spoken, at)
        if numeral is None:
            kept.append(statement[spoken[at].start : spoken[at].end])
        at = at + 1 if numeral is None else numeral.end
    return Counter(term.key for term in split_terms(" ".join(kept)) if term.text not in _GRAMMAR)


def _supports(quote: str, statement: str) -> bool:
    segment = Segment(number=1, speaker="any", role=Role.PARTICIPANT, text=quote)
    chunk = ChunkReady(
        chunk_id=_ID,
        transcript_id=_ID,
        revision=1,
        index=1,
        chunk_count=1,
        title="any",
        study=_STUDY,
        segments=(segment,),
    )
    draft = DraftNote(statement=statement, evidence=(DraftEvidence(segment=1),), themes=("any",))
    context = CheckContext(draft, chunk, resolve_citations(draft.evidence, chunk), None)
    return all(check(context) is None for check in _CHECKS)
