"""Sentences of a passage, tidied, with what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.transcript import Role
from simulator.anchors import find_anchor_words
from simulator.cleanup import clean_up_sentence
from simulator.paraphrasing.kinds import FalseNoteKind
from simulator.paraphrasing.persons import BEGINNINGS
from simulator.prompt import PromptPassage, PromptSegment
from simulator.sentences import SentenceSlice, split_segment_sentences
from simulator.wording import split_words

_MIN_WORDS: Final = 5
_MAX_WORDS: Final = 45
_SETTING_SENTENCES: Final = 2
CORRECTION: Final = re.compile(
    r"(?:oh,? |uh,? |um,? |well,? )*(?:no,? (?:wait|sorry|actually|not|no)\b"
    r"|no, (?:it|they|he|she|that|i)\b|wait,? no\b|sorry, (?:it|no|i mean)|scratch that|or rather"
    r"|not really|just kidding|i'm (?:just )?(?:kidding|joking)"
    r"|i take that back|correction\b|let me rephrase|my (?:mistake|bad)|i was wrong"
    r"|actually,? no|are you sure|yeah,? right)",
    re.IGNORECASE,
)
"""How a sentence begins that takes back the one before it."""
_DENIAL: Final = re.compile(
    r"(?:oh,? |uh,? |um,? |well,? )*no[,.]? (?:it|they|he|she|that|you|we|i)\b"
    r"(?: |'s |'re )(?:\w+ )?(?:not|isn't|wasn't|don't|didn't|doesn't|never)\b",
    re.IGNORECASE,
)
"""How another speaker's turn begins that denies what was said before it."""
LATER_LIMITS: Final = {
    FalseNoteKind.EXCEPTION_DROPPED: re.compile(
        r"^(?:well,? )?(?:except|apart from|aside from|but not|not (?:my|the|all|every))\b",
        re.IGNORECASE,
    ),
    FalseNoteKind.UNMET_CONDITION: re.compile(
        r"^(?:well,? )?(?:if|unless|as long as|provided)\b[^,]+$", re.IGNORECASE
    ),
    FalseNoteKind.HEDGE_DROPPED: re.compile(
        r"^(?:or )?(?:at least|i think so|i guess|probably|maybe|perhaps|in theory|i'm not sure"
        r"|supposedly|not anymore|i hope so)\b.{0,40}$",
        re.IGNORECASE,
    ),
    FalseNoteKind.ATTRIBUTION: re.compile(
        r"^(?:that's|that is) what (?:my \w+|he|she|they|people|everybody)\b", re.IGNORECASE
    ),
}
"""How the next sentence begins that limits what a sentence says."""
_SETTING: Final = re.compile(
    r"\b(?:if|suppose|supposing|imagine|pretend|let's say|say that|wish|unless)\b", re.IGNORECASE
)
_DIRECT_SPEECH: Final = re.compile(
    r"[\"“”]|\b(?:said|says|say|like|goes|asked|ask|told \w+|thought|thinking|think|was|were|be),"
    r"|\b(?:was|were|is|are|'s|'re|be|been|just|all) like\b",
    re.IGNORECASE,
)
_UNFINISHED: Final = re.compile(r"(?:-|\u2013|\u2014|\.\.\.|…)[\"”\u2019.]*$|\[")
_AMUSED: Final = re.compile(r"laugh|chuckl|giggl|haha|\bkidding\b|\bjoking\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """Sentence of a participant, with the sentences and turns around it.

    Attributes:
        turn: the segment it is in.
        place: where in the segment's text.
        text: it, tidied; in the first person.
        before: the sentences before it in its turn, as spoken.
        after: the sentences behind it in its turn, as spoken.
        asked: the turn before, if another speaks there.
        reply: the turn behind, if another speaks there.
        others: the labels of the passage's other speakers.
    """

    turn: PromptSegment
    place: SentenceSlice
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    asked: PromptSegment | None
    reply: PromptSegment | None
    others: tuple[str, ...]

    @property
    def is_question(self) -> bool:
        """Whether it asks."""
        return "?" in self.place.text

    @property
    def is_retracted(self) -> bool:
        """Whether the speaker or the next one takes it back right away."""
        if self.after:
            return CORRECTION.match(self.after[0]) is not None
        return self.reply is not None and _DENIAL.match(self.reply.text.strip()) is not None

    @property
    def is_limited(self) -> bool:
        """Whether the next sentence excepts from it, doubts it, or says whose words it is."""
        return bool(self.after) and any(one.match(self.after[0]) for one in LATER_LIMITS.values())

    @property
    def is_plain(self) -> bool:
        """Whether telling it as it is tells the truth, as far as its surroundings show."""
        around = " ".join((self.place.text, *self.after[:1], self.reply.text if self.reply else ""))
        first = self.text.split(" ", 1)[0].replace("\u2019", "'").rstrip(",").casefold()
        return not (
            first not in BEGINNINGS  # an order, or a part of a sentence
            or len(split_words(self.text)) < _MIN_WORDS
            or self.is_question
            or self.is_retracted
            or self.is_limited
            or _UNFINISHED.search(self.place.text)
            or any(_SETTING.search(one) for one in self.before[-_SETTING_SENTENCES:])
            or _DIRECT_SPEECH.search(self.place.text)
            or _AMUSED.search(around)
        )


def list_spoken_sentences(passage: PromptPassage) -> list[SpokenSentence]:
    """List the complete sentences of participants in a passage, in order."""
    return list(_iter_sentences(passage))


def _iter_sentences(passage: PromptPassage) -> Iterator[SpokenSentence]:
    turns = (*passage.context[-1:], *passage.segments)
    speakers = tuple(dict.fromkeys(turn.speaker for turn in passage.segments))
    first = len(turns) - len(passage.segments)
    for at in range(first, len(turns)):
        turn = turns[at]
        if turn.role is Role.INTERVIEWER:
            continue
        asked = turns[at - 1] if at and turns[at - 1].speaker != turn.speaker else None
        reply = turns[at + 1] if at + 1 < len(turns) else None
        reply = reply if reply and reply.speaker != turn.speaker else None
        slices = list(split_segment_sentences(turn.text))
        texts = [one.text for one in slices]
        for k, place in enumerate(slices):
            if _is_whole(turn.text, place) and find_anchor_words(turn.text, place):
                yield SpokenSentence(
                    turn=turn,
                    place=place,
                    text=clean_up_sentence(place.text),
                    before=tuple(texts[:k]),
                    after=tuple(texts[k + 1 :]),
                    asked=asked,
                    reply=reply,
                    others=tuple(one for one in speakers if one != turn.speaker),
                )


def _is_whole(text: str, place: SentenceSlice) -> bool:
    """Return whether a slice is no clause of a longer sentence, and of a usual length."""
    before = text[: place.start].rstrip(" \t\r\n\"“'(")
    is_begun = not before or before[-1] in ".!?…"
    is_ended = place.text.rstrip("\"”\u2019')]")[-1:] in {".", "!", "?", "…"} or place.end >= len(
        text.rstrip()
    )
    return is_begun and is_ended and _MIN_WORDS <= len(split_words(place.text)) <= _MAX_WORDS
