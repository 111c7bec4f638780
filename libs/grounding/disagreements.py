"""Find the pairs among many statements that oppose each other, within stated bounds.

Pairs grow with the square of the statements, so each wording is compared once, and only with those
that share words; pairs that show a sign of opposing each other come first, and what is beyond the
bounds is counted.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product, repeat, zip_longest
from typing import Final

from grounding.compatibility import collect_keys, has_placeholder, list_opposites
from grounding.numbers.quantities import find_quantities
from grounding.opposition import (
    Opposition,
    collect_content,
    compute_shared_content,
    find_opposition,
)
from grounding.syntax.polarity import tokenize_polarity
from grounding.text.terms import split_terms

MAX_CANDIDATES: Final = 100_000
"""Most pairs of statements that share a word that are looked at; the rarest words come first."""

MAX_COMPARISON_CPU_S: Final = 8.0
"""Seconds of CPU time after which no more statements are compared; what was found is returned."""

_MIN_WORDS: Final = 2
_SHORT: Final = 2
_MIN_SHARE: Final = 0.5
_SIGNS: Final = re.compile(r"[$€£¥%]")


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
        found: the first of them, those that share most words first; each wording once before any
            comes again.
        found_count: how many pairs of statements oppose each other, also those that are not among
            ``found``.
        masked: how many statements were not compared, as they have a placeholder for a name.
        candidates: pairs of wordings that share enough words to be compared.
        compared: how many of them were compared.
        is_cut: whether pairs that share only frequent words were not looked at.
        is_complete: whether all statements, all pairs that share a word and all candidates were.
    """

    found: tuple[Disagreement, ...]
    found_count: int
    masked: int
    candidates: int
    compared: int
    is_cut: bool
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Wording:
    """Statement that is compared for all that have its words.

    Attributes:
        text: the statement.
        indices: where it and the others are.
        content: what it is about.
        keys: lemmas of all its words.
        denials: how much it denies.
        numbers: the numbers it has.
    """

    text: str
    indices: list[int]
    content: frozenset[str]
    keys: frozenset[str]
    denials: int
    numbers: frozenset[object]


def find_disagreements(
    statements: Sequence[str], max_pairs: int, max_found: int = 100
) -> DisagreementSearch:
    """Find the statements that oppose each other, as far as code sees it.

    Args:
        statements: about the same question or theme.
        max_pairs: compare at most so many pairs that may oppose each other; one takes some
            milliseconds.
        max_found: return at most so many pairs.
    """
    deadline = time.process_time() + MAX_COMPARISON_CPU_S
    open_ones = [at for at, one in enumerate(statements) if not has_placeholder(one)]
    wordings, are_all_read = _group_by_wording(statements, open_ones, deadline)
    sharing = _iter_sharing_pairs([one.content for one in wordings])
    looked_at = {*islice(sharing, MAX_CANDIDATES)}
    is_cut = next(sharing, None) is not None
    shares = {pair: _compute_share(*(wordings[at] for at in pair)) for pair in looked_at}
    candidates = sorted(
        (pair for pair, share in shares.items() if share >= _MIN_SHARE),
        key=lambda pair: (-shares[pair], pair),
    )
    kinds, compared = _compare(wordings, candidates, max_pairs, deadline)
    masked = len(statements) - len(open_ones)
    return DisagreementSearch(
        found=tuple(islice(_iter_found(wordings, kinds), max_found)),
        found_count=sum(
            len(wordings[one].indices) * len(wordings[other].indices) for one, other in kinds
        ),
        masked=masked,
        candidates=len(candidates),
        compared=compared,
        is_cut=is_cut,
        is_complete=not (is_cut or masked) and are_all_read and compared == len(candidates),
    )


def _group_by_wording(
    statements: Sequence[str], indices: Sequence[int], deadline: float
) -> tuple[list[_Wording], bool]:
    """Return the different wordings, and whether there was time to read all statements."""
    groups: dict[object, _Wording] = {}
    for at in indices:
        if time.process_time() > deadline:
            return [*groups.values()], False
        text = statements[at]
        # "$40" and "40%" have one key.
        key = (tuple(term.key for term in split_terms(text)), tuple(_SIGNS.findall(text)))
        if key not in groups:
            groups[key] = _read_wording(text)
        groups[key].indices.append(at)
    return [*groups.values()], True


def _read_wording(text: str) -> _Wording:
    numbers = ((one.values, one.unit, one.bound) for one in find_quantities(text))
    return _Wording(
        text=text,
        indices=[],
        content=collect_content(text),
        keys=collect_keys(text),
        denials=sum(one.is_cue for one in tokenize_polarity(text)),
        numbers=frozenset(numbers),
    )


def _compare(
    wordings: Sequence[_Wording],
    candidates: Sequence[tuple[int, int]],
    max_pairs: int,
    deadline: float,
) -> tuple[dict[tuple[int, int], Opposition], int]:
    """Return the pairs that oppose each other, and how many were compared."""
    may_oppose: list[tuple[bool, tuple[int, int]]] = []
    compared = 0
    for pair in candidates:
        if time.process_time() > deadline:
            break
        one, other = (wordings[at] for at in pair)
        is_likely = _has_sign(one, other)
        if is_likely or (one.denials and other.denials) or (one.numbers and other.numbers):
            may_oppose.append((not is_likely, pair))
        else:  # no check can fail
            compared += 1
    kinds: dict[tuple[int, int], Opposition] = {}
    for _, pair in sorted(may_oppose, key=lambda one: one[0])[:max_pairs]:
        if time.process_time() > deadline:
            break
        kind = find_opposition(*(wordings[at].text for at in pair))
        if kind is not None:
            kinds[pair] = kind
        compared += 1
    # As candidates are sorted: those that share most first.
    return {pair: kinds[pair] for pair in candidates if pair in kinds}, compared


def _has_sign(one: _Wording, other: _Wording) -> bool:
    """Return whether two wordings differ in an opposite, in how much they deny, or in numbers."""
    if one.denials != other.denials:
        return True
    if one.numbers and other.numbers and one.numbers != other.numbers:
        return True
    return bool(list_opposites(one.keys, other.keys))


def _iter_found(
    wordings: Sequence[_Wording], kinds: dict[tuple[int, int], Opposition]
) -> Iterator[Disagreement]:
    """Yield the statements that oppose each other: of each two wordings one pair, then another."""
    of_pairs = (
        zip(product(wordings[one].indices, wordings[other].indices), repeat(kind))
        for (one, other), kind in kinds.items()
    )
    for of_each in zip_longest(*of_pairs):
        for found in of_each:
            if found is not None:
                both, kind = found
                yield Disagreement(min(both), max(both), kind)


def _iter_sharing_pairs(contents: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a word, those that share a rare one first; some several times."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, content in enumerate(contents):
        for word in content:
            places[word].append(index)
    for indices in sorted(places.values(), key=lambda found: (len(found), found)):
        yield from combinations(indices, 2)


def _compute_share(one: _Wording, other: _Wording) -> float:
    """Compute the share of the words of the longer statement that both have; 0 if too few."""
    is_short = max(len(one.content), len(other.content)) <= _SHORT
    if not is_short and len(one.content & other.content) < _MIN_WORDS:
        return 0.0
    return compute_shared_content(one.content, other.content)
