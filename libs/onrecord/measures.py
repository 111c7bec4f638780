"""Figures that are held against goals: written as JSON, printed as tables, put on a page."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from onrecord.console import out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.settings import home_folder

_DIGITS: Final = 4
_BEGIN: Final = re.compile(r"<!-- figures of ([\w, -]+): made by `make eval` -->")
"""Names, or beginnings of names, of the measures that belong on the page."""
_END: Final = "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that is held against a goal, with what it is made of."""

    name: str
    figure: float
    goal: float
    better: str
    unit: str
    sides: Mapping[str, Mapping[str, float]]
    notes: Sequence[str] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        higher = self.better == "higher"
        return self.figure >= self.goal if higher else self.figure <= self.goal

    def as_json(self) -> dict[str, Any]:
        """The measure as its file has it."""
        return {
            "name": self.name,
            "figure": round(self.figure, _DIGITS),
            "goal": self.goal,
            "better": self.better,
            "holds": self.holds,
            "sides": {
                side: {name: round(value, _DIGITS) for name, value in figures.items()}
                for side, figures in self.sides.items()
            },
            "unit": self.unit,
            "stack": _stack(),
            "commit": _commit(),
            "notes": list(self.notes),
        }


def tell(measures: Sequence[Measure], *, as_json: bool) -> None:
    """Write each measure's file, print them shortfalls first, and fail if one falls short."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    written = [measure.as_json() for measure in measures]
    for one in written:
        text = json.dumps(one, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{one['name']}.json").write_text(text)
    if as_json:
        print_json(written)
    else:
        _print_tables(sorted(measures, key=lambda one: one.holds))
    short = [one.name for one in measures if not one.holds]
    if short:
        raise FailedError(f"short of the goal: {', '.join(short)}")


def _folder() -> Path:
    return home_folder() / "eval"


def _print_tables(measures: Sequence[Measure]) -> None:
    for measure in measures:
        sign = "≥" if measure.better == "higher" else "≤"
        verdict = "holds" if measure.holds else "FALLS SHORT"
        out.print(
            f"{measure.name}: {measure.figure:.4g} {measure.unit}, goal {sign} {measure.goal:g}: "
            f"{verdict}",
            markup=False,
        )
        out.print(_table(measure))
        for note in measure.notes:
            out.print(f"  {note}", markup=False)
        out.print()


def _table(measure: Measure) -> Table:
    columns = list(dict.fromkeys(name for side in measure.sides.values() for name in side))
    table = Table("", *columns, box=None)
    for side, figures in measure.sides.items():
        table.add_row(side, *(_cell(figures.get(column)) for column in columns))
    return table


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.{0 if value == int(value) > 1 else 3}f}"


def _stack() -> str:
    return f"Python {platform.python_version()}, {platform.system()}, {cpu_count()} cores"


def _commit() -> str:
    """The commit that is measured, ``-dirty`` if files differ; "unknown" outside a checkout."""
    words = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def put_on_page(page: Path) -> None:
    """Replace the figures on a page by those of the measures' files that its mark names.

    Raises:
        UsageError: there are no such files, or the page has no place for figures.
    """
    folder = _folder()
    text = page.read_text() if page.is_file() else ""
    begin = _BEGIN.search(text)
    if begin is None or _END not in text[begin.end() :]:
        raise UsageError(f"no place for figures on {page}")
    names = tuple(one.strip() for one in begin[1].split(","))
    measures = [
        json.loads(file.read_text())
        for file in sorted(folder.glob("*.json"))
        if file.name.startswith(names)
    ]
    if not measures:
        raise UsageError(f"no measures of {begin[1]} in {folder}")
    after = text[begin.end() :].split(_END, 1)[1]
    told = "\n\n".join(_told(one) for one in sorted(measures, key=lambda one: one["holds"]))
    page.write_text(f"{text[: begin.end()]}\n\n{told}\n\n{_END}{after}")


def _told(one: Mapping[str, Any]) -> str:
    """A measure as Markdown: its figure, its sides, its errors."""
    sign = "≥" if one["better"] == "higher" else "≤"
    verdict = "holds" if one["holds"] else "**falls short**"
    columns = list(dict.fromkeys(name for side in one["sides"].values() for name in side))
    goal = f"goal {sign} {one['goal']:g}: {verdict}"
    lines = [
        f"### {one['name']}: {one['figure']:.4g} ({one['unit']}; {goal})",
        "",
        f"| | {' | '.join(columns)} |",
        f"|{'---|' * (len(columns) + 1)}",
    ]
    for side, figures in one["sides"].items():
        lines.append(f"| {side} | {' | '.join(_cell(figures.get(name)) for name in columns)} |")
    lines += ["", *(f"- {note}" for note in one.get("notes", ()))] if one.get("notes") else []
    return "\n".join(lines)
