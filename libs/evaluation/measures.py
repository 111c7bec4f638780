"""Figures that are compared with goals: written as JSON files, and put on a Markdown page."""

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

from evaluation.errors import InputError

_DECIMALS: Final = 4
_BEGIN: Final = re.compile(r"<!-- figures of ([\w, -]+): made by `make eval` -->")
"""Names, or beginnings of names, of the measures that belong on the page."""
_END: Final = "<!-- end of figures -->"
_HEADING: Final = re.compile(r"^### (?P<name>[\w-]+): ", re.MULTILINE)
_SHORT: Final = "**falls short**"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that is compared with a goal, with the figures it is made of.

    Attributes:
        name: also the name of its file.
        figure: what was measured, in ``unit``.
        goal: what it has to reach.
        better: ``"higher"`` or ``"lower"``.
        unit: of the figure and the goal, in words.
        sides: further figures by part of the data, and by column within it.
        notes: lines for people below the figures, such as the commonest errors.
    """

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
        """Return the measure as its file has it."""
        return {
            "name": self.name,
            "figure": round(self.figure, _DECIMALS),
            "goal": self.goal,
            "better": self.better,
            "holds": self.holds,
            "sides": {
                side: {name: round(value, _DECIMALS) for name, value in figures.items()}
                for side, figures in self.sides.items()
            },
            "unit": self.unit,
            "stack": _describe_platform(),
            "commit": _read_commit(),
            "notes": list(self.notes),
        }


def compute_share(part: int, whole: int) -> float:
    """Return a part's share of a whole, from 0 to 1; 0 if there is no whole."""
    return part / whole if whole else 0.0


def write_measures(measures: Sequence[Measure], folder: Path) -> list[dict[str, Any]]:
    """Write each measure to ``<folder>/<name>.json``; return what the files hold."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [measure.as_json() for measure in measures]
    for one in written:
        text = json.dumps(one, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{one['name']}.json").write_text(text)
    return written


def list_columns(sides: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the names of all columns that the parts of a measure have, in order of appearance."""
    return list(dict.fromkeys(name for side in sides.values() for name in side))


def format_figure(value: float | None) -> str:
    """Return a table cell: a count without decimals, a share with three, nothing for None."""
    if value is None:
        return ""
    is_count = isinstance(value, int) or value == int(value) > 1
    return f"{value:.{0 if is_count else 3}f}"


def _describe_platform() -> str:
    return f"Python {platform.python_version()}, {platform.system()}, {cpu_count()} cores"


def _read_commit() -> str:
    """Return the measured commit, ``-dirty`` if files differ; "unknown" outside a checkout."""
    words = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def update_page(page: Path, folder: Path) -> None:
    """Replace the figures on a Markdown page by those of the measures that its mark names.

    Figures of measures of which there is no file stay as they are: they were not measured again.

    Args:
        page: has a line ``<!-- figures of NAMES: made by `make eval` -->`` and an end mark.
        folder: where the measures' files are.

    Raises:
        InputError: there are no such files, or the page has no place for figures.
    """
    text = page.read_text() if page.is_file() else ""
    begin = _BEGIN.search(text)
    if begin is None or _END not in text[begin.end() :]:
        raise InputError(f"no place for figures on {page}")
    names = tuple(one.strip() for one in begin[1].split(","))
    measures = [
        json.loads(file.read_text())
        for file in sorted(folder.glob("*.json"))
        if file.name.startswith(names)
    ]
    if not measures:
        raise InputError(f"no measures of {begin[1]} in {folder}")
    before, after = text[begin.end() :].split(_END, 1)
    sections = _split_sections(before)
    sections |= {one["name"]: _format_markdown(one) for one in measures}
    ordered = sorted(sections.items(), key=lambda one: f"{one[0]}.json")
    ordered.sort(key=lambda one: _SHORT not in one[1].split("\n")[0])  # shortfalls first
    figures = "\n\n".join(section for _, section in ordered)
    page.write_text(f"{text[: begin.end()]}\n\n{figures}\n\n{_END}{after}")


def _split_sections(figures: str) -> dict[str, str]:
    """Return the sections between a page's marks, by the name of their measure."""
    starts = [*_HEADING.finditer(figures)]
    ends = [*(one.start() for one in starts), len(figures)][1:]
    return {
        one["name"]: figures[one.start() : end].strip()
        for one, end in zip(starts, ends, strict=True)
    }


def _format_markdown(measure: Mapping[str, Any]) -> str:
    """Return a measure as Markdown: its figure, a table of its sides, its notes."""
    sign = "≥" if measure["better"] == "higher" else "≤"
    verdict = "holds" if measure["holds"] else _SHORT
    columns = list_columns(measure["sides"])
    goal = f"goal {sign} {measure['goal']:g}: {verdict}"
    lines = [
        f"### {measure['name']}: {measure['figure']:.4g} ({measure['unit']}; {goal})",
        "",
        f"| | {' | '.join(columns)} |",
        f"|{'---|' * (len(columns) + 1)}",
    ]
    for side, figures in measure["sides"].items():
        cells = " | ".join(format_figure(figures.get(name)) for name in columns)
        lines.append(f"| {side} | {cells} |")
    if measure.get("notes"):
        lines += ["", *(f"- {note}" for note in measure["notes"])]
    return "\n".join(lines)
