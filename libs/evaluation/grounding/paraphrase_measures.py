"""Measure what is shown as a statement of the notes of the simulator's paraphrasing mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from contracts.transcript import Segment
from evaluation.grounding.pair_measures import (
    SHOWN_FALSE_GOAL,
    count_verdicts,
    group_by_kind,
    measure_share_false,
    measure_share_shown,
    quote_verdicts,
)
from evaluation.grounding.pair_verdicts import PairVerdict, check_pairs
from evaluation.grounding.paraphrases import draft_paraphrases
from evaluation.measures import Measure
from simulator.paraphrasing import TrueNoteKind

TIDIED_SHOWN_GOAL: Final = 0.9

Interviews = Mapping[str, Sequence[Segment]]


def measure_paraphrases(
    sources: Mapping[str, Interviews], seeds: Sequence[int], examples: int = 0
) -> list[Measure]:
    """Draft notes on interviews, check them in the light mode, and count what is shown.

    Args:
        sources: interviews by the name of where they are from.
        seeds: of the drafts; each draws notes of its own.
        examples: how many false notes shown and true ones refused to quote.

    Returns:
        ``paraphrases-shown-false`` and ``paraphrases-true-shown``.
    """
    by_source = {
        name: check_pairs(draft_paraphrases(interviews, seeds))
        for name, interviews in sources.items()
    }
    every = [one for part in by_source.values() for one in part]
    sets = {"all": every, **(by_source if len(by_source) > 1 else {})}
    return [_measure_shown_false(sets, every, examples), _measure_true_shown(sets, every, examples)]


def _measure_shown_false(
    sets: Mapping[str, Sequence[PairVerdict]], every: Sequence[PairVerdict], examples: int
) -> Measure:
    by_set = {name: measure_share_false(part) | count_verdicts(part) for name, part in sets.items()}
    by_kind = {kind: count_verdicts(part) for kind, part in group_by_kind(every).items()}
    return Measure(
        name="paraphrases-shown-false",
        figure=by_set["all"].get("false share", 0.0),
        goal=SHOWN_FALSE_GOAL,
        better="lower",
        unit="share of what is shown as a statement that is false, light",
        sides=by_set | by_kind,
        notes=quote_verdicts(
            every, lambda one: one.is_shown and not one.pair.is_true, "false, but shown", examples
        ),
    )


def _measure_true_shown(
    sets: Mapping[str, Sequence[PairVerdict]], every: Sequence[PairVerdict], examples: int
) -> Measure:
    by_kind = {
        f"{name}: {kind}": measure_share_shown(
            [one for one in part if one.pair.kinds == (kind.value,)]
        )
        for name, part in sets.items()
        for kind in TrueNoteKind
    }
    return Measure(
        name="paraphrases-true-shown",
        figure=by_kind[f"all: {TrueNoteKind.TIDIED}"].get("share shown", 0.0),
        goal=TIDIED_SHOWN_GOAL,
        better="higher",
        unit="share of tidied quotes shown as statements, light",
        sides=by_kind,
        notes=quote_verdicts(
            every, lambda one: one.is_refused and one.pair.is_true, "true, but refused", examples
        ),
    )
