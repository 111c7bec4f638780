"""Align a claim's tokens with spoken ones, in order, at the least cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

DIFFERENT: Final = float("inf")
"""The cost of matching two tokens that do not say the same."""

_ADD: Final = 0
_MATCH: Final = 1
_SKIP: Final = 2


def align_in_order(
    skipping: Sequence[float],
    adding: Sequence[float],
    matching: Sequence[Sequence[float]],
) -> tuple[tuple[int | None, ...], float]:
    """Align a claim's words with spoken words, in order, at the lowest cost; return indices.

    Spoken tokens before the first and after the last match cost nothing.

    Args:
        skipping: for each spoken token, the cost of leaving it out between two matches.
        adding: for each token of the claim, the cost of its being said nowhere.
        matching: for each token of the claim the cost of matching it with each spoken token;
            `DIFFERENT` if they do not say the same.

    Returns:
        For each token of the claim the index of the spoken one, or None if it is said nowhere.
    """
    width = len(skipping) + 1
    before = [0.0] * width
    moves: list[bytearray] = []
    for added, costs in zip(adding, matching, strict=True):
        last = before[0] + added
        row = [last]
        move = bytearray(width)
        for j, (cost, skipped) in enumerate(zip(costs, skipping, strict=True), start=1):
            best, how = before[j] + added, _ADD
            if before[j - 1] + cost < best:
                best, how = before[j - 1] + cost, _MATCH
            if last + skipped < best:
                best, how = last + skipped, _SKIP
            row.append(best)
            move[j] = how
            last = best
        before = row
        moves.append(move)
    end = min(range(width), key=before.__getitem__)
    return _trace_back(moves, end), before[end]


def _trace_back(moves: Sequence[bytearray], end: int) -> tuple[int | None, ...]:
    places: list[int | None] = [None] * len(moves)
    i, j = len(moves) - 1, end
    while i >= 0:
        how = moves[i][j]
        if how == _SKIP:
            j -= 1
            continue
        if how == _MATCH:
            j -= 1
            places[i] = j
        i -= 1
    return tuple(places)
