"""Set a model's thresholds on scores of which it is known whether they belong to true notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import nextafter

from entailment.errors import CalibrationError
from entailment.thresholds import DecisionCounts, Thresholds


@dataclass(frozen=True, slots=True)
class LabelledScore:
    """Entailment score of a note, with the label whether the note is true."""

    score: float
    is_true: bool


@dataclass(frozen=True, slots=True)
class _Cut:
    score: float
    counts: DecisionCounts


def compute_thresholds(
    scores: Sequence[LabelledScore], *, false_rate: float, files: Mapping[str, str]
) -> Thresholds:
    """Compute the score thresholds that decide the most notes within an allowed error rate.

    Of the scores from the upper threshold on, at most the share ``false_rate`` belongs to false
    notes; of those below the lower one, at most that share to true notes. A side on which even
    the outermost scores are wrong too often gets no threshold and decides nothing.

    Args:
        scores: of notes that code leaves undecided, true and false ones.
        false_rate: from 0 to 1.
        files: the SHA-256 of each of the model's files, by name.

    Raises:
        CalibrationError: there are no true notes or no false ones, or neither side gets a
            threshold.
    """
    true = sum(one.is_true for one in scores)
    if not true or true == len(scores):
        kind = "false" if true else "true"
        raise CalibrationError(
            f"no {kind} pair is left for the model to decide; thresholds need true and false ones"
        )
    high = _find_cut(sorted(scores, key=lambda one: -one.score), false_rate, is_right=True)
    rest = [one for one in scores if high is None or one.score < high.score]
    low = _find_cut(sorted(rest, key=lambda one: one.score), false_rate, is_right=False)
    if high is None and low is None:
        raise CalibrationError(
            f"no threshold keeps a false rate of {false_rate:g} on these {len(scores)} pairs: the "
            "best and the worst scores are wrong too often"
        )
    return Thresholds(
        confirm_from=None if high is None else high.score,
        # Of scores between, nothing is known: both thresholds stay at what was seen.
        refute_below=None if low is None else nextafter(low.score, 1.0),
        false_rate=false_rate,
        confirmed=DecisionCounts() if high is None else high.counts,
        refuted=DecisionCounts() if low is None else low.counts,
        true=true,
        false=len(scores) - true,
        files=dict(files),
    )


def _find_cut(
    ordered: Sequence[LabelledScore], false_rate: float, *, is_right: bool
) -> _Cut | None:
    """Return the last score up to which few enough are wrong; equal scores stay together.

    Args:
        ordered: from the outermost score inwards.
        false_rate: the share that may be wrong.
        is_right: the label of those that are not wrong.
    """
    found = None
    decided = wrong = 0
    for score, group in groupby(ordered, key=lambda one: one.score):
        labels = [one.is_true for one in group]
        decided += len(labels)
        wrong += sum(label is not is_right for label in labels)
        if wrong <= false_rate * decided and any(label is is_right for label in labels):
            found = _Cut(score, DecisionCounts(decided=decided, wrong=wrong))
    return found
