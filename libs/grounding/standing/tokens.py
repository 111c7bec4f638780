"""Split spoken text and statements into tokens for comparing them word by word.

Contractions are taken apart, so that "don't" and "do not" are the same tokens, and numbers are
read, so that "forty" and "40" are. A token knows what stands before it: the end of a sentence, a
comma, or a break such as a dash or a transcriber's note, where a speaker may have started afresh.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache, partial
from typing import Final, NamedTuple

from grounding.numbers.numerals import may_begin_numeral, parse_numeral
from grounding.numbers.units import FOLD, TIMES
from grounding.text.words import Word, parse_word_list, split_words

_NOTES: Final = re.compile(
    r"\{[^{}]*\}|<[^<>]{1,24}>"
    r"|[\[(][^\[\]()]*\b(?:laugh|chuckl|inaudible|unintelligible|crosstalk|pause|silence|music"
    r"|cough|sigh|noise|applause|overlap|sniff|breath|clears|sic|redacted|indistinct|beep)"
    r"[^\[\]()]*[\])]",
    re.IGNORECASE,
)
_NOTE_MARK: Final = "\x00"
_SENTENCE_END: Final = re.compile(r"[!?…]|\.(?!\w)|\n")
_BREAK: Final = re.compile(r"—|\u2013|--|\s-\s|-$|-\s|\x00")
_COMMA: Final = re.compile(r"[,;:()\[\]\"“”]")
_OPENING: Final = parse_word_list(
    "the it this that we they he she you there if and but so what it's that's they're he's she's"
)
_TITLES: Final = parse_word_list("mr mrs ms dr prof st vs etc")
_UNREAD_NUMBERS: Final = frozenset(TIMES) | frozenset(FOLD) | {"halved", "couple"}

_CURRENCIES: Final = {"$": "dollars", "€": "euros", "£": "pounds"}

_CLITICS: Final = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'em": "them"}
_KEPT_CLITICS: Final = ("'s", "'d")
_CONTRACTIONS: Final = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
    "kinda": ("kind", "of"),
    "sorta": ("sort", "of"),
    "dunno": ("do", "not", "know"),
    "lemme": ("let", "me"),
    "cuz": ("because",),
    "coz": ("because",),
    "tryna": ("trying", "to"),
    "hafta": ("have", "to"),
    "imma": ("i", "am", "going", "to"),
    "i'ma": ("i", "am", "going", "to"),
    "finna": ("going", "to"),
    "woulda": ("would", "have"),
    "coulda": ("could", "have"),
    "shoulda": ("should", "have"),
    "y'all": ("you", "all"),
    "let's": ("let", "us"),
    "outta": ("out", "of"),
    "okay": ("ok",),
    "'cause": ("because",),
}
_SET_APART: Final = {*_CLITICS, *_KEPT_CLITICS, "'cause"}
"""Parts of contractions that transcribers may write apart: "it 's"."""


class SeparatorKind(IntEnum):
    """Kind of separator before a token: blank, comma, dash or other break, sentence end."""

    NONE = 0
    COMMA = 1
    BREAK = 2
    SENTENCE = 3


class Token(NamedTuple):
    """Token of a text: a word, a part of a contraction, a number, or a known phrase.

    Attributes:
        text: the compared form; of a number ``#`` and its value.
        start: index of its first character in the text.
        end: index after its last character.
        gap: what stands before it.
        sentence: number of its sentence in the text, from 0.
        is_asked: whether its sentence ends with a question mark.
        is_capital: whether it is written with a capital.
    """

    text: str
    start: int
    end: int
    gap: SeparatorKind
    sentence: int
    is_asked: bool
    is_capital: bool


_new_token: Final = partial(tuple.__new__, Token)
"""Makes a token of a tuple of all its fields, in a fifth of the time of the constructor."""


@lru_cache(maxsize=512)
def split_tokens(text: str) -> tuple[Token, ...]:
    """Split a text into tokens; notes such as "{laugh}" count as separators."""
    plain = _NOTES.sub(lambda note: _NOTE_MARK + " " * (len(note.group()) - 1), text)
    words = split_words(plain)
    tokens: list[Token] = []
    sentence = begin = done = 0
    for at, word in enumerate(words):
        if at < done:
            continue
        is_capital = plain[word.start].isupper()
        gap = _classify_gap(words, at, is_capital=is_capital)
        if gap is SeparatorKind.SENTENCE and tokens:
            _mark_question(tokens, begin, is_asked="?" in word.before)
            begin = len(tokens)
            sentence += 1
        number, done = _read_number(words, at)
        end = words[max(at, done - 1)].end
        for part in number or _expand(word):
            tokens.append(_new_token((part, word.start, end, gap, sentence, False, is_capital)))
            gap, is_capital = SeparatorKind.NONE, False  # of several parts, the first one's
    _mark_question(tokens, begin, is_asked=bool(words) and "?" in words[-1].after)
    return tuple(tokens)


def _classify_gap(words: Sequence[Word], at: int, *, is_capital: bool) -> SeparatorKind:
    before = words[at].before
    if at == 0:
        return SeparatorKind.SENTENCE
    if before == " ":
        return SeparatorKind.NONE
    is_number = words[at - 1].text == "no" and words[at].text[0].isdigit()
    is_title = (words[at - 1].text in _TITLES or is_number) and before.strip() == "."
    if _SENTENCE_END.search(before) and not is_title:
        return SeparatorKind.SENTENCE
    if _BREAK.search(before):
        # "It was like everybody- It wasn't": the capital shows that a sentence begins anew.
        return (
            SeparatorKind.SENTENCE
            if is_capital and words[at].text in _OPENING
            else SeparatorKind.BREAK
        )
    return SeparatorKind.COMMA if _COMMA.search(before) else SeparatorKind.NONE


def _mark_question(tokens: list[Token], begin: int, *, is_asked: bool) -> None:
    if is_asked:
        tokens[begin:] = [one._replace(is_asked=True) for one in tokens[begin:]]


def _read_number(words: Sequence[Word], at: int) -> tuple[tuple[str, ...], int]:
    """Return a cardinal number as a token with its value, its sign as another, and its end."""
    if not may_begin_numeral(words[at].text):
        return (), at
    is_couple = words[at].text == "a" and [one.text for one in words[at + 1 : at + 2]] == ["couple"]
    is_unread = is_couple or words[at].text in _UNREAD_NUMBERS
    numeral = None if is_unread else parse_numeral(words, at)
    if numeral is None or numeral.is_ordinal or numeral.is_decade or numeral.is_part:
        return (), at
    if numeral.suffix or numeral.parts or len(numeral.values) != 1:
        return (), at
    (value,) = numeral.values
    parts = [f"#{value.normalize():f}"]
    if currency := _CURRENCIES.get(words[at].before[-1:]):
        parts.append(currency)
    if words[numeral.end - 1].after.startswith("%"):
        parts.append("percent")
    return tuple(parts), numeral.end


def _expand(word: Word) -> tuple[str, ...]:
    """Return the parts of a contraction; also of one whose parts a transcriber has set apart."""
    is_apart = word.before.endswith(("'", "\u2019"))
    text = f"'{word.text}" if is_apart and f"'{word.text}" in _SET_APART else word.text
    if text in _CONTRACTIONS:
        return _CONTRACTIONS[text]
    if text.endswith("n't"):
        return text.removesuffix("n't"), "not"
    for clitic, full in _CLITICS.items():
        if text.endswith(clitic):
            return (text.removesuffix(clitic), full) if text != clitic else (full,)
    if text.endswith(_KEPT_CLITICS) and text not in _KEPT_CLITICS:
        return text[:-2], text[-2:]
    return (text,)
