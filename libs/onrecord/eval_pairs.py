"""``onrecord eval pairs``: how much of what is shown as a statement is false."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from evaluation.grounding.entailment_calibration import open_calibrated
from evaluation.grounding.pair_measures import measure_pairs
from evaluation.grounding.pair_verdicts import PairVerdict
from evaluation.grounding.pairs import LabelledPair, read_pairs
from evaluation.modes import load_parsers
from onrecord.console import Json, err
from onrecord.errors import UsageError
from onrecord.eval_options import ModeOption
from onrecord.measure_reports import report_measures

PairsFile = Annotated[
    Path,
    typer.Argument(
        help="Labelled pairs: a JSON object a line, or a JSON array.", show_default=False
    ),
]
DevelopedPairs = Annotated[
    Path | None,
    typer.Option(
        help="Pairs that the rules were developed on: measured beside, held to no goal.",
        show_default=False,
    ),
]
SourceData = Annotated[
    Path, typer.Option(help="The folder of the files that pairs name as their source.")
]
EntailmentFolder = Annotated[
    Path | None,
    typer.Option(
        help="An entailment model's folder, calibrated: it decides what the checks do not.",
        show_default=False,
    ),
]
Extractive = Annotated[
    bool,
    typer.Option(
        "--extractive",
        help="The true ones are the speakers' own words, tidied: nine in ten are to be shown.",
        show_default=False,
    ),
]
Examples = Annotated[
    int, typer.Option(min=0, help="False notes shown and true ones refused to quote, of each.")
]
VerdictsFile = Annotated[
    Path | None,
    typer.Option(help="Write each pair's verdict here, a JSON object a line.", show_default=False),
]


def measure_labelled_pairs(  # noqa: PLR0913 - options of a command
    file: PairsFile,
    *,
    developed: DevelopedPairs = None,
    data: SourceData = Path("../shared/data"),
    mode: ModeOption = None,
    entailment: EntailmentFolder = None,
    extractive: Extractive = False,
    examples: Examples = 0,
    verdicts: VerdictsFile = None,
    json_output: Json = False,
) -> None:
    """Measure how many true and how many false labelled statements would be shown.

    A pair has `doc` (a line of it is `Name: words`), `summary`, `label` (1: borne out, 0: not),
    and may have `kind` or `edit_types`, as SummEdits has them; in place of `doc`, `source`, `first`
    and `last` name turns of a file in the folder of data. Each summary is checked as a note that
    cites all turns of its document. Shown as a statement is what is not refused and is verbatim,
    proven or confirmed. Prints counts per kind and standing, with 95 % intervals, and each check's
    odds: the share of false notes that fail it, by that of true ones. Writes
    `.onrecord/eval/pairs-shown-false.json`, `pairs-true-shown.json` and `veto-odds.json`; with
    --extractive `extractive-shown-false.json` and `extractive-true-shown.json`. Exit code 1 if a
    goal is missed, 2 if a pair cannot be read.

    Examples of use:

        onrecord eval pairs pairs.jsonl --examples 5
        onrecord eval pairs summedits_samsum.json --mode heavy --json
        onrecord eval pairs held_out.jsonl --developed developed.jsonl
        onrecord eval pairs quotes_held_out.jsonl --developed quotes.jsonl --extractive
        onrecord eval pairs pairs.jsonl --verdicts verdicts.jsonl
        onrecord eval pairs held_out.jsonl --entailment models/hhem
    """
    parsers = load_parsers(mode)
    model = None if entailment is None else open_calibrated(entailment)
    sets = {"all" if developed is None else "held out": read_pairs_file(file, data)}
    if developed is not None:
        sets["developed on"] = read_pairs_file(developed, data)
    report = measure_pairs(sets, parsers, examples, model, is_extractive=extractive)
    if verdicts is not None:
        _write_verdicts(verdicts, report.verdicts)
    for remark in report.remarks:
        err.print(remark, style="dim", markup=False)
    report_measures(report.measures, as_json=json_output)


def read_pairs_file(file: Path, data: Path) -> Sequence[LabelledPair]:
    """Read labelled pairs from a file; report on stderr those with a missing transcript."""
    read = read_pairs(file, data)
    for source, count in read.absent.items():
        err.print(f"{count} pairs left out: {data} has no {source}", style="dim", markup=False)
    return read.pairs


def _write_verdicts(file: Path, verdicts: Sequence[PairVerdict]) -> None:
    lines = [json.dumps(one.as_json(), ensure_ascii=False) + "\n" for one in verdicts]
    try:
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
