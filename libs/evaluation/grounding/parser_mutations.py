"""Mutate a true note in what only a parser sees: who did it to whom, and whether it was done.

The mutations use patterns of words and not the parser, so that what it misreads shows as a miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.notes import DraftNote
from evaluation.grounding.true_notes import TrueNote
from grounding.text.words import parse_word_list

_ACTS: Final = parse_word_list(
    """asked helped told taught gave showed called paid hired fired met loved loves love hit hated
    invited pushed raised brought took saw see sees watched followed trusted trust respected
    respect supported support blamed sent supports owes owe visited beat picked knew knows
    know treated treat kept keep left leave made wanted want let teach teaches help helps tell
    tells give gives show shows call calls pay pays sued saved needed need needs"""
)
_SYMMETRIC: Final = parse_word_list("met meet")
_SUBJECT: Final = {"me": "I", "him": "he", "her": "she", "us": "we", "them": "they"}
_OBJECT: Final = {subject.casefold(): other for other, subject in _SUBJECT.items()}
_TRANSITIVE_CLAUSE: Final = re.compile(
    rf"\b(I|he|she|we|they) ({'|'.join(sorted(_ACTS - _SYMMETRIC))}) (me|him|her|us|them)\b"
    r"(?=[ ,.!]|$)(?! (?:own|self|\w+s?\b(?= (?:is|was|are|were|had|has))))",
    re.IGNORECASE,
)
_INTENTION: Final = re.compile(
    r"\b(I|he|she|we|they) (?:really |always |just )?"
    r"(?:want|wanted|hope|hoped|plan|planned|used|refused|refuse|almost|nearly)"
    r"(?: to)? (?!be\b|do\b|go\b|have\b)([a-z]{3,})\b",
    re.IGNORECASE,
)
_TO: Final = re.compile(
    r"\b(?:want|wanted|hope|hoped|plan|planned|used|refused|refuse) to ", re.IGNORECASE
)


def swap_roles(note: TrueNote) -> DraftNote | None:
    """Turn “he paid her” into “she paid him”; None where no such words are in the note."""
    match = _TRANSITIVE_CLAUSE.search(note.draft.statement)
    if match is None:
        return None
    subject, verb, other = match.groups()
    if _OBJECT[subject.casefold()] == other.casefold():
        return None
    swapped = f"{_SUBJECT[other.casefold()]} {verb} {_OBJECT[subject.casefold()]}"
    return _replace(note.draft, match, swapped)


def assert_intention(note: TrueNote) -> DraftNote | None:
    """Turn “I wanted to help” into “I help”, since the past would need the verb's forms."""
    match = _INTENTION.search(note.draft.statement)
    if match is None or not (_TO.search(match.group()) or "most" in match.group()):
        return None
    return _replace(note.draft, match, f"{match.group(1)} {match.group(2)}")


@dataclass(frozen=True, slots=True)
class ParserMutation:
    """A way to make a note false: its name, and the function that returns the false note."""

    name: str
    mutate: Callable[[TrueNote], DraftNote | None]


PARSER_MUTATIONS: Final = (
    ParserMutation("who did it to whom", swap_roles),
    ParserMutation("told as done", assert_intention),
)


def _replace(draft: DraftNote, match: re.Match[str], other: str) -> DraftNote:
    before, after = draft.statement[: match.start()], draft.statement[match.end() :]
    statement = f"{before}{other}{after}"
    return draft.model_copy(update={"statement": statement[:1].upper() + statement[1:]})
