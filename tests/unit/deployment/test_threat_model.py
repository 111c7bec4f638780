"""Every line of the threat model in docs/security.md names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "security.md"
TEST = re.compile(r"`([\w/.-]+\.(?:py|ya?ml))(?:::(\w+))?`")


def lines() -> list[list[str]]:
    """The cells of each line of the table."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Threat model\n", 1)[1]
    section = section.split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@cache
def functions_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, functions))


def test_there_is_a_line_for_each_part() -> None:
    assert len(lines()) >= 30


@pytest.mark.parametrize("cells", lines(), ids=lambda cells: cells[1][:40])
def test_a_line_names_its_tests_and_they_exist(cells: list[str]) -> None:
    asset, threat, stopped_by, tests = cells
    assert asset
    assert threat
    assert stopped_by
    named = TEST.findall(tests)
    assert named, f"the line {threat!r} names no test"
    for file, function in named:
        path = ROOT / "tests" / file
        assert path.is_file(), f"{file} does not exist"
        assert function in functions_in(path), f"{file} has no {function or 'test named'}"
