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
    wanted = {word.text for word in words(cited.first_words) + words(cited.last_words)}
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
        if one.number != cited.segment and find(one.text, cited.first_words, cited.last_words)
    )
    return next(found, None)
