"""``onrecord eval pii``: how much personal data is found, in texts in which it is marked."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Annotated, Final

import typer

from grounding.evaluation import Half, half_of
from onrecord.console import Json
from onrecord.errors import UsageError
from onrecord.eval_inputs import read_benchmark
from onrecord.measures import Measure, tell
from personal_data import Mode, mode, preload
from personal_data.evaluation import (
    WEAK,
    Reading,
    Tally,
    by_kind,
    commonest_errors,
    read_all,
    read_marked,
    tally,
)

RECALL: Final = 0.9
PRECISION: Final = 0.8
MILLISECONDS: Final = 15.0

File = Annotated[
    Path, typer.Argument(help="Marked texts in presidio-research's format.", show_default=False)
]


def pii(file: File, *, json_output: Json = False) -> None:
    """Look for personal data in texts in which it is marked.

    Prints recall and precision of all kinds that are marked, per half of the templates and per
    kind, and milliseconds a text, with the model and without it where one is installed; writes
    `.onrecord/eval/pii.json` and `pii-light.json`. A span counts as found if a finding overlaps
    it; a finding is right if it overlaps a span. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval pii presidio_synth_dev.json
    """
    samples = read_benchmark(file, read_marked)
    if not any(sample.spans for sample in samples):
        raise UsageError(f"{file}: nothing is marked")
    measures: list[Measure] = []
    for one in dict.fromkeys((mode(), Mode.LIGHT)):
        began = perf_counter()
        preload(one)
        loading = (perf_counter() - began) * 1000
        name = "pii" if one is mode() else "pii-light"
        measures += _measures(name, one, read_all(samples, one), loading)
    tell(measures, as_json=json_output)


def _measures(name: str, used: Mode, readings: list[Reading], loading: float) -> list[Measure]:
    every = tally(readings)
    milliseconds = fmean(reading.milliseconds for reading in readings)
    developed = [one for one in readings if _half(one) is Half.DEVELOPED_ON]
    return [
        Measure(
            name=name,
            figure=every.recall,
            goal=RECALL,
            better="higher",
            unit=f"recall, {used} mode",
            sides=_parts(readings, developed) | _kinds(readings),
            notes=commonest_errors(developed or readings),
        ),
        Measure(
            name=f"{name}-precision",
            figure=every.precision,
            goal=PRECISION,
            better="higher",
            unit=f"precision, {used} mode",
            sides=_parts(readings, developed),
        ),
        Measure(
            name=f"{name}-time",
            figure=milliseconds,
            goal=MILLISECONDS,
            better="lower",
            unit="ms a text",
            sides={used.value: {"ms a text": milliseconds, "ms to load": loading}},
        ),
    ]


def _parts(readings: list[Reading], developed: list[Reading]) -> dict[str, dict[str, float]]:
    held_out = [one for one in readings if _half(one) is Half.HELD_OUT]
    weak = ", ".join(sorted(kind.value for kind in WEAK))
    return {
        "all": _figures(tally(readings)),
        Half.DEVELOPED_ON.value: _figures(tally(developed)),
        Half.HELD_OUT.value: _figures(tally(held_out)),
        f"without {weak}": _figures(tally(readings, WEAK)),
    }


def _figures(one: Tally) -> dict[str, float]:
    return {
        "recall": one.recall,
        "precision": one.precision,
        "recall as the same kind": one.recall_of_kind,
        "characters covered": one.covered,
        "spans": one.spans,
        "findings": one.findings,
    }


def _kinds(readings: list[Reading]) -> dict[str, dict[str, float]]:
    sides: dict[str, dict[str, float]] = {}
    for kind, count in by_kind(readings).items():
        side: dict[str, float] = {"spans": count["spans"], "findings": count["findings"]}
        if count["spans"]:
            side["recall"] = count["found"] / count["spans"]
            side["recall as the same kind"] = count["of kind"] / count["spans"]
        if count["findings"]:
            side["precision"] = count["right"] / count["findings"]
        sides[kind.value] = side
    return sides


def _half(reading: Reading) -> Half:
    return half_of(reading.marked.template)
