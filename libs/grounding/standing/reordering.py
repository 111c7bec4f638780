"""Move an adjunct of a claim to its other end: "In March she left" is "she left in March".

Only what leaves its meaning as it is: an adjunct of place or time, or a subordinate clause, moved
whole over a clause in which no word depends on what stands beside it ("only", "even"). "She didn't
leave because it rained" denies the cause, and is not "because it rained she didn't leave".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from grounding.standing.claims import Claim
from grounding.standing.names import is_speaker_placeholder
from grounding.standing.tokens import SeparatorKind, Token
from grounding.standing.vocabulary import AUXILIARIES, NEGATIONS, SUBJECTS
from grounding.text.words import parse_word_list

_STARTS: Final = parse_word_list(
    """in on at since until till before after during when whenever if unless once while for from by
    last next yesterday today tomorrow tonight now originally although though because growing over
    within throughout as every each"""
)
"""Words with which an adjunct begins."""
_CAUSES: Final = parse_word_list("because so_that since as")
_FOCUSING: Final = parse_word_list(
    "only even just also too mostly mainly especially particularly not_only again"
)
"""Words that bear on what stands beside them."""
_MOVABLE: Final = parse_word_list(
    "also only still always often usually sometimes already now probably actually really"
)
"""Adverbs that mean the same before an auxiliary and behind it."""
_MAX_SWAPPED: Final = 2
_LONGEST: Final = 12
"""Tokens of an adjunct at most."""
_SHORTEST_CLAUSE: Final = 3
"""Tokens of the clause over which it is moved at least."""
_MAX_BEHIND: Final = 3
"""Places from a claim's end at which an adjunct may begin that are tried."""


def list_reordered_claims(claim: Claim) -> Iterator[Claim]:
    """Yield variants of a claim with a phrase of time or place moved, or an adverb moved."""
    texts = [one.text for one in claim.tokens]
    yield from _swap_adverbs(claim, texts)
    if {*texts} & _FOCUSING:
        return
    for cut, starts in (*_list_cuts_in_front(claim), *_list_cuts_behind(claim)):
        head, tail = claim.tokens[:cut], claim.tokens[cut:]
        is_denied = {*texts} & NEGATIONS and starts in _CAUSES
        if not is_denied:
            yield replace(claim, tokens=(*tail, *head), is_reordered=True)


def _list_cuts_in_front(claim: Claim) -> Iterator[tuple[int, str]]:
    """Yield where an adjunct ends with which a claim begins, and its first word."""
    if claim.tokens[0].text not in _STARTS:
        return
    last = min(_LONGEST, len(claim.tokens) - _SHORTEST_CLAUSE)
    commas = [at for at in range(1, last + 1) if claim.tokens[at].gap is SeparatorKind.COMMA]
    subjects = [at for at in range(2, last + 1) if _is_subject(claim.tokens[at])]
    for at in (commas or subjects)[:2]:
        yield at, claim.tokens[0].text


def _list_cuts_behind(claim: Claim) -> Iterator[tuple[int, str]]:
    """Yield where an adjunct begins with which a claim ends, and its first word; the last first."""
    starts = [
        at
        for at in range(
            len(claim.tokens) - 1, max(_SHORTEST_CLAUSE, len(claim.tokens) - _LONGEST) - 1, -1
        )
        if claim.tokens[at].text in _STARTS
    ]
    for at in starts[:_MAX_BEHIND]:
        yield at, claim.tokens[at].text


def _is_subject(token: Token) -> bool:
    return is_speaker_placeholder(token.text) or token.text in SUBJECTS


def _swap_adverbs(claim: Claim, texts: Sequence[str]) -> Iterator[Claim]:
    """Yield a claim with an adverb on the other side of an auxiliary: "is also", "also is".

    Not beside a negation: "really doesn't" is more than "doesn't really".
    """
    found = 0
    for at in range(1, len(texts) - 1):
        pair = (texts[at], texts[at + 1])
        is_pair = any(
            adverb in _MOVABLE and verb in AUXILIARIES for adverb, verb in (pair, pair[::-1])
        )
        around = {texts[at - 1], *texts[at : at + 3]}
        if is_pair and not around & NEGATIONS and found < _MAX_SWAPPED:
            found += 1
            one, other = claim.tokens[at : at + 2]
            tokens = (*claim.tokens[:at], other, one, *claim.tokens[at + 2 :])
            yield replace(claim, tokens=tokens, is_reordered=True)
