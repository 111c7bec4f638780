"""``onrecord eval metamorphic``: true notes of real transcripts, and what is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import typer

from contracts.transcript import Segment
from grounding.evaluation import (
    Half,
    Verdict,
    commonest_errors,
    examine,
    examine_turned,
    half_of,
)
from grounding.syntax.clauses import Parser
from onrecord.console import Json
from onrecord.errors import UsageError
from onrecord.eval_inputs import read_interviews
from onrecord.eval_modes import Mode, ModeOption, parsers
from onrecord.measures import Measure, tell

CAUGHT: Final = 0.99
REFUSED: Final = 0.02
TURNED: Final = 0.7
"""Our own: of what only a parser sees."""

Folder = Annotated[Path, typer.Argument(help="A folder of transcripts.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Of the choices among ways to spoil a note.")]


def metamorphic(
    folder: Folder, *, seed: Seed = 7, mode: ModeOption = None, json_output: Json = False
) -> None:
    """Spoil true notes of real transcripts, and count which are refused.

    Every sentence of a transcript is a true note; it is spoiled by number, negation, name,
    speaker, segment, theme, time and quantifier wherever it allows that. Prints the share caught
    per kind and the share of true notes refused; writes `.onrecord/eval/metamorphic.json`. In the
    heavy mode, notes are turned in who did it to whom, and in whether it was done, too. Files in
    no known format are passed over. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval metamorphic interviews/rev
        onrecord eval metamorphic samples --seed 11 --mode light
    """
    judging = parsers(mode)
    transcripts = read_interviews(folder)
    first = next(iter(judging))
    verdicts: dict[Mode, list[Verdict]] = {}
    pace: dict[Mode, float] = {}
    for one, parse in judging.items():
        began = perf_counter()
        verdicts[one] = [
            verdict
            for title, segments in transcripts.items()
            for verdict in examine(title, segments, seed, parse)
        ]
        pace[one] = len(verdicts[one]) / (perf_counter() - began)
    if not verdicts[first]:
        raise UsageError(f"{folder}: no transcript has sentences to take notes from")
    measures = _metamorphic_measures(verdicts, pace, first)
    if Mode.HEAVY in judging:
        measures.append(_turned_measure(transcripts, judging))
    tell(measures, as_json=json_output)


def _metamorphic_measures(
    verdicts: Mapping[Mode, Sequence[Verdict]], pace: Mapping[Mode, float], first: Mode
) -> list[Measure]:
    false = {mode: [one for one in part if not one.is_true] for mode, part in verdicts.items()}
    true = {mode: [one for one in part if one.is_true] for mode, part in verdicts.items()}
    beside = {
        f"{mode}: every kind": _shares(part) for mode, part in false.items() if mode is not first
    }
    return [
        Measure(
            name="metamorphic",
            figure=refused(false[first]),
            goal=CAUGHT,
            better="higher",
            unit=f"share of spoiled notes caught, {first}",
            sides=_metamorphic_sides(verdicts[first]) | beside,
            notes=commonest_errors(verdicts[first]),
        ),
        Measure(
            name="metamorphic-true",
            figure=refused(true[first]),
            goal=REFUSED,
            better="lower",
            unit=f"share of true notes refused, {first}",
            sides={
                half.value: {
                    "refused": refused(part),
                    "in doubt": doubted(part),
                    "notes": len(part),
                }
                for half, part in by_half(true[first]).items()
            }
            | {
                str(mode): {
                    "refused": refused(part),
                    "notes": len(part),
                    "notes a second": pace[mode],
                }
                for mode, part in true.items()
            },
        ),
    ]


def _turned_measure(
    transcripts: Mapping[str, Sequence[Segment]], judging: Mapping[Mode, Parser | None]
) -> Measure:
    """What the parser is for: notes turned in who did it to whom, and whether it was done."""
    verdicts = {
        mode: [
            verdict
            for title, segments in transcripts.items()
            for verdict in examine_turned(title, segments, parse)
        ]
        for mode, parse in judging.items()
    }
    kinds = Counter(one.kinds[0] for one in verdicts[Mode.HEAVY])
    sides = {
        kind: {
            str(mode): refused([one for one in part if one.kinds[0] == kind])
            for mode, part in verdicts.items()
        }
        | {"notes": count}
        for kind, count in kinds.items()
    }
    return Measure(
        name="metamorphic-turned",
        figure=refused(verdicts[Mode.HEAVY]),
        goal=TURNED,
        better="higher",
        unit="share of turned notes caught, heavy",
        sides=sides,
        notes=commonest_errors(verdicts[Mode.HEAVY]),
    )


def _metamorphic_sides(verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    """Share caught per kind, on all transcripts and on each half of them."""
    false = [one for one in verdicts if not one.is_true]
    counts = Counter(one.kinds[0] for one in false)
    parts = {"all": false, **{half.value: part for half, part in by_half(false).items()}}
    sides: dict[str, dict[str, float]] = {}
    for kind, count in sorted(counts.items()):
        of_kind = {
            name: [one for one in part if one.kinds[0] == kind] for name, part in parts.items()
        }
        sides[kind] = {name: refused(part) for name, part in of_kind.items() if part}
        sides[kind]["notes"] = count
    sides["every kind"] = _shares(false)
    return sides


def _shares(false: Sequence[Verdict]) -> dict[str, float]:
    """Share caught of all, and in each half."""
    parts = {"all": false, **{half.value: part for half, part in by_half(false).items()}}
    return {name: refused(part) for name, part in parts.items() if part} | {"notes": len(false)}


def by_half(verdicts: Sequence[Verdict]) -> dict[Half, list[Verdict]]:
    """The verdicts on each half of the documents."""
    parts: dict[Half, list[Verdict]] = {}
    for one in verdicts:
        parts.setdefault(half_of(one.document), []).append(one)
    return dict(sorted(parts.items()))


def refused(verdicts: Sequence[Verdict]) -> float:
    """The share that is not accepted; of nothing 0."""
    return sum(not one.is_accepted for one in verdicts) / len(verdicts) if verdicts else 0.0


def doubted(verdicts: Sequence[Verdict]) -> float:
    """The share that a judge would be asked about; of nothing 0."""
    return sum(one.is_doubted for one in verdicts) / len(verdicts) if verdicts else 0.0
