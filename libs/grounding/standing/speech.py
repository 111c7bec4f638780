"""Mark what speakers say without meaning it: fillers, repetitions, words begun and given up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache, partial
from typing import Final, NamedTuple

from grounding.standing.tokens import SeparatorKind, Token, split_tokens
from grounding.standing.vocabulary import (
    FILLERS,
    HESITATIONS,
    NEGATIONS,
    PARTICIPLES,
    PHRASES,
    QUANTITIES,
    UNITS_OF_TIME,
)
from grounding.text.words import parse_word_list

_MAX_REPEATED: Final = 5
"""Words in a row that are noticed when they are said twice."""
_MAX_ABANDONED: Final = 4
"""Words before a break that may have been given up for those behind it."""
_RESTART: Final = 5
"""Words behind a break among which the ones given up are looked for."""
_MAX_BEGUN_AGAIN: Final = 8
"""Words before a break that are given up if all of them are said again."""
_BEGUN_AGAIN: Final = 12
"""Words behind a break among which all of them are looked for."""
_NEAR_NEGATION: Final = 3
"""Words behind a negation within which even a filler may be meant."""
_LONGEST_PHRASES: Final = {
    first: max(len(phrase) for phrase in PHRASES if phrase[0] == first)
    for first in {phrase[0] for phrase in PHRASES}
}
"""Tokens of the longest phrase, by the word that it begins with."""
_ADDRESSES: Final = parse_word_list("man boy girl dude bro bruh sir ma'am folks")
"""Words by which somebody is addressed where commas set them apart: "Man, I tried"."""
_CHAIRS: Final = parse_word_list("chair speaker president chairman chairwoman")
_MEANT_WHEN_REPEATED: Final = frozenset({"very", "really"})


class SpokenToken(NamedTuple):
    """Token of a speaker's turn, with marks such as repeated, abandoned or fragment."""

    token: Token
    is_repeated: bool = False

    @property
    def text(self) -> str:
        """The compared form."""
        return self.token.text


_new_spoken_token: Final = partial(tuple.__new__, SpokenToken)
"""Makes a token of a tuple of all its fields, in a fifth of the time of the constructor."""


@lru_cache(maxsize=512)
def tokenize_speech(text: str) -> tuple[SpokenToken, ...]:
    """Split a turn's text into tokens; repetitions are marked, and set phrases joined."""
    tokens = merge_phrase_tokens(split_tokens(text))
    fragments = {*_find_fragments(tokens)}
    repeated = {*_find_repeated(tokens, fragments), *_find_abandoned(tokens), *fragments}
    repeated.update(_find_addresses(tokens))
    return tuple([_new_spoken_token((token, at in repeated)) for at, token in enumerate(tokens)])


def merge_phrase_tokens(tokens: Sequence[Token]) -> list[Token]:
    """Replace each known multi-word phrase in a list of tokens by a single token."""
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        length, phrase = _find_phrase(tokens, at)
        one = tokens[at]
        if length > 1:
            one = one._replace(text=phrase, end=tokens[at + length - 1].end)
        joined.append(one)
        at += length
    return [_settle(joined, at) for at in range(len(joined))]


def is_filler(speech: Sequence[SpokenToken], j: int) -> bool:
    """Return whether a spoken token has no meaning and may be omitted, such as "um"."""
    text = speech[j].text
    if text == "like" and _is_quantity(speech, j + 1):
        return False  # "like forty pounds" is no exact sum
    if text in HESITATIONS:
        return True
    near = {one.text for one in speech[max(0, j - _NEAR_NEGATION) : j]}
    return text in FILLERS and not near & (NEGATIONS | {"if"})


def _is_quantity(speech: Sequence[SpokenToken], j: int) -> bool:
    """Return whether a number or a span of time begins at a place: "40", "half an hour"."""
    texts = [one.text for one in speech[j : j + 2]]
    if not texts:
        return False
    is_unit = texts[0] in {"a", "an"} and {*texts[1:]} & UNITS_OF_TIME
    return texts[0].startswith("#") or texts[0] in QUANTITIES or bool(is_unit)


def _settle(tokens: Sequence[Token], at: int) -> Token:
    """Return a token with its text as the next one settles it: "he's been" is no "he is"."""
    one = tokens[at]
    then = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if one.text == "'s" and (then in PARTICIPLES or then.endswith("ed")):
        return one._replace(text="'s done")
    if one.text == "cause" and then in {"i", "he", "she", "we", "they"}:
        return one._replace(text="because")
    return one


