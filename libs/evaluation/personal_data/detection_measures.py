"""Measure how much of the personal data marked in texts is found, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from time import perf_counter
from typing import Final

from evaluation.measures import Measure
from evaluation.personal_data.annotated_texts import (
    WEAK_KINDS,
    AnnotatedText,
    DetectionCounts,
    ScanResult,
    count_by_kind,
    count_detections,
    list_commonest_errors,
    scan_texts,
)
from evaluation.splits import DataSplit, assign_split
from personal_data import DetectionMode, get_default_detection_mode, preload_models

RECALL_GOAL: Final = 0.9
PRECISION_GOAL: Final = 0.8
MILLISECONDS_GOAL: Final = 15.0


def measure_detection(samples: Sequence[AnnotatedText]) -> list[Measure]:
    """Scan texts in the best mode that is installed, and in the light mode.

    Returns:
        Recall, precision and milliseconds a text, for each mode.
    """
    measures: list[Measure] = []
    for one in dict.fromkeys((get_default_detection_mode(), DetectionMode.LIGHT)):
        began = perf_counter()
        preload_models(one)
        loading_ms = (perf_counter() - began) * 1000
        name = "pii" if one is get_default_detection_mode() else "pii-light"
        measures += _measure_mode(name, one, scan_texts(samples, one), loading_ms)
    return measures


def _measure_mode(
    name: str, used: DetectionMode, results: list[ScanResult], loading_ms: float
) -> list[Measure]:
    counts = count_detections(results)
    milliseconds = fmean(result.milliseconds for result in results)
    developed = [one for one in results if _split_of(one) is DataSplit.DEVELOPED_ON]
    return [
        Measure(
            name=name,
            figure=counts.recall,
            goal=RECALL_GOAL,
            better="higher",
            unit=f"recall, {used} mode",
            sides=_score_parts(results, developed) | _score_kinds(results),
            notes=list_commonest_errors(developed or results),
        ),
        Measure(
            name=f"{name}-precision",
            figure=counts.precision,
            goal=PRECISION_GOAL,
            better="higher",
            unit=f"precision, {used} mode",
            sides=_score_parts(results, developed),
        ),
        Measure(
            name=f"{name}-time",
            figure=milliseconds,
            goal=MILLISECONDS_GOAL,
            better="lower",
            unit="ms a text",
            sides={used.value: {"ms a text": milliseconds, "ms to load": loading_ms}},
        ),
    ]


def _score_parts(
    results: list[ScanResult], developed: list[ScanResult]
) -> dict[str, dict[str, float]]:
    held_out = [one for one in results if _split_of(one) is DataSplit.HELD_OUT]
    weak = ", ".join(sorted(kind.value for kind in WEAK_KINDS))
    return {
        "all": _list_figures(count_detections(results)),
        DataSplit.DEVELOPED_ON.value: _list_figures(count_detections(developed)),
        DataSplit.HELD_OUT.value: _list_figures(count_detections(held_out)),
        f"without {weak}": _list_figures(count_detections(results, WEAK_KINDS)),
    }


def _list_figures(counts: DetectionCounts) -> dict[str, float]:
    return {
        "recall": counts.recall,
        "precision": counts.precision,
        "recall as the same kind": counts.recall_of_kind,
        "characters covered": counts.covered,
        "spans": counts.spans,
        "findings": counts.findings,
    }


def _score_kinds(results: list[ScanResult]) -> dict[str, dict[str, float]]:
    sides: dict[str, dict[str, float]] = {}
    for kind, count in count_by_kind(results).items():
        side: dict[str, float] = {"spans": count["spans"], "findings": count["findings"]}
        if count["spans"]:
            side["recall"] = count["found"] / count["spans"]
            side["recall as the same kind"] = count["of kind"] / count["spans"]
        if count["findings"]:
            side["precision"] = count["right"] / count["findings"]
        sides[kind.value] = side
    return sides


def _split_of(result: ScanResult) -> DataSplit:
    return assign_split(result.annotated.template)
