"""One place prints for all commands, and escapes what would control a terminal."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from contracts.control_api import DeadLetter
from contracts.ids import derive_id
from contracts.terminal import TERMINAL_CONTROLS
from onrecord.console import err, out, print_error, print_json
from onrecord.errors import FailedError
from onrecord.pages.letters import format_dead_letter, format_dead_letters

PACKAGE: Final = Path(__file__).parents[3] / "libs" / "onrecord"
HOSTILE: Final = "\x1b[2J\x1b]0;x\x07\r\x9b31m\u202e [bold]:warning: \ud800\x7f"
PRINTING: Final = {"print", "Console", "write", "writelines"}


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr()
    assert TERMINAL_CONTROLS.findall(output.out + output.err) == []
    return output.out + output.err


def table(cell: str | Text) -> Table:
    made = Table("of others", box=None)
    made.add_row(cell)
    return made


@pytest.mark.parametrize("thing", [Text(HOSTILE), table(Text(HOSTILE)), HOSTILE], ids=type)
def test_whatever_is_printed_is_escaped(thing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for console in (out, err):
        console.print(thing, markup=False)
        shown = printed(capsys)
        assert "\\x1b[2J" in shown
        assert isinstance(thing, Table) or "[bold]:warning:" in shown  # tables cut their cells


def test_styles_of_our_own_stay() -> None:
    with err.capture() as captured:
        err.print("[bold]x[/]", style="red")
    assert "x" in captured.get()


def test_an_error_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(FailedError(f"no {HOSTILE}\n✓ done\u2028x", details=[f"{HOSTILE}\n✓ done"]))
    assert len(printed(capsys).splitlines()) == 2


@given(st.recursive(st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_is_escaped_and_means_the_same(value: Any) -> None:
    with out.capture() as captured:
        print_json(value)
    assert TERMINAL_CONTROLS.findall(captured.get()) == []
    assert json.loads(captured.get()) == value


def test_letters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    letter = DeadLetter.model_validate(
        {
            "letter_id": derive_id("letter", 1),
            "service": HOSTILE,
            "dlq_topic": HOSTILE,
            "error_code": HOSTILE,
            "dlq_offset": 0,
            "error_type": HOSTILE,
            "error_message": HOSTILE,
            "subject": HOSTILE,
            "source_topic": HOSTILE,
            "consumer_group": HOSTILE,
            "fingerprint": HOSTILE,
            "dlq_partition": 0,
            "failed_at": "2026-01-01T00:00:00Z",
            "state_reason": HOSTILE,
            "headers": [[HOSTILE, None]],
            "size_bytes": 1,
            "attempts": 1,
            "timeouts": 0,
        }
    )
    for line in (
        *format_dead_letter(letter, HOSTILE.encode("utf-8", "replace"), 80, {}, gone=HOSTILE),
    ):
        out.print(line)
    for line in format_dead_letters([letter], letter.failed_at, 80, {}):
        out.print(line)
    assert "\\x1b[2J" in printed(capsys)


def test_nothing_else_in_the_package_prints() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if isinstance(node.func, ast.Attribute) and "sys.std" in ast.unparse(node.func.value):
                name = node.func.attr
            if name in PRINTING:
                found.add((path.relative_to(PACKAGE).as_posix(), name))
    # A letter's bytes, which are asked for as such; and what measures words, but prints nothing.
    assert found == {("commands/dlq/__init__.py", "write"), ("pages/rendering.py", "Console")}
