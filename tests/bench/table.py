"""Table of measures for people, shortfalls first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Row = Sequence[str]

WIDTH: Final = 160
"""Of a table in characters; a wider one is told downwards."""


def lines(measures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of the table, then of each measure's sides.

    Args:
        measures: as their JSON files have them.
    """
    ordered = sorted(measures, key=lambda one: (one["holds"], one["name"]))
    table = [("measure", "figure", "goal", "", "what"), *map(_row, ordered)]
    page = ["", *aligned(table)]
    for one in ordered:
        page += ["", *_sides(one)]
    if ordered:
        page += ["", f"{ordered[0]['stack']}; commit {ordered[0]['commit']}"]
    return page


def _row(one: Mapping[str, Any]) -> Row:
    sign = "≥" if one["better"] == "higher" else "≤"
    verdict = "holds" if one["holds"] else "FALLS SHORT"
    return one["name"], f"{one['figure']:.3f}", f"{sign} {one['goal']:g}", verdict, one["unit"]


def _sides(one: Mapping[str, Any]) -> list[str]:
    columns = list(dict.fromkeys(name for side in one["sides"].values() for name in side))
    rows = [
        (name, *(_number(figures.get(column)) for column in columns))
        for name, figures in one["sides"].items()
    ]
    across = aligned([(one["name"], *columns), *rows])
    if max(map(len, across)) > WIDTH:
        across = [one["name"], *_downwards(one["sides"])]
    return [*across, *_notes(one)]


def _downwards(sides: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return aligned(
        [
            (f"  {name}" if place == 0 else "", column, _number(value))
            for name, figures in sides.items()
            for place, (column, value) in enumerate(figures.items())
        ]
    )


def _notes(one: Mapping[str, Any]) -> list[str]:
    return [*(f"  FALLS SHORT: {what}" for what in one["shortfalls"]), *_indented(one["notes"])]


def _indented(sentences: Sequence[str]) -> list[str]:
    return [f"  {sentence}" for sentence in sentences]


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.3f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
