"""Write what was measured to files, and print it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from evaluation.measures import Measure, format_figure, list_columns, write_measures
from onrecord.console import out, print_json
from onrecord.errors import FailedError
from onrecord.settings import find_stack_folder


def report_measures(measures: Sequence[Measure], *, as_json: bool) -> None:
    """Write evaluation results to files, and print them, those below their goals first.

    Raises:
        FailedError: a measure falls short of its goal.
    """
    written = write_measures(measures, find_measures_folder())
    if as_json:
        print_json(written)
    else:
        for measure in sorted(measures, key=lambda one: one.holds):
            _print_measure(measure)
    short = [one.name for one in measures if not one.holds]
    if short:
        raise FailedError(f"short of the goal: {', '.join(short)}")


def find_measures_folder() -> Path:
    """Return the folder of the evaluation results' files."""
    return find_stack_folder() / "eval"


def _print_measure(measure: Measure) -> None:
    sign = "≥" if measure.better == "higher" else "≤"
    verdict = "holds" if measure.holds else "FALLS SHORT"
    figure = f"{measure.name}: {measure.figure:.4g} {measure.unit}"
    out.print(f"{figure}, goal {sign} {measure.goal:g}: {verdict}", markup=False)
    columns = list_columns(measure.sides)
    table = Table(box=None)
    table.add_column(no_wrap=True)  # so that names of rows are read whole on a narrow terminal
    for column in columns:
        table.add_column(column)
    for side, figures in measure.sides.items():
        table.add_row(side, *(format_figure(figures.get(column)) for column in columns))
    out.print(table)
    for note in measure.notes:
        out.print(f"  {note}", markup=False)
    out.print()
