"""What a row of verdicts on known notes amounts to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks said of one note of which it is known whether it is true.

    Attributes:
        is_true: what is known.
        is_accepted: what the checks said.
        kinds: how the note was spoiled; empty if it is true.
        checks: the checks it failed.
        example: the statement, or the part of it that failed.
        document: what identifies its document.
        is_doubted: whether a judge would be asked about it.
    """

    is_true: bool
    is_accepted: bool
    kinds: tuple[str, ...]
    checks: tuple[str, ...]
    example: str
    document: str
    is_doubted: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Shares between 0 and 1; precision and recall are those of refusing what is false."""

    notes: int
    balanced_accuracy: float
    true_accepted: float
    precision: float
    recall: float


def score(verdicts: Sequence[Verdict]) -> Score:
    """The figures of some verdicts; a share of nothing is 0."""
    true = [one for one in verdicts if one.is_true]
    false = [one for one in verdicts if not one.is_true]
    refused = [one for one in verdicts if not one.is_accepted]
    caught = sum(not one.is_accepted for one in false)
    accepted, recall = (
        share(sum(one.is_accepted for one in true), len(true)),
        share(caught, len(false)),
    )
    return Score(
        notes=len(verdicts),
        balanced_accuracy=(accepted + recall) / 2,
        true_accepted=accepted,
        precision=share(caught, len(refused)),
        recall=recall,
    )


def share(part: int, whole: int) -> float:
    """A part of a whole between 0 and 1; 0 of nothing."""
    return part / whole if whole else 0.0


def commonest_errors(verdicts: Sequence[Verdict], most: int = 3) -> list[str]:
    """The most frequent kinds of error, one line each, with a count and an example."""
    kinds: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one in verdicts:
        if one.is_true == one.is_accepted:
            continue
        if one.is_true:
            kind = f"true, but refused by {one.checks[0]}"
        else:
            kind = f"false, but accepted: {', '.join(one.kinds)}"
        kinds[kind] += 1
        examples.setdefault(kind, one.example)
    return [
        f"{kind}: {count}, such as “{examples[kind]}”" for kind, count in kinds.most_common(most)
    ]
