"""Makes a true note false in what only a parser sees: who did it to whom, and whether it was done.

Patterns of words, and none of the parser's, so that what it misreads shows as a miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.notes import DraftNote
from grounding.evaluation.extracts import Extract
from grounding.text.words import listed

_ACTS: Final = listed(
    """asked helped told taught gave showed called paid hired fired met loved loves love hit hated
    invited pushed raised brought took saw see sees watched followed trusted trust respected
    respect supported support blamed sent supports owes owe visited beat picked knew knows
    know treated treat kept keep left leave made wanted want let teach teaches help helps tell
    tells give gives show shows call calls pay pays sued saved needed need needs"""
)
_SYMMETRIC: Final = listed("met meet")
_SUBJECT: Final = {"me": "I", "him": "he", "her": "she", "us": "we", "them": "they"}
_OBJECT: Final = {subject.casefold(): other for other, subject in _SUBJECT.items()}
_TURNED: Final = re.compile(
    rf"\b(I|he|she|we|they) ({'|'.join(sorted(_ACTS - _SYMMETRIC))}) (me|him|her|us|them)\b"
    r"(?=[ ,.!]|$)(?! (?:own|self|\w+s?\b(?= (?:is|was|are|were|had|has))))",
    re.IGNORECASE,
)
_WISHED: Final = re.compile(
    r"\b(I|he|she|we|they) (?:really |always |just )?"
    r"(?:want|wanted|hope|hoped|plan|planned|used|refused|refuse|almost|nearly)"
    r"(?: to)? (?!be\b|do\b|go\b|have\b)([a-z]{3,})\b",
    re.IGNORECASE,
)
_TO: Final = re.compile(
    r"\b(?:want|wanted|hope|hoped|plan|planned|used|refused|refuse) to ", re.IGNORECASE
)


def turned_round(extract: Extract) -> DraftNote | None:
    """Tell “he paid her” as “she paid him”."""
    match = _TURNED.search(extract.draft.statement)
    if match is None:
        return None
    subject, verb, other = match.groups()
    if _OBJECT[subject.casefold()] == other.casefold():
        return None
    turned = f"{_SUBJECT[other.casefold()]} {verb} {_OBJECT[subject.casefold()]}"
    return _put(extract.draft, match, turned)


def told_as_done(extract: Extract) -> DraftNote | None:
    """Tell “I wanted to help” as “I help”: its past would need the verb's forms."""
    match = _WISHED.search(extract.draft.statement)
    if match is None or not (_TO.search(match.group()) or "most" in match.group()):
        return None
    return _put(extract.draft, match, f"{match.group(1)} {match.group(2)}")


@dataclass(frozen=True, slots=True)
class Turn:
    """A way of turning a note: its name, and the function that does it where a note allows it."""

    name: str
    spoil: Callable[[Extract], DraftNote | None]


TURNED: Final = (Turn("who did it to whom", turned_round), Turn("told as done", told_as_done))


def _put(draft: DraftNote, match: re.Match[str], other: str) -> DraftNote:
    before, after = draft.statement[: match.start()], draft.statement[match.end() :]
    turned = f"{before}{other}{after}"
    return draft.model_copy(update={"statement": turned[:1].upper() + turned[1:]})
