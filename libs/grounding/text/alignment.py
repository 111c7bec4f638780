"""Lays a statement beside its evidence: which of its words were kept, and where they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final, Protocol

_MOST_PAIRS: Final = 20_000
"""Pairs of equal words of two texts that are compared; more have only repetitions."""


class Comparable(Protocol):
    """A word as the comparison sees it."""

    @property
    def key(self) -> str:
        """What equal words share."""

    @property
    def is_content(self) -> bool:
        """Whether it carries content rather than grammar."""


def kept_words(sentence: Sequence[Comparable], told: Sequence[Comparable]) -> list[tuple[int, int]]:
    """Pairs of indices of the words both have, in the order both have them in.

    Content words are laid first, the others between them, as far to the right as they go: in "I
    don't, I like it" the "I" that is kept is the one beside "like".
    """
    anchors = _anchors(sentence, told)
    edges = [(-1, -1), *anchors, (len(sentence), len(told))]
    between: list[tuple[int, int]] = []
    for (a, b), (a_end, b_end) in pairwise(edges):
        trails = bool(anchors) and a_end == len(sentence)
        gap = (sentence[a + 1 : a_end], told[b + 1 : b_end])
        pairs = _matches(*gap) if trails else _matches_from_the_right(*gap)
        between.extend((a + 1 + i, b + 1 + j) for i, j in pairs)
    return sorted([*anchors, *between])


def _anchors(sentence: Sequence[Comparable], told: Sequence[Comparable]) -> list[tuple[int, int]]:
    ours = [at for at, one in enumerate(sentence) if one.is_content]
    theirs = [at for at, one in enumerate(told) if one.is_content]
    pairs = _matches([sentence[at] for at in ours], [told[at] for at in theirs])
    return [(ours[i], theirs[j]) for i, j in pairs]


def _matches(ours: Sequence[Comparable], theirs: Sequence[Comparable]) -> Iterator[tuple[int, int]]:
    if not ours or not theirs:
        return
    mine, other = [one.key for one in ours], [one.key for one in theirs]
    # The matcher looks at every pair of equal words, for each run that it finds.
    left_out = _too_often(mine, other)
    if left_out:
        kept = [at for at, key in enumerate(other) if key not in left_out]
        other = [other[at] for at in kept]
    else:
        kept = list(range(len(other)))
    for a, b, size in SequenceMatcher(None, mine, other, autojunk=False).get_matching_blocks():
        yield from ((a + step, kept[b + step]) for step in range(size))


def _too_often(mine: Sequence[str], other: Sequence[str]) -> frozenset[str]:
    """The most frequent words, without which few enough pairs of equal ones are left."""
    theirs = Counter(other)
    pairs = {key: count * theirs[key] for key, count in Counter(mine).items() if key in theirs}
    total, left_out = sum(pairs.values()), set[str]()
    for key in sorted(pairs, key=lambda one: (-pairs[one], one)):
        if total <= _MOST_PAIRS:
            break
        total -= pairs[key]
        left_out.add(key)
    return frozenset(left_out)


def _matches_from_the_right(
    ours: Sequence[Comparable], theirs: Sequence[Comparable]
) -> Iterator[tuple[int, int]]:
    for i, j in _matches(ours[::-1], theirs[::-1]):
        yield len(ours) - 1 - i, len(theirs) - 1 - j
