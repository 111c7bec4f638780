"""Reads which of two is which: "louder than", "from York to Leeds", "prefers tea to coffee"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.text.lemmas import lemma
from grounding.text.terms import Term, terms
from grounding.text.words import listed

_DEGREES: Final = listed("more less")
_SIDES: Final = listed("before after because instead")
_POINTING: Final = listed("that this it which")
_PREFER: Final = lemma("prefer")
_OVER: Final = listed("to over")
_FARTHEST: Final = 4
_LEFT: Final = 12


@dataclass(frozen=True, slots=True)
class Direction:
    """Two sides and the word between them that tells them apart.

    Attributes:
        word: "louder", "more", "from", "prefer", "before", "because".
        what: the adjective of "more expensive than"; else nothing.
        near: lemmas of what is louder, preferred, left, or told of.
        far: lemmas of what it is louder than, preferred to, or where it leads.
    """

    word: str
    what: str
    near: frozenset[str]
    far: frozenset[str]

    def turns(self, other: Direction) -> bool:
        """Whether each side has what only the other's other side has."""
        return bool(
            (self.near - other.near - self.far) & other.far
            and (self.far - other.far - self.near) & other.near
        )

    def keeps(self, other: Direction) -> bool:
        """Whether both sides have something of the other's same side."""
        return bool(
            (self.near & other.near) - other.far and (self.far & other.far) - other.near
        ) and not self.turns(other)


@lru_cache(maxsize=256)
def directions(text: str) -> tuple[Direction, ...]:
    """The directions of a text, in order."""
    read = terms(text)
    found = (_at(read, at) for at in range(len(read)))
    return tuple(one for one in found if one is not None and one.near and one.far)


def _at(read: Sequence[Term], at: int) -> Direction | None:
    text = read[at].text
    if text == "than" and at:
        return _comparison(read, at)
    if text == "from":
        return _course(read, at)
    if text in _SIDES and not _points_back(read, at):
        return Direction(text, "", _before(read, at), _after(read, at + 1))
    if read[at].key == _PREFER:
        return _preference(read, at)
    return None


def _points_back(read: Sequence[Term], at: int) -> bool:
    """Whether the cause or the time is told before: "because of that", "after it"."""
    of = [one.text for one in read[at + 1 : at + 2]] == ["of"]
    following = read[at + 1 + of : at + 3 + of]
    if not following or following[0].text not in _POINTING:
        return False
    return of or len(following) == 1 or following[1].opens


def _comparison(read: Sequence[Term], at: int) -> Direction | None:
    by_degree = at > 1 and read[at - 2].text in _DEGREES
    place = at - 2 if by_degree else at - 1
    what = read[at - 1].key if by_degree else ""
    return Direction(read[place].text, what, _before(read, place), _after(read, at + 1))


def _preference(read: Sequence[Term], at: int) -> Direction | None:
    for place in range(at + 1, min(at + _LEFT, len(read))):
        if read[place].opens:
            return None
        if read[place].text in _OVER and place > at + 1:
            near = frozenset(one.key for one in read[at + 1 : place] if one.is_content)
            return Direction(_PREFER, "", near, _after(read, place + 1))
    return None


def _course(read: Sequence[Term], at: int) -> Direction | None:
    """From York to Leeds, or to Leeds from York."""
    near = list(_from(read, at + 1))
    following = at + 1 + len(near)
    if near and following < len(read) and read[following].text == "to":
        told = frozenset(one.key for one in near if one.is_content)
        return Direction("from", "", told, _after(read, following + 1))
    begin = next((one for one in range(at - 1, max(-1, at - _FARTHEST), -1) if _to(read[one])), at)
    if any(one.opens for one in read[begin + 1 : at + 1]):
        return None
    far = frozenset(one.key for one in read[begin + 1 : at] if one.is_content)
    return Direction("from", "", _after(read, at + 1), far)


def _to(term: Term) -> bool:
    return term.text == "to"


def _from(read: Sequence[Term], begin: int) -> Iterator[Term]:
    """The terms from a place on, to the next "to", the clause's end, or a few words further."""
    for term in read[begin : begin + _FARTHEST]:
        if term.opens or _to(term):
            return
        yield term


def _after(read: Sequence[Term], begin: int) -> frozenset[str]:
    return frozenset(one.key for one in _from(read, begin) if one.is_content)


def _before(read: Sequence[Term], end: int) -> frozenset[str]:
    """The lemmas of the clause before a place."""
    told: list[str] = []
    for term in reversed(read[max(0, end - _LEFT) : end]):
        if term.is_content:
            told.append(term.key)
        if term.opens:
            break
    return frozenset(told)
