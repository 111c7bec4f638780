"""Align the words of a statement with those of its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final, Protocol

_MAX_PAIRS: Final = 20_000
"""Pairs of equal words of two texts that are compared; more have only repetitions."""


class AlignableWord(Protocol):
    """Interface of the words that ``align_words`` can compare."""

    @property
    def key(self) -> str:
        """The form by which equal words are recognised."""

    @property
    def is_content(self) -> bool:
        """Whether it carries content rather than grammar."""


def align_words(
    sentence: Sequence[AlignableWord], evidence: Sequence[AlignableWord]
) -> list[tuple[int, int]]:
    """Align the words of two texts in order; return the pairs of indices of equal words.

    Content words are matched first, the others between them, as far to the right as possible: in
    "I don't, I like it" the "I" that is matched is the one beside "like".
    """
    anchors = _match_content_words(sentence, evidence)
    # A pair before the first word and one behind the last make gaps of the ends, like all others.
    edges = [(-1, -1), *anchors, (len(sentence), len(evidence))]
    between: list[tuple[int, int]] = []
    for (a, b), (a_end, b_end) in pairwise(edges):
        # Behind the last content word there is nothing to the right to lean on.
        trails = bool(anchors) and a_end == len(sentence)
        gap = (sentence[a + 1 : a_end], evidence[b + 1 : b_end])
        pairs = _match_equal(*gap) if trails else _match_from_right(*gap)
        between.extend((a + 1 + i, b + 1 + j) for i, j in pairs)
    return sorted([*anchors, *between])


def _match_content_words(
    sentence: Sequence[AlignableWord], evidence: Sequence[AlignableWord]
) -> list[tuple[int, int]]:
    ours = [at for at, one in enumerate(sentence) if one.is_content]
    theirs = [at for at, one in enumerate(evidence) if one.is_content]
    pairs = _match_equal([sentence[at] for at in ours], [evidence[at] for at in theirs])
    return [(ours[i], theirs[j]) for i, j in pairs]


def _match_equal(
    ours: Sequence[AlignableWord], theirs: Sequence[AlignableWord]
) -> Iterator[tuple[int, int]]:
    if not ours or not theirs:
        return
    mine, other = [one.key for one in ours], [one.key for one in theirs]
    if set(mine).isdisjoint(other):
        return
    # SequenceMatcher looks at every pair of equal words for each run that it finds, so hostile
    # repetitions would cost the product of both lengths.
    left_out = _find_too_frequent(mine, other)
    if left_out:
        kept = [at for at, key in enumerate(other) if key not in left_out]
        other = [other[at] for at in kept]
    else:
        kept = list(range(len(other)))
    for a, b, size in SequenceMatcher(None, mine, other, autojunk=False).get_matching_blocks():
        yield from ((a + step, kept[b + step]) for step in range(size))


def _find_too_frequent(mine: Sequence[str], other: Sequence[str]) -> frozenset[str]:
    """Return the most frequent words, without which few enough pairs of equal ones are left."""
    if len(mine) * len(other) <= _MAX_PAIRS:
        return frozenset()
    theirs = Counter(other)
    pairs = {key: count * theirs[key] for key, count in Counter(mine).items() if key in theirs}
    total, left_out = sum(pairs.values()), set[str]()
    # Equally frequent ones by the word itself, so that equal texts are always aligned alike.
    for key in sorted(pairs, key=lambda one: (-pairs[one], one)):
        if total <= _MAX_PAIRS:
            break
        total -= pairs[key]
        left_out.add(key)
    return frozenset(left_out)


def _match_from_right(
    ours: Sequence[AlignableWord], theirs: Sequence[AlignableWord]
) -> Iterator[tuple[int, int]]:
    for i, j in _match_equal(ours[::-1], theirs[::-1]):
        yield len(ours) - 1 - i, len(theirs) - 1 - j
