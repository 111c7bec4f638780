"""Measures: what their files hold, and how they come onto a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.measures import Measure, update_page, write_measures

PAGE = """# Figures

<!-- figures of speed, size: made by `make eval` -->

old figures

<!-- end of figures -->

The end.
"""


def _measure(name: str, figure: float, better: str = "higher") -> Measure:
    return Measure(name, figure, 0.5, better, "share", {"all": {"share": figure, "notes": 12}})


@pytest.mark.parametrize(
    ("figure", "better", "holds"),
    [
        (0.5, "higher", True),
        (0.49, "higher", False),
        (0.5, "lower", True),
        (0.51, "lower", False),
    ],
)
def test_a_goal_is_reached_from_its_better_side(figure: float, better: str, *, holds: bool) -> None:
    assert _measure("speed", figure, better).holds is holds


def test_each_measure_has_a_file_with_rounded_figures(tmp_path: Path) -> None:
    [written] = write_measures([_measure("speed", 0.123456)], tmp_path / "eval")
    assert json.loads((tmp_path / "eval" / "speed.json").read_text()) == written
    assert written["figure"] == 0.1235
    assert written["holds"] is False


def test_a_page_gets_the_measures_it_names_shortfalls_first(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    measures = [_measure("size", 0.9), _measure("speed-time", 0.1), _measure("other", 0.9)]
    write_measures(measures, tmp_path)
    update_page(page, tmp_path)
    text = page.read_text()
    assert "old figures" not in text
    assert "### speed-time: 0.1 (share; goal ≥ 0.5: **falls short**)" in text
    assert text.index("speed-time") < text.index("### size: 0.9")
    assert "| all | 0.900 | 12 |" in text
    assert "other" not in text
    assert text.endswith("<!-- end of figures -->\n\nThe end.\n")


def test_a_page_keeps_the_figures_of_measures_that_were_not_measured_again(tmp_path: Path) -> None:
    page, folder = tmp_path / "page.md", tmp_path / "eval"
    page.write_text(PAGE)
    write_measures(
        [_measure("size", 0.1), _measure("speed", 0.7), _measure("speed-2", 0.8)], folder
    )
    update_page(page, folder)
    (folder / "size.json").unlink()
    (folder / "speed.json").unlink()
    write_measures([_measure("speed-2", 0.4)], folder)

    update_page(page, folder)

    headings = [line for line in page.read_text().splitlines() if line.startswith("### ")]
    assert [line.split(" (")[0] for line in headings] == [
        "### size: 0.1",
        "### speed-2: 0.4",
        "### speed: 0.7",
    ]
    assert page.read_text().count("| all | ") == 3
    assert "old figures" not in page.read_text()


@pytest.mark.parametrize("text", ["", "# No marks", PAGE.replace("size", "other")])
def test_a_page_without_a_place_or_without_measures_is_refused(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(InputError):
        update_page(page, tmp_path / "nothing")
    assert page.read_text() == text
