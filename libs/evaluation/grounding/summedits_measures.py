"""Measure the checks on a file of the SummEdits benchmark: balanced accuracy, and time a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Final

from evaluation.grounding.summedits import SummEditsSample, check_sample
from evaluation.grounding.verdicts import (
    LabelledVerdict,
    compute_refused_share,
    compute_uncertain_share,
    group_by_split,
    list_commonest_errors,
    score_verdicts,
)
from evaluation.measures import Measure
from evaluation.modes import CheckMode
from grounding.syntax.clauses import SyntaxParser

BALANCED_ACCURACY_GOAL: Final = 0.66
MILLISECONDS_GOAL: Final = 20.0

Figures = dict[str, dict[str, float]]


def measure_summedits(
    name: str,
    samples: Sequence[SummEditsSample],
    parsers: Mapping[CheckMode, SyntaxParser | None],
) -> list[Measure]:
    """Check every sample in every mode.

    Args:
        name: what the measures are called.
        samples: at least one.
        parsers: the modes, from `load_parsers`; the first one's figures count.

    Returns:
        Balanced accuracy, and milliseconds a note.
    """
    first = next(iter(parsers))
    verdicts: dict[CheckMode, list[LabelledVerdict]] = {}
    milliseconds: dict[CheckMode, float] = {}
    for mode, parser in parsers.items():
        began = perf_counter()
        verdicts[mode] = [check_sample(sample, parser) for sample in samples]
        milliseconds[mode] = (perf_counter() - began) * 1000 / len(samples)
    return [
        Measure(
            name=name,
            figure=score_verdicts(verdicts[first]).balanced_accuracy,
            goal=BALANCED_ACCURACY_GOAL,
            better="higher",
            unit=f"balanced accuracy, {first}",
            sides=_score_parts(verdicts[first]) | _score_other_modes(verdicts, first),
            notes=list_commonest_errors(verdicts[first]),
        ),
        Measure(
            name=f"{name}-time",
            figure=milliseconds[first],
            goal=MILLISECONDS_GOAL,
            better="lower",
            unit=f"ms a note, {first}",
            sides={
                str(mode): {"ms a note": value, "notes": len(samples)}
                for mode, value in milliseconds.items()
            },
        ),
    ]


def _score_other_modes(
    verdicts: Mapping[CheckMode, Sequence[LabelledVerdict]], first: CheckMode
) -> Figures:
    sides: Figures = {}
    for mode, of_mode in verdicts.items():
        if mode is not first:
            sides[f"{mode}: all"] = _list_figures(of_mode)
            for split, part in group_by_split(of_mode).items():
                sides[f"{mode}: {split.value}"] = _list_figures(part)
    return sides


def _score_parts(verdicts: Sequence[LabelledVerdict]) -> Figures:
    """Return the figures of all notes, of each half, and recall for each type of edit."""
    sides = {"all": _list_figures(verdicts)}
    for split, part in group_by_split(verdicts).items():
        sides[split.value] = _list_figures(part)
    for edit in sorted({category for one in verdicts for category in one.categories}):
        edited = [one for one in verdicts if edit in one.categories and not one.is_true]
        if edited:
            sides[edit] = {"recall": compute_refused_share(edited), "notes": len(edited)}
    return sides


def _list_figures(verdicts: Sequence[LabelledVerdict]) -> dict[str, float]:
    score = score_verdicts(verdicts)
    return {
        "balanced accuracy": score.balanced_accuracy,
        "precision": score.precision,
        "recall": score.recall,
        "true accepted": score.true_accepted,
        "in doubt": compute_uncertain_share(verdicts),
        "notes": score.notes,
    }