def _find_phrase(tokens: Sequence[Token], at: int) -> tuple[int, str]:
    """Return the length of the longest phrase that begins at a token, and what it counts as."""
    longest = _LONGEST_PHRASES.get(tokens[at].text, 1)
    if longest == 1:
        return 1, tokens[at].text
    for length in range(min(longest, len(tokens) - at), 1, -1):
        run = tokens[at : at + length]
        phrase = PHRASES.get(tuple(one.text for one in run))
        is_quoting = run[-1].text != "all" or _is_parted(tokens, at + length)
        if (
            phrase is not None
            and is_quoting
            and all(one.gap < SeparatorKind.BREAK for one in run[1:])
        ):
            return length, phrase
    return 1, tokens[at].text


def _is_parted(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a comma or more is before a token: "we was all cool" quotes nobody."""
    return at >= len(tokens) or tokens[at].gap >= SeparatorKind.COMMA


def _find_repeated(tokens: Sequence[Token], fragments: Collection[int]) -> Iterable[int]:
    """Yield places of words that are said again right away, with nothing but fillers between."""
    solid = [
        at
        for at, one in enumerate(tokens)
        if (one.text not in FILLERS or one.text in _MEANT_WHEN_REPEATED) and at not in fragments
    ]
    texts = [tokens[at].text for at in solid]
    for length in range(_MAX_REPEATED, 0, -1):
        for k in range(len(solid) - 2 * length + 1):
            if texts[k] != texts[k + length]:
                continue  # as most words; comparing slices takes longer
            is_repeated = texts[k : k + length] == texts[k + length : k + 2 * length]
            within = solid[k + 1 : k + length]
            if is_repeated and all(tokens[at].gap is not SeparatorKind.SENTENCE for at in within):
                yield from solid[k : k + length]


def _find_abandoned(tokens: Sequence[Token]) -> Iterable[int]:
    """Yield places of words before a break that are said again soon behind it."""
    for at, one in enumerate(tokens):
        if one.gap is not SeparatorKind.BREAK:
            continue
        ahead = {other.text for other in tokens[at : at + _RESTART]}
        for back in range(at - 1, max(-1, at - 1 - _MAX_ABANDONED), -1):
            if tokens[back].text in ahead:
                given_up = range(back, at)
                yield from (k for k in given_up if tokens[k].text in ahead | FILLERS)
            if tokens[back].gap >= SeparatorKind.COMMA:
                break
        yield from _find_begun_again(tokens, at)


def _find_begun_again(tokens: Sequence[Token], at: int) -> Iterable[int]:
    """Yield places of all words of a clause before a break, if each is said again behind it."""
    ahead = {other.text for other in tokens[at : at + _BEGUN_AGAIN]} | FILLERS | {"that"}
    begin = at - 1
    while begin > 0 and tokens[begin].gap < SeparatorKind.COMMA:
        begin -= 1
    is_short = 0 <= at - begin <= _MAX_BEGUN_AGAIN
    if is_short and all(tokens[back].text in ahead for back in range(begin, at)):
        yield from range(begin, at)


def _find_fragments(tokens: Sequence[Token]) -> Iterable[int]:
    """Yield places of words that were begun and not ended: "c- decompress", "kn- know"."""
    for at, one in enumerate(tokens[:-1]):
        if one.text in {"a", "i"} or not one.text.isalpha():
            continue
        then = tokens[at + 1]
        is_begun = len(one.text) < len(then.text) and then.text.startswith(one.text)
        if len(one.text) == 1 or (is_begun and then.gap is SeparatorKind.BREAK):
            yield at


def _find_addresses(tokens: Sequence[Token]) -> Iterable[int]:
    """Yield places of words that address somebody, set apart by commas: "Mr. Chair, we …"."""
    for at, one in enumerate(tokens):
        has_title = one.text in {"mr", "madam", "madame"} and at + 1 < len(tokens)
        is_chair = has_title and tokens[at + 1].text in _CHAIRS
        end = at + 1 + is_chair
        if not is_chair and one.text not in _ADDRESSES:
            continue
        if _is_parted(tokens, at) and _is_parted(tokens, end):
            yield from range(at, end)
