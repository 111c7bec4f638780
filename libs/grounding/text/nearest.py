"""Find the passage a citation may have meant: to word the feedback, never to accept a note."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.fuzz import partial_ratio_alignment

from contracts.notes import DraftEvidence
from contracts.transcript import Segment
from grounding.evidence import find_passage
from grounding.text.words import split_words

_MAX_CHARACTERS = 30_000
"""Characters of a turn in which a passage is looked for; what follows is not compared."""

_ALIKE = 40


def find_nearest_passage(text: str, wanted: str) -> str:
    """Find the passage of a text that is most similar to a quote; "" if none is similar."""
    spoken = text[:_MAX_CHARACTERS]  # the search takes time in proportion to both lengths
    found = partial_ratio_alignment(wanted, spoken, processor=str.casefold, score_cutoff=_ALIKE)
    if not found or not wanted.strip():
        return ""
    # Folding may change how many characters there are; the words found are only shown.
    touched = [
        word
        for word in split_words(spoken)
        if word.end > found.dest_start and word.start < found.dest_end
    ]
    return spoken[touched[0].start : touched[-1].end] if touched else ""


def find_segment_with_quote(cited: DraftEvidence, segments: Iterable[Segment]) -> int | None:
    """Find another segment that contains a quote; return its number, or None."""
    wanted = {word.text for word in split_words(cited.first_words) + split_words(cited.last_words)}
    if not wanted:
        return None
    # Finding words is dear; a segment that lacks one of them is ruled out by a glance. Those with
    # apostrophes do not count, since the segment may curl them.
    plain = [one for one in wanted if "'" not in one]
    hopeful = (
        one
        for one, folded in ((one, one.text.casefold()) for one in segments)
        if all(word in folded for word in plain)
    )
    found = (
        one.number
        for one in hopeful
        if one.number != cited.segment
        and find_passage(one.text, cited.first_words, cited.last_words)
    )
    return next(found, None)
