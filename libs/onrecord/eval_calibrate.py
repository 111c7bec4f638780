"""``onrecord eval calibrate``: set the thresholds of an entailment model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from entailment.thresholds import DecisionCounts
from evaluation.grounding.entailment_calibration import CalibrationReport, calibrate_model
from evaluation.intervals import compute_wilson_interval
from evaluation.modes import load_parsers
from onrecord.console import Json, out, print_json
from onrecord.eval_options import ModeOption
from onrecord.eval_pairs import PairsFile, SourceData, read_pairs_file

ModelFolderOption = Annotated[
    Path,
    typer.Option(
        help="The folder of the model: model.onnx, tokenizer.json, config.json.",
        show_default=False,
    ),
]
FalseRate = Annotated[
    float,
    typer.Option(
        min=0.0, max=0.5, help="Of what either threshold decides, the share that may be wrong."
    ),
]


def calibrate_entailment_thresholds(  # noqa: PLR0913 - options of a command
    file: PairsFile,
    *,
    model: ModelFolderOption,
    false_rate: FalseRate = 0.01,
    data: SourceData = Path("../shared/data"),
    mode: ModeOption = None,
    json_output: Json = False,
) -> None:
    """Compute an entailment model's thresholds from labelled pairs; write them to its folder.

    Pairs are as in `onrecord eval pairs`. The model scores those that the checks neither refuse nor
    prove, as in the guardrail; by default in the heavy mode where its packages are installed, as
    there. From the upper threshold on, at most the stated share of them is false; below the lower
    one, at most that share is true. Prints both with the 95 % interval of what they get wrong, and
    how fast the model is. Writes `thresholds.json` into the model's folder, with the hashes of the
    model's files: with other files, the guardrail does not start. Exit code 1 if no threshold
    keeps the rate, 2 if a pair or the model cannot be read.

    Examples of use:

        onrecord eval calibrate developed.jsonl --model models/hhem
        onrecord eval calibrate pairs.jsonl --model models/hhem --false-rate 0.05 --json
    """
    parse = list(load_parsers(mode).values())[-1]
    pairs = read_pairs_file(file, data)
    report = calibrate_model(pairs, model, false_rate=false_rate, parse=parse)
    if json_output:
        print_json(_as_json(report))
    else:
        _print_report(report)


def _as_json(report: CalibrationReport) -> dict[str, object]:
    return report.thresholds.model_dump(mode="json") | {
        "file": str(report.file),
        "model": report.model,
        "pairs": report.pairs,
        "decided_by_checks": report.decided,
        "not_read_whole": report.unread,
        "notes_per_s": round(report.notes_per_s, 1),
    }


def _print_report(report: CalibrationReport) -> None:
    set_on = report.thresholds
    table = Table(box=None)
    for column in ("", "threshold", "notes", "wrong", "share wrong", "95 % interval"):
        table.add_column(column)
    table.add_row("confirmed", *_list_cells("from", set_on.confirm_from, set_on.confirmed))
    table.add_row("refused", *_list_cells("below", set_on.refute_below, set_on.refuted))
    out.print(f"{report.model}: {report.file}", markup=False)
    out.print(table)
    out.print(
        f"{set_on.true} true and {set_on.false} false notes were scored, "
        f"{report.notes_per_s:,.1f} a second of CPU time; the checks alone decide "
        f"{report.decided} of {report.pairs}, and {report.unread} have a sentence that "
        "the model cannot read whole.",
        markup=False,
    )


def _list_cells(side: str, threshold: float | None, counts: DecisionCounts) -> tuple[str, ...]:
    if threshold is None:
        return ("none", "0", "0", "", "")
    low, high = compute_wilson_interval(counts.wrong, counts.decided)
    return (
        f"{side} {threshold:.4f}",
        f"{counts.decided}",
        f"{counts.wrong}",
        f"{counts.wrong / counts.decided:.3f}",
        f"{low:.3f} to {high:.3f}",
    )
