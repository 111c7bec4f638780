"""Finds what a citation may have meant: to word the feedback, never to accept a note."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from contracts.notes import DraftEvidence
from contracts.transcript import Segment
from grounding.evidence import find
from grounding.words import words

_SLACK = 2
_MOST_WORDS = 5_000


def nearest_passage(text: str, wanted: str) -> str:
    """The stretch of a text that shares most words in a row with ``wanted``; may be empty."""
    there = words(text)[:_MOST_WORDS]
    asked = [word.text for word in words(wanted)]
    matcher = SequenceMatcher(None, asked, [word.text for word in there], autojunk=False)
    block = matcher.find_longest_match()
    if not block.size:
        return ""
    begin = max(0, block.b - block.a)
    end = min(len(there), begin + len(asked) + _SLACK)
    return text[there[begin].start : there[end - 1].end]


def elsewhere(cited: DraftEvidence, segments: Iterable[Segment]) -> int | None:
    """The number of another segment that does hold the cited words, if one does."""
    spoken = words(cited.first_words) + words(cited.last_words)
    if not spoken:
        return None
    # Finding words is dear; most segments are ruled out by the first one alone.
    hopeful = (one for one in segments if spoken[0].text in one.text.casefold())
    found = (
        one.number
        for one in hopeful
        if one.number != cited.segment and find(one.text, cited.first_words, cited.last_words)
    )
    return next(found, None)
