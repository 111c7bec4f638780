"""Measure what is shown as a statement: how much of it is false, and how much of what is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.notes import Standing
from entailment import EntailmentModel
from evaluation.grounding.check_odds import measure_veto_odds
from evaluation.grounding.pair_verdicts import PairVerdict, check_pairs
from evaluation.grounding.pairs import LabelledPair
from evaluation.intervals import compute_wilson_interval
from evaluation.measures import Measure
from evaluation.modes import CheckMode
from grounding.syntax.clauses import SyntaxParser
from grounding.text.words import truncate_text

SHOWN_FALSE_GOAL: Final = 0.01
TRUE_SHOWN_GOAL: Final = 0.25
EXTRACTIVE_SHOWN_GOAL: Final = 0.9
_MAX_EXAMPLE_LENGTH: Final = 240

Figures = dict[str, float]
Sets = Mapping[str, Sequence[PairVerdict]]


@dataclass(frozen=True, slots=True)
class PairsReport:
    """What was measured on labelled pairs.

    Attributes:
        measures: `pairs-shown-false`, `pairs-true-shown` and `veto-odds`, of those that the pairs
            allow.
        remarks: what could not be measured, and why; a line each.
        verdicts: on every pair of the set that the goals are held to, in the first mode.
    """

    measures: tuple[Measure, ...]
    remarks: tuple[str, ...]
    verdicts: tuple[PairVerdict, ...]


def measure_pairs(
    sets: Mapping[str, Sequence[LabelledPair]],
    parsers: Mapping[CheckMode, SyntaxParser | None],
    examples: int = 0,
    model: EntailmentModel | None = None,
    *,
    is_extractive: bool = False,
) -> PairsReport:
    """Check every pair in every mode.

    Args:
        sets: pairs by the name of their set; the first one's figures are held to the goals.
        parsers: the modes, from `load_parsers`; the first one's figures count.
        examples: how many false notes shown and true ones refused to quote, of the first set.
        model: decides what the checks leave undecided; None for the checks alone.
        is_extractive: whether the true notes are the speakers' own words, of which more is to be
            shown. The measures are then `extractive-shown-false` and `extractive-true-shown`.
    """
    verdicts = {
        _name_row(name, mode, parsers): check_pairs(pairs, parser, model)
        for mode, parser in parsers.items()
        for name, pairs in sets.items()
    }
    mode = str(next(iter(parsers)))
    prefix = "extractive" if is_extractive else "pairs"
    judged = next(iter(verdicts.values()))
    measures: list[Measure] = []
    remarks: list[str] = []
    if any(not one.pair.is_true for one in judged):
        measures.append(_measure_shown_false(prefix, verdicts, judged, mode, examples))
    else:
        remarks.append(f"no pair is false: {prefix}-shown-false is not measured")
    if any(one.pair.is_true for one in judged):
        measures.append(_measure_true_shown(prefix, verdicts, judged, mode, examples))
    else:
        remarks.append(f"no pair is true: {prefix}-true-shown is not measured")
    if not any(one.is_shown for one in judged):
        remarks.append("nothing is shown as a statement, so no share of it is false")
    if is_extractive:
        return PairsReport(tuple(measures), tuple(remarks), tuple(judged))
    if (odds := measure_veto_odds(judged, mode)) is not None:
        measures.append(odds)
    else:
        remarks.append(
            "no check refused a note that odds can be told of: veto-odds is not measured"
        )
    return PairsReport(tuple(measures), tuple(remarks), tuple(judged))


def _name_row(name: str, mode: CheckMode, parsers: Mapping[CheckMode, object]) -> str:
    return name if mode is next(iter(parsers)) else f"{mode}: {name}"


def _measure_shown_false(
    prefix: str, sets: Sets, judged: Sequence[PairVerdict], mode: str, examples: int
) -> Measure:
    """Return the share of false notes among those shown as statements; 0 if none is shown."""
    by_set = {name: measure_share_false(part) | count_verdicts(part) for name, part in sets.items()}
    by_kind = {kind: count_verdicts(part) for kind, part in group_by_kind(judged).items()}
    first = next(iter(by_set.values()))
    return Measure(
        name=f"{prefix}-shown-false",
        figure=first.get("false share", 0.0),
        goal=SHOWN_FALSE_GOAL,
        better="lower",
        unit=f"share of what is shown as a statement that is false, {mode}",
        sides=by_set | by_kind,
        notes=quote_verdicts(
            judged, lambda one: one.is_shown and not one.pair.is_true, "false, but shown", examples
        ),
    )


def _measure_true_shown(
    prefix: str, sets: Sets, judged: Sequence[PairVerdict], mode: str, examples: int
) -> Measure:
    by_set = {name: measure_share_shown(part) for name, part in sets.items()}
    first = next(iter(by_set.values()))
    return Measure(
        name=f"{prefix}-true-shown",
        figure=first["share shown"],
        goal=EXTRACTIVE_SHOWN_GOAL if prefix == "extractive" else TRUE_SHOWN_GOAL,
        better="higher",
        unit=f"share of true notes shown as statements, {mode}",
        sides=by_set | _count_standings(judged),
        notes=quote_verdicts(
            judged, lambda one: one.is_refused and one.pair.is_true, "true, but refused", examples
        ),
    )


def measure_share_false(verdicts: Sequence[PairVerdict]) -> Figures:
    """Return the share of what is shown that is false, if anything is, with its interval."""
    shown = [one for one in verdicts if one.is_shown]
    false = sum(not one.pair.is_true for one in shown)
    low, high = compute_wilson_interval(false, len(shown))
    share = {"false share": false / len(shown)} if shown else {}
    return share | {"low": low, "high": high, "false shown": false}


def measure_share_shown(verdicts: Sequence[PairVerdict]) -> Figures:
    """Return the share of true notes that is shown, if there are any, with its interval."""
    true = [one for one in verdicts if one.pair.is_true]
    shown = sum(one.is_shown for one in true)
    low, high = compute_wilson_interval(shown, len(true))
    share = {"share shown": shown / len(true)} if true else {}
    return share | {"low": low, "high": high, "true shown": shown, "true": len(true)}


def count_verdicts(verdicts: Sequence[PairVerdict]) -> Figures:
    """Return how many notes there are, and how many are shown, refused and neither."""
    shown = sum(one.is_shown for one in verdicts)
    refused = sum(one.is_refused for one in verdicts)
    return {
        "pairs": len(verdicts),
        "shown": shown,
        "refused": refused,
        "unproven": len(verdicts) - shown - refused,
    }


def group_by_kind(verdicts: Sequence[PairVerdict]) -> dict[str, list[PairVerdict]]:
    """Return the verdicts of each kind, true kinds first; one of several kinds is in each."""
    groups: dict[tuple[bool, str], list[PairVerdict]] = {}
    for one in verdicts:
        for kind in one.pair.kinds:
            groups.setdefault((not one.pair.is_true, kind), []).append(one)
    both = Counter(kind for _, kind in groups)
    return {
        kind if both[kind] == 1 else f"{kind} ({'false' if is_false else 'true'})": part
        for (is_false, kind), part in sorted(groups.items(), key=lambda one: one[0])
    }


def _count_standings(verdicts: Sequence[PairVerdict]) -> dict[str, Figures]:
    """Return for each standing how many notes of it are true: how far it can be relied on."""
    sides: dict[str, Figures] = {}
    for standing in Standing:
        part = [one for one in verdicts if one.standing is standing]
        true = sum(one.pair.is_true for one in part)
        low, high = compute_wilson_interval(true, len(part))
        if part:
            sides[f"standing: {standing}"] = {
                "share true": true / len(part),
                "low": low,
                "high": high,
                "true": true,
                "false": len(part) - true,
            }
    return sides


def quote_verdicts(
    verdicts: Sequence[PairVerdict],
    is_error: Callable[[PairVerdict], bool],
    error: str,
    limit: int,
) -> list[str]:
    """Return the first errors of one sort, a line each."""
    found = [one for one in verdicts if is_error(one)][:limit]
    return [
        f"{error}: {one.pair.place}, {', '.join(one.pair.kinds)}, "
        f"{', '.join((one.standing, *one.failed_checks))}: "
        f"“{truncate_text(one.pair.draft.statement, _MAX_EXAMPLE_LENGTH)}”"
        for one in found
    ]
