"""Measure which notes are refused: true notes of real transcripts, and what is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Final

from contracts.transcript import Segment
from evaluation.errors import InputError
from evaluation.grounding.metamorphic import check_mutated_notes, check_parser_mutations
from evaluation.grounding.verdicts import (
    LabelledVerdict,
    compute_refused_share,
    compute_uncertain_share,
    group_by_split,
    list_commonest_errors,
)
from evaluation.measures import Measure
from evaluation.modes import CheckMode
from grounding.syntax.clauses import SyntaxParser

CAUGHT_GOAL: Final = 0.99
TRUE_REFUSED_GOAL: Final = 0.02
PARSER_MUTATIONS_GOAL: Final = 0.7
"""Share of what only a parser sees that is caught; a goal of our own."""

Verdicts = Mapping[CheckMode, Sequence[LabelledVerdict]]


def measure_mutated_notes(
    interviews: Mapping[str, Sequence[Segment]],
    seed: int,
    parsers: Mapping[CheckMode, SyntaxParser | None],
) -> list[Measure]:
    """Check true notes and mutated ones of some interviews in every mode.

    Args:
        interviews: the segments of each, by what identifies it.
        seed: of the choices among ways to mutate.
        parsers: the modes, from `load_parsers`; the first one's figures count.

    Returns:
        The shares of mutated notes caught and of true notes refused; with the heavy mode also the
        share caught of what only a parser sees.

    Raises:
        InputError: no interview has sentences to take notes from.
    """
    first = next(iter(parsers))
    verdicts: dict[CheckMode, list[LabelledVerdict]] = {}
    notes_per_second: dict[CheckMode, float] = {}
    for mode, parser in parsers.items():
        began = perf_counter()
        verdicts[mode] = [
            verdict
            for title, segments in interviews.items()
            for verdict in check_mutated_notes(title, segments, seed, parser)
        ]
        notes_per_second[mode] = len(verdicts[mode]) / (perf_counter() - began)
    if not verdicts[first]:
        raise InputError("no transcript has sentences to take notes from")
    measures = [
        _measure_caught(verdicts, first),
        _measure_true_refused(verdicts, notes_per_second, first),
    ]
    if CheckMode.HEAVY in parsers:
        measures.append(_measure_parser_mutations(interviews, parsers))
    return measures


def _measure_caught(verdicts: Verdicts, first: CheckMode) -> Measure:
    false = {mode: [one for one in part if not one.is_true] for mode, part in verdicts.items()}
    other_modes = {
        f"{mode}: every kind": _share_by_split(part)
        for mode, part in false.items()
        if mode is not first
    }
    return Measure(
        name="metamorphic",
        figure=compute_refused_share(false[first]),
        goal=CAUGHT_GOAL,
        better="higher",
        unit=f"share of spoiled notes caught, {first}",
        sides=_share_by_category(false[first]) | other_modes,
        notes=list_commonest_errors(verdicts[first]),
    )


def _measure_true_refused(
    verdicts: Verdicts, notes_per_second: Mapping[CheckMode, float], first: CheckMode
) -> Measure:
    true = {mode: [one for one in part if one.is_true] for mode, part in verdicts.items()}
    by_split: dict[str, dict[str, float]] = {
        split.value: {
            "refused": compute_refused_share(part),
            "in doubt": compute_uncertain_share(part),
            "notes": len(part),
        }
        for split, part in group_by_split(true[first]).items()
    }
    by_mode: dict[str, dict[str, float]] = {
        str(mode): {
            "refused": compute_refused_share(part),
            "notes": len(part),
            "notes a second": notes_per_second[mode],
        }
        for mode, part in true.items()
    }
    return Measure(
        name="metamorphic-true",
        figure=compute_refused_share(true[first]),
        goal=TRUE_REFUSED_GOAL,
        better="lower",
        unit=f"share of true notes refused, {first}",
        sides=by_split | by_mode,
    )


def _measure_parser_mutations(
    interviews: Mapping[str, Sequence[Segment]],
    parsers: Mapping[CheckMode, SyntaxParser | None],
) -> Measure:
    """Measure what the parser is for: who did it to whom, and whether it was done."""
    verdicts = {
        mode: [
            verdict
            for title, segments in interviews.items()
            for verdict in check_parser_mutations(title, segments, parser)
        ]
        for mode, parser in parsers.items()
    }
    counts = Counter(one.categories[0] for one in verdicts[CheckMode.HEAVY])
    sides = {
        category: {
            str(mode): compute_refused_share([one for one in part if one.categories[0] == category])
            for mode, part in verdicts.items()
        }
        | {"notes": count}
        for category, count in counts.items()
    }
    return Measure(
        name="metamorphic-turned",
        figure=compute_refused_share(verdicts[CheckMode.HEAVY]),
        goal=PARSER_MUTATIONS_GOAL,
        better="higher",
        unit="share of turned notes caught, heavy",
        sides=sides,
        notes=list_commonest_errors(verdicts[CheckMode.HEAVY]),
    )


def _share_by_category(false: Sequence[LabelledVerdict]) -> dict[str, dict[str, float]]:
    """Return the share caught of each kind of mutation, in all interviews and in each half."""
    counts = Counter(one.categories[0] for one in false)
    sides = {
        category: _share_by_split([one for one in false if one.categories[0] == category])
        for category in sorted(counts)
    }
    return sides | {"every kind": _share_by_split(false)}


def _share_by_split(false: Sequence[LabelledVerdict]) -> dict[str, float]:
    """Return the share caught of all notes and in each half, and how many notes there are."""
    parts = {"all": false, **{split.value: part for split, part in group_by_split(false).items()}}
    shares = {name: compute_refused_share(part) for name, part in parts.items() if part}
    return shares | {"notes": len(false)}
