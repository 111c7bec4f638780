"""The report on dependencies says what it knows, and what it could not find out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support import dependency_report
from support.dependency_report import (
    LOCK,
    ask_for_advisories,
    describe_advisories,
    find_licence,
    list_pinned,
    main,
    write_licences,
)

ROOT = Path(__file__).parents[3]


def a_tool(folder: Path, name: str, script: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)


def test_every_pinned_package_is_listed_with_its_licence(tmp_path: Path) -> None:
    file = tmp_path / "licences.txt"
    write_licences(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    names = {re.split(" ", line)[0] for line in lines}
    assert names == {name for name, _ in list_pinned(LOCK.read_text(encoding="utf-8"))}
    assert len(names) > 50
    assert find_licence("pydantic") == "MIT"
    assert find_licence("no-such-package") == dependency_report.UNKNOWN


def test_without_a_network_vulnerabilities_are_said_to_be_not_checked(tmp_path: Path) -> None:
    a_tool(tmp_path, "pip-audit", "echo 'ServiceError: cannot connect' >&2; exit 1")
    said = ask_for_advisories(tmp_path, tmp_path / "found.json")
    assert said == "vulnerabilities: not checked (ServiceError: cannot connect)"


def test_a_service_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    a_tool(tmp_path, "pip-audit", "exec sleep 30")
    said = ask_for_advisories(tmp_path, tmp_path / "found.json", patience_s=0.2)
    assert said == "vulnerabilities: not checked (no answer within 0.2 s)"


def test_known_vulnerabilities_are_listed_with_what_mends_them(tmp_path: Path) -> None:
    known = [{"id": "PYSEC-1", "fix_versions": ["2.0"]}, {"id": "PYSEC-2", "fix_versions": []}]
    answer = {"dependencies": [{"name": "a", "version": "1.0", "vulns": known}, {"name": "b"}]}
    lines = describe_advisories(answer).splitlines()
    assert lines == [
        "vulnerabilities: 2 known",
        "  a 1.0: PYSEC-1, mended in 2.0",
        "  a 1.0: PYSEC-2, mended in no version yet",
    ]


def test_a_report_ends_well_whatever_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = json.dumps({"components": [{}, {}]})
    a_tool(tmp_path, "cyclonedx-py", f"for file; do :; done; echo '{bill}' > \"$file\"")
    a_tool(tmp_path, "pip-audit", "exit 1")
    assert main(tmp_path, tmp_path / "report") == 0
    said = capsys.readouterr().out
    assert "bill of materials: 2 components" in said
    assert "vulnerabilities: not checked (no answer)" in said


def test_ci_makes_the_report_beside_other_work() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^start \w+ make audit-dependencies$", ci, re.MULTILINE)
