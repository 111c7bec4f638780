"""Read relations with a direction: "louder than", "from York to Leeds", "prefers tea to coffee"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.text.lemmas import get_lemma
from grounding.text.terms import Term, split_terms
from grounding.text.words import parse_word_list

_DEGREES: Final = parse_word_list("more less")
_SIDES: Final = parse_word_list("before after because instead")
_POINTING: Final = parse_word_list("that this it which")
_PREFER: Final = get_lemma("prefer")
_OVER: Final = parse_word_list("to over")
# Terms that belong to a side after its word: what stands further on is another thought.
_FARTHEST: Final = 4
# Terms of a clause before the word, as people begin long sentences before a comparison.
_LEFT: Final = 12


@dataclass(frozen=True, slots=True)
class DirectedRelation:
    """Relation whose two sides must not be swapped, such as "A is louder than B".

    Attributes:
        word: "louder", "more", "from", "prefer", "before", "because".
        what: the adjective of "more expensive than"; else nothing.
        near: lemmas of what is louder, preferred, left, or described.
        far: lemmas of what it is louder than, preferred to, or where it leads.
    """

    word: str
    what: str
    near: frozenset[str]
    far: frozenset[str]

    def is_reversed_in(self, other: DirectedRelation) -> bool:
        """Return whether each side has words that only the other relation's opposite side has."""
        return bool(
            (self.near - other.near - self.far) & other.far
            and (self.far - other.far - self.near) & other.near
        )

    def has_same_order_as(self, other: DirectedRelation) -> bool:
        """Return whether both sides have words of the other relation's same side."""
        return bool(
            (self.near & other.near) - other.far and (self.far & other.far) - other.near
        ) and not self.is_reversed_in(other)


@lru_cache(maxsize=256)
def find_directed_relations(text: str) -> tuple[DirectedRelation, ...]:
    """Return the relations in a text whose sides must not be swapped, in order."""
    read = split_terms(text)
    found = (_read_relation(read, at) for at in range(len(read)))
    return tuple(one for one in found if one is not None and one.near and one.far)


def _read_relation(read: Sequence[Term], at: int) -> DirectedRelation | None:
    text = read[at].text
    if text == "than" and at:
        return _read_comparison(read, at)
    if text == "from":
        return _read_movement(read, at)
    if text in _SIDES and not _refers_back(read, at):
        return DirectedRelation(text, "", _collect_before(read, at), _collect_after(read, at + 1))
    if read[at].key == _PREFER:
        return _read_preference(read, at)
    return None


def _refers_back(read: Sequence[Term], at: int) -> bool:
    """Return whether the cause or the time stands before it: "because of that", "after it"."""
    of = [one.text for one in read[at + 1 : at + 2]] == ["of"]
    following = read[at + 1 + of : at + 3 + of]
    if not following or following[0].text not in _POINTING:
        return False
    return of or len(following) == 1 or following[1].opens


def _read_comparison(read: Sequence[Term], at: int) -> DirectedRelation | None:
    by_degree = at > 1 and read[at - 2].text in _DEGREES
    place = at - 2 if by_degree else at - 1
    what = read[at - 1].key if by_degree else ""
    return DirectedRelation(
        read[place].text, what, _collect_before(read, place), _collect_after(read, at + 1)
    )


def _read_preference(read: Sequence[Term], at: int) -> DirectedRelation | None:
    for place in range(at + 1, min(at + _LEFT, len(read))):
        if read[place].opens:
            return None
        if read[place].text in _OVER and place > at + 1:
            near = frozenset(one.key for one in read[at + 1 : place] if one.is_content)
            return DirectedRelation(_PREFER, "", near, _collect_after(read, place + 1))
    return None


def _read_movement(read: Sequence[Term], at: int) -> DirectedRelation | None:
    """Read "from York to Leeds", or "to Leeds from York"."""
    near = list(_iter_until_to(read, at + 1))
    following = at + 1 + len(near)
    if near and following < len(read) and read[following].text == "to":
        keys = frozenset(one.key for one in near if one.is_content)
        return DirectedRelation("from", "", keys, _collect_after(read, following + 1))
    begin = next(
        (one for one in range(at - 1, max(-1, at - _FARTHEST), -1) if _is_to(read[one])), at
    )
    if any(one.opens for one in read[begin + 1 : at + 1]):
        return None
    far = frozenset(one.key for one in read[begin + 1 : at] if one.is_content)
    return DirectedRelation("from", "", _collect_after(read, at + 1), far)


def _is_to(term: Term) -> bool:
    return term.text == "to"


def _iter_until_to(read: Sequence[Term], begin: int) -> Iterator[Term]:
    """Yield the terms up to the next "to", the clause's end, or a few words further."""
    for term in read[begin : begin + _FARTHEST]:
        if term.opens or _is_to(term):
            return
        yield term


def _collect_after(read: Sequence[Term], begin: int) -> frozenset[str]:
    return frozenset(one.key for one in _iter_until_to(read, begin) if one.is_content)


def _collect_before(read: Sequence[Term], end: int) -> frozenset[str]:
    """Return the lemmas of the clause before a place."""
    keys: list[str] = []
    for term in reversed(read[max(0, end - _LEFT) : end]):
        if term.is_content:
            keys.append(term.key)
        if term.opens:
            break
    return frozenset(keys)
