"""Statements that templates of false notes make, and what such statements have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from simulator.paraphrasing.persons import phrase_as_note
from simulator.paraphrasing.sentences import SpokenSentence
from simulator.prompt import PromptSegment
from simulator.wording import extract_terms, split_words

MIN_WORDS: Final = 4
_SHARED: Final = 0.5
"""Share of a sentence's terms in another's words from which on the other may say it too."""


@dataclass(frozen=True, slots=True)
class FalseStatement:
    """False statement for a test note, with further turns that the note cites."""

    statement: str
    also_cites: tuple[PromptSegment, ...] = ()


FalseTemplate = Callable[[SpokenSentence, Random], FalseStatement | None]


def build_false_statement(text: str, one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Phrase a false sentence as a note's statement; None if it is too short."""
    if not has_enough_words(text):
        return None
    return FalseStatement(phrase_as_note(text, one.turn.speaker, chance))


def has_enough_words(text: str) -> bool:
    """Return whether a text has enough words to be a note's statement."""
    return len(split_words(text)) >= MIN_WORDS


def may_have_same_meaning(text: str, stated: str) -> bool:
    """Return whether a text shares so many words with a statement that both may mean the same."""
    terms = extract_terms(stated)
    return not terms or len(terms & extract_terms(text)) >= _SHARED * len(terms)
