"""Compare what the checks said of notes with what is known of them, and count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.notes import Standing, shows_statement
from contracts.study import StatementPolicy
from evaluation.measures import compute_share
from evaluation.splits import DataSplit, assign_split
from grounding.assessment import CheckedNote
from grounding.checks import DOUBT_NAMES


@dataclass(frozen=True, slots=True)
class LabelledVerdict:
    """The checks' verdict on one note of which it is known whether it is true.

    Attributes:
        is_true: what is known.
        is_accepted: what the checks said.
        categories: how the note was made false; empty if it is true.
        failed_checks: names of the checks it failed.
        example: the statement, or the part of it that failed.
        document: identifies the document it is about.
        is_uncertain: whether a judge would be asked about it.
        is_shown: whether readers would get its statement as a finding.
    """

    is_true: bool
    is_accepted: bool
    categories: tuple[str, ...]
    failed_checks: tuple[str, ...]
    example: str
    document: str
    is_uncertain: bool = False
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class VerdictScore:
    """Shares between 0 and 1; precision and recall are those of refusing what is false."""

    notes: int
    balanced_accuracy: float
    true_accepted: float
    precision: float
    recall: float


def derive_standing(checked: CheckedNote) -> Standing:
    """Return the standing of a checked note; one that fails a check that refuses is refuted.

    Checks that only doubt refuse nothing, unless an operator wants it; that is not measured.
    """
    is_refused = any(one.check not in DOUBT_NAMES for one in checked.failures)
    return Standing.REFUTED if is_refused else checked.standing


def is_shown_as_finding(standing: Standing) -> bool:
    """Return whether readers of a study get a statement of this standing, unless it says more."""
    return shows_statement(standing, StatementPolicy.PROVEN)


def score_verdicts(verdicts: Sequence[LabelledVerdict]) -> VerdictScore:
    """Return the shares over some verdicts; a share of nothing is 0."""
    true = [one for one in verdicts if one.is_true]
    false = [one for one in verdicts if not one.is_true]
    refused = [one for one in verdicts if not one.is_accepted]
    caught = sum(not one.is_accepted for one in false)
    true_accepted = compute_share(sum(one.is_accepted for one in true), len(true))
    recall = compute_share(caught, len(false))
    return VerdictScore(
        notes=len(verdicts),
        balanced_accuracy=(true_accepted + recall) / 2,
        true_accepted=true_accepted,
        precision=compute_share(caught, len(refused)),
        recall=recall,
    )


def compute_refused_share(verdicts: Sequence[LabelledVerdict]) -> float:
    """Return the share of notes that are not accepted, 0 if there are none."""
    return compute_share(sum(not one.is_accepted for one in verdicts), len(verdicts))


def compute_uncertain_share(verdicts: Sequence[LabelledVerdict]) -> float:
    """Return the share of notes that a judge would be asked about, 0 if there are none."""
    return compute_share(sum(one.is_uncertain for one in verdicts), len(verdicts))


def group_by_split(
    verdicts: Sequence[LabelledVerdict],
) -> dict[DataSplit, list[LabelledVerdict]]:
    """Return the verdicts on each half of the documents."""
    parts: dict[DataSplit, list[LabelledVerdict]] = {}
    for one in verdicts:
        parts.setdefault(assign_split(one.document), []).append(one)
    return dict(sorted(parts.items()))


def list_commonest_errors(verdicts: Sequence[LabelledVerdict], limit: int = 3) -> list[str]:
    """Return the most frequent kinds of error, a line each, with a count and an example."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one in verdicts:
        if one.is_true == one.is_accepted:
            continue
        if one.is_true:
            error = f"true, but refused by {one.failed_checks[0]}"
        else:
            error = f"false, but accepted: {', '.join(one.categories)}"
        counts[error] += 1
        examples.setdefault(error, one.example)
    return [
        f"{error}: {count}, such as “{examples[error]}”"
        for error, count in counts.most_common(limit)
    ]
