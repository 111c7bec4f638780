"""Template of false notes that tell what was asked as what is so."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from simulator.paraphrasing.false_statements import FalseStatement, may_have_same_meaning
from simulator.paraphrasing.persons import phrase_as_note
from simulator.paraphrasing.sentences import SpokenSentence
from simulator.prompt import PromptSegment
from simulator.sentences import split_segment_sentences

_INVERTED: Final = re.compile(
    r"^(?:(?:and|so|but|well|okay|now|then),? )*(?P<verb>do|did|have|are|were|was|is|can|would"
    r"|could|will|has|does)(?P<not>n't)? "
    r"(?P<subject>you|they|we|he|she|it|there|that|this|your \w+|the \w+) (?P<rest>[^?]{8,})\?",
    re.IGNORECASE,
)
_DECLARATIVE: Final = re.compile(
    r"^(?:(?:and|so|but|okay),? )*"
    r"(?P<said>(?:you|you're|you've|they|it's|it|that|there's|your) [^?]{10,}?)"
    r"(?:, (?:right|correct|yeah|huh|isn't it|didn't you|don't you|no))?\?",
    re.IGNORECASE,
)
_AFFIRMING: Final = re.compile(
    r"^\W*(?:(?:oh|uh|um|well|and|i mean)[,.]? )*(?:yes|yeah|yep|yup|mm-?hmm?|mhm|uh-?huh|right"
    r"|sure|correct|exactly|absolutely|definitely|of course|totally"
    r"|i (?:did|do|was|am|have)|it (?:is|was|did)|true|that's (?:right|true)"
    r"|they (?:did|do|are|were)|we (?:did|do|are|were))\b",
    re.IGNORECASE,
)


def assert_question_as_fact(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that asserts what a speaker only asked; None without a question."""
    if one.is_question:
        following = one.reply.text if one.reply else ""
        answer, asked = one.after[0] if one.after else following, one.place.text
        also: tuple[PromptSegment, ...] = ()
    elif one.asked and not one.before:
        questions = [two.text for two in split_segment_sentences(one.asked.text) if "?" in two.text]
        answer, asked, also = one.turn.text, questions[-1] if questions else "", (one.asked,)
    else:
        return None
    stated = _state(asked.strip())
    if not stated or _AFFIRMING.match(answer) or may_have_same_meaning(answer, stated):
        return None
    return FalseStatement(_frame_asked(stated, one, chance), also)


def _frame_asked(stated: str, one: SpokenSentence, chance: Random) -> str:
    stated = re.sub(r"\b(?:you|You)\b", "they", stated)
    stated = re.sub(r"\b[Yy]our\b", "their", stated)
    stated = re.sub(r"\b[Yy]ou're\b", "they're", re.sub(r"\b[Yy]ou've\b", "they've", stated))
    return phrase_as_note(stated[:1].upper() + stated[1:], one.turn.speaker, chance)


def _state(asked: str) -> str:
    """Return a question as a statement; empty if it is no question to be answered by yes or no."""
    if found := _INVERTED.match(asked):
        verb, subject, rest = found["verb"].lower(), found["subject"], found["rest"].strip()
        verb = "" if verb in {"do", "does"} else f"{verb}{found['not'] or ''} "
        return f"{subject} {verb}{rest}."
    found = _DECLARATIVE.match(asked)
    return f"{found['said'].strip()}." if found else ""
