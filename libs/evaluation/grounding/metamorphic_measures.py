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
from evaluation.intervals import compute_wilson_interval
from evaluation.measures import Measure
from evaluation.modes import CheckMode
from grounding.syntax.clauses import SyntaxParser

CAUGHT_GOAL: Final = 0.99
TRUE_REFUSED_GOAL: Final = 0.02
SHOWN_FALSE_GOAL: Final = 0.01
PARSER_MUTATIONS_GOAL: Final = 0.7
"""Share of what only a parser sees that is caught; a goal of our own."""
_MAX_EXAMPLES: Final = 3

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
        The shares of mutated notes caught, of true notes refused, and of mutated ones among those
        shown as statements; with the heavy mode also the share caught of what only a parser sees.

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
        _measure_shown_false(verdicts, first),
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


def _measure_shown_false(verdicts: Verdicts, first: CheckMode) -> Measure:
    """Measure what is shown as a statement: how much was spoiled, and how much of the rest is."""
    sides = {str(mode): _share_shown(part) for mode, part in verdicts.items()}
    shown = [one for one in verdicts[first] if one.is_shown]
    return Measure(
        name="metamorphic-shown-false",
        figure=sides[str(first)]["false share"],
        goal=SHOWN_FALSE_GOAL,
        better="lower",
        unit=f"share of what is shown as a statement that was spoiled, {first}",
        sides=sides,
        notes=[
            f"false, but shown: {', '.join(one.categories)}, “{one.example}”"
            for one in [one for one in shown if not one.is_true][:_MAX_EXAMPLES]
        ],
    )


def _share_shown(verdicts: Sequence[LabelledVerdict]) -> dict[str, float]:
    shown = [one for one in verdicts if one.is_shown]
    false = sum(not one.is_true for one in shown)
    true = sum(one.is_true for one in verdicts)
    low, high = compute_wilson_interval(false, len(shown))
    return {
        "false share": false / len(shown) if shown else 0.0,
        "low": low,
        "high": high,
        "false shown": false,
        "true shown": len(shown) - false,
        "of true": (len(shown) - false) / true if true else 0.0,
    }


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
