"""Find the pairs among many statements that oppose each other, within stated bounds.

Pairs grow with the square of the statements, so only those are compared that share words; those
that share most come first, and what is beyond the bounds is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Final

from grounding.opposition import Opposition, collect_content, find_opposition

MAX_CANDIDATES: Final = 100_000
"""Most pairs of statements that share a word that are looked at; the rarest words come first."""

_MIN_WORDS: Final = 2
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two statements that oppose each other, by their indices, and how."""

    first: int
    second: int
    kind: Opposition


@dataclass(frozen=True, slots=True)
class DisagreementSearch:
    """What was found among statements, and how far it was looked for.

    Attributes:
        found: those that share most words first.
        candidates: pairs that share enough words to be compared.
        compared: how many of them were compared.
        is_complete: whether all pairs that share a word were looked at, and all candidates too.
    """

    found: tuple[Disagreement, ...]
    candidates: int
    compared: int
    is_complete: bool


def find_disagreements(statements: Sequence[str], max_pairs: int) -> DisagreementSearch:
    """Find the statements that oppose each other, as far as code sees it.

    Args:
        statements: about the same question or theme.
        max_pairs: compare at most so many pairs; one takes some milliseconds.
    """
    contents = [collect_content(one) for one in statements]
    sharing = _iter_sharing_pairs(contents)
    looked_at = {*islice(sharing, MAX_CANDIDATES)}
    is_cut = next(sharing, None) is not None
    shares = {pair: _compute_share(contents, *pair) for pair in looked_at}
    candidates = sorted(
        (pair for pair, share in shares.items() if share >= _MIN_SHARE),
        key=lambda pair: (-shares[pair], pair),
    )
    compared = candidates[:max_pairs]
    found = [
        Disagreement(*pair, kind)
        for pair in compared
        if (kind := find_opposition(statements[pair[0]], statements[pair[1]])) is not None
    ]
    is_complete = not is_cut and len(compared) == len(candidates)
    return DisagreementSearch(tuple(found), len(candidates), len(compared), is_complete)


def _iter_sharing_pairs(contents: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a word, those that share a rare one first; some several times."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, content in enumerate(contents):
        for word in content:
            places[word].append(index)
    for indices in sorted(places.values(), key=lambda found: (len(found), found)):
        yield from combinations(indices, 2)


def _compute_share(contents: Sequence[frozenset[str]], first: int, second: int) -> float:
    """Compute the share of the words of the longer statement that both have; 0 if too few."""
    one, other = contents[first], contents[second]
    shared = len(one & other)
    return 0.0 if shared < _MIN_WORDS else shared / max(len(one), len(other))
