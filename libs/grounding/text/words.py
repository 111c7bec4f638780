"""Split a text into words: where each stands, and the form in which two of them are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, partial
from typing import Final, NamedTuple

from contracts.characters import INVISIBLE, build_combining_mark_ranges


def parse_word_list(text: str) -> frozenset[str]:
    """Split a string at white space into a set of words."""
    return frozenset(text.split())


# The right and left single quotation marks and the modifier letter, all used as apostrophes.
_CURLED = "\u2019\u02bc\u2018"
# Vowel signs and viramas are marks, and so part of a word as much as its letters.
_MARKS = f"[{build_combining_mark_ranges()}{INVISIBLE}]*"
_LETTER = rf"[^\W_]{_MARKS}"
_WORD = re.compile(
    rf"(?:\d+(?:[.,:]\d+)*(?:(?![a-zA-Z]{{3}})[^\W\d_]{_MARKS}(?:[^\W\d_]{_MARKS})*)?|(?:{_LETTER})+)(?:['{_CURLED}]+(?:{_LETTER})+)*"
)
# The same for texts without other letters, in half the time.
_ASCII_WORD = re.compile(
    r"(?:[0-9]+(?:[.,:][0-9]+)*(?:(?![a-zA-Z]{3})[a-zA-Z]+)?|[a-zA-Z0-9]+)(?:'+[a-zA-Z0-9]+)*"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_SENTENCES = re.compile(r"(?<=[.!?…])\s+")
_BRACKETED = re.compile(r"\[[^\[\]]*\]")
_APOSTROPHES = str.maketrans(_CURLED, "'" * 3)
_HESITATIONS = parse_word_list("uh um er erm uhm ah eh hm hmm mm mhm umm uhh")
_PAUSE = re.compile(r"[\s,-]*")
_SUBJECTS = parse_word_list("i you he she it we they there that")
_SUFFIXES = ("'s", "ing", "ies", "ed", "es", "s")
_SHORTEST_STEM = 3
_SHORT_WITH_TWO = 5

FUNCTION_WORDS = parse_word_list(
    """a an the this that these those i me my mine myself you your yours we us our ours he him
    his she her hers it its they them their theirs who whom whose which what and or but so if
    then than as at by for from in into of off on onto out over to up with about is am are was
    were be been being do does did done have has had having will would can could shall should
    may might must get got just really very too also even well oh yeah yes okay ok like there
    here when where why how because cause though although while since until i'm i've i'd i'll
    it's that's there's he's she's we're they're you're we've they've let's gonna wanna gotta
    kind sort mean know ever any some all only still yet again now"""
)
"""English words that carry grammar rather than content."""


AS_SUBJECTS = {"me": "i", "us": "we", "him": "he", "her": "she", "them": "they"}
"""The pronouns that are objects, with what they are as subjects."""


class Word(NamedTuple):
    """Word of a text, with its position and its forms for comparison.

    Attributes:
        text: the compared form: composed, case-folded, with plain apostrophes.
        start: index of its first character, in code points.
        end: index after its last character.
        before: what stands between the previous word and this one.
        after: what stands between this word and the next one.
    """

    text: str
    start: int
    end: int
    before: str
    after: str


new_word: Final = partial(tuple.__new__, Word)
"""Makes a word of a tuple of all its fields, in a fifth of the time of the constructor."""


@lru_cache(maxsize=1024)
def split_words(text: str) -> tuple[Word, ...]:
    """Split a text into words, in order.

    A word is a run of letters with their marks, digits, and apostrophes inside; figures keep their
    separators (``1,200.50``, ``3:30``). All other characters, hyphens included, only separate
    words, so two texts compare equal whatever their punctuation, and never when a word differs.
    """
    is_ascii = text.isascii()
    spans = [match.span() for match in (_ASCII_WORD if is_ascii else _WORD).finditer(text)]
    folded = text.lower() if is_ascii else ""
    words: list[Word] = []
    done, then = 0, [begin for begin, _ in spans[1:]] + [len(text)]
    for (begin, end), following in zip(spans, then, strict=False):
        form = folded[begin:end] if is_ascii else _fold(text[begin:end])
        words.append(new_word((form, begin, end, text[done:begin], text[end:following])))
        done = end
    return tuple(words)


@lru_cache(maxsize=256)
def split_spoken_words(text: str) -> tuple[Word, ...]:
    """Split spoken text into words, without hesitations and transcribers' notes.

    The pause around a dropped hesitation is no punctuation, so "not, uh, good" reads "not good",
    unless the speaker starts afresh after it: "we don't, uh, we pay".
    """
    kept: list[Word] = []
    pause: str | None = None  # what stood before the first of some hesitations in a row
    # A note becomes blanks of the same length, so that words keep their places in the text; the
    # comma keeps the words around it apart.
    for word in split_words(_BRACKETED.sub(lambda note: "," + " " * (len(note.group()) - 1), text)):
        if word.text in _HESITATIONS:
            pause = word.before if pause is None else pause
            continue
        kept.append(word if pause is None else _join_over_hesitation(kept, word, pause))
        pause = None
    return tuple(kept)


@lru_cache(maxsize=256)
def split_at_full_stops(text: str) -> tuple[str, ...]:
    """Split a text after full stops, question marks and exclamation marks."""
    return tuple(one for one in _SENTENCES.split(text) if one.strip())


def _join_over_hesitation(kept: list[Word], word: Word, pause: str) -> Word:
    both = pause + word.before
    goes_on = bool(_PAUSE.fullmatch(both)) and word.text.split("'")[0] not in _SUBJECTS
    gap = " " if goes_on else both
    if kept:
        kept[-1] = kept[-1]._replace(after=gap)
    return word._replace(before=gap)


def _fold(raw: str) -> str:
    if raw.isascii():
        return raw.lower()
    # Models reproduce joiners and soft hyphens or leave them out; what is copied has them.
    seen = _INVISIBLE.sub("", raw)
    return unicodedata.normalize("NFC", seen).casefold().translate(_APOSTROPHES)


@lru_cache(maxsize=20_000)
def stem_word(word: str) -> str:
    """Return an English word without its ending: "pays", "paying" and "pay" give the same."""
    # A rest that is too short is a word of its own: "bed" is no "b" with an ending.
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            rest = word.removesuffix(suffix)
            return rest + "y" if suffix == "ies" else _undouble(rest)
    return _drop_second_l(word.removesuffix("e") if len(word) > _SHORTEST_STEM else word)


def _undouble(rest: str) -> str:
    doubled = len(rest) > _SHORTEST_STEM and rest[-1] == rest[-2] and rest[-1] not in "lsz"
    return rest[:-1] if doubled else _drop_second_l(rest.removesuffix("e"))


def _drop_second_l(rest: str) -> str:
    """Return a long word without its second final "l": "cancelled" gives "cancel"."""
    return rest[:-1] if len(rest) > _SHORT_WITH_TWO and rest.endswith("ll") else rest


def truncate_text(text: str, limit: int = 300) -> str:
    """Return at most ``limit`` characters of a text, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
