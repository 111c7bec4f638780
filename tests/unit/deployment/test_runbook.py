"""The runbook has an entry for each error code and for each warning that services write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.errors import UNMENDABLE, ErrorCode
from onrecord.runbook import find_runbook_entry, format_runbook_entry
from support.runbook_entries import FILE, build_runbook_entries

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/runbook.md").read_text("utf-8")
LINE = re.compile(r"""log\.(?:warning|error|exception)\(\s*"([a-z_]+)\"""")
ONE_OFF = {"not_replayed", "replays_not_settled", "replay_cut_short", "dependency_away"}
"""Lines of single requests to control, which answers them too."""


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def written_lines() -> set[str]:
    """The events that services log as warnings and errors."""
    libraries = ("database", "messaging", "model_client", "telemetry")
    folders = (*(ROOT / "libs" / name for name in libraries), ROOT / "services")
    files = (path for folder in folders for path in folder.rglob("*.py"))
    return {name for path in files for name in LINE.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize("code", ErrorCode)
def test_each_error_code_has_an_entry(code: ErrorCode) -> None:
    (entry,) = [cells for cells in rows("By error code") if cells[0] == f"`{code.value}`"]
    assert all(entry)


def test_what_no_replay_mends_is_not_said_to_be_replayable() -> None:
    helps = {cells[0].strip("`"): cells[2] for cells in rows("By error code")}
    needs_a_change = {"unknown_format", "too_large"}
    assert not [
        code
        for code in UNMENDABLE
        if not helps[code.value].startswith("no") and code.value not in needs_a_change
    ]


def test_each_warning_of_a_service_has_an_entry_and_each_entry_is_written() -> None:
    named = {
        name for cells in rows("By line in the log") for name in re.findall(r"`(\w+)`", cells[0])
    }
    assert named | ONE_OFF == written_lines()


def test_the_commands_print_the_entries_of_the_page() -> None:
    assert FILE.read_text("utf-8") == build_runbook_entries(), "run `make contracts`"


@pytest.mark.parametrize("code", ErrorCode)
def test_the_commands_know_the_entry_of_each_error_code(code: ErrorCode) -> None:
    found = find_runbook_entry(code.value)
    assert found is not None
    assert all((found.meaning, found.replay_helps, found.remedy))


def test_a_code_of_another_version_has_a_line_of_its_own() -> None:
    (fact,) = format_runbook_entry("made_up")
    assert fact == ("what to do", "docs/runbook.md does not know made_up: ask who runs control")
