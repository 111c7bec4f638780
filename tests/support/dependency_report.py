"""Reports what runs: a bill of materials (CycloneDX), licences, and known vulnerabilities.

``python -m support.dependency_report TOOLS [FOLDER]``; ``make audit-dependencies`` calls it. It
looks at ``requirements.lock``. Where nobody answers, vulnerabilities are said to be not checked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / "requirements.lock"
FOLDER: Final = ROOT / ".onrecord" / "dependencies"
PATIENCE_S: Final = 60
"""How long advisories are waited for, in seconds."""

UNKNOWN: Final = "not installed here"


def list_pinned(lock: str) -> list[tuple[str, str]]:
    """Return name and version of each package that a lock pins."""
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", lock, re.MULTILINE)


def find_licence(name: str) -> str:
    """Return the licence that an installed package names, in a line."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return UNKNOWN
    if "License-Expression" in found:
        return found["License-Expression"]
    classifiers = [
        one.rpartition(" :: ")[2]
        for one in found.get_all("Classifier") or ()
        if one.startswith("License :: ")
    ]
    text = found["License"].strip().splitlines() if "License" in found else []
    return ", ".join(classifiers) or (text[0] if text else "not named")


def write_licences(file: Path) -> None:
    """Write a line for each package: name, version, licence."""
    pinned = list_pinned(LOCK.read_text(encoding="utf-8"))
    lines = (f"{name} {version}\t{find_licence(name)}\n" for name, version in pinned)
    file.write_text("".join(lines), encoding="utf-8")


def write_bill_of_materials(tools: Path, file: Path) -> int:
    """Write a CycloneDX document of the lock; return how many components it has."""
    command: list[str | Path] = [
        tools / "cyclonedx-py",
        "requirements",
        LOCK,
        "--pyproject",
        ROOT / "pyproject.toml",
    ]
    command += ["--output-reproducible", "--of", "JSON", "--output-file", file]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return len(json.loads(file.read_text(encoding="utf-8"))["components"])


def ask_for_advisories(tools: Path, file: Path, patience_s: float = PATIENCE_S) -> str:
    """Ask OSV for the lock's known vulnerabilities; return one line or more for people."""
    file.unlink(missing_ok=True)
    command: list[str | Path] = [
        tools / "pip-audit",
        "--requirement",
        LOCK,
        "--require-hashes",
        "--disable-pip",
    ]
    command += ["--vulnerability-service", "osv", "--progress-spinner", "off", "--timeout", "10"]
    command += ["--format", "json", "--output", file]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=patience_s
        )
    except subprocess.TimeoutExpired:
        return f"vulnerabilities: not checked (no answer within {patience_s:g} s)"
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return f"vulnerabilities: not checked ({said[-1][:120] if said else 'no answer'})"
    return describe_advisories(answer)


def describe_advisories(answer: Any) -> str:
    """Return what pip-audit has found, for people."""
    found = [
        f"  {one['name']} {one['version']}: {known['id']}, "
        f"mended in {', '.join(known['fix_versions']) or 'no version yet'}"
        for one in answer["dependencies"]
        for known in one.get("vulns", ())
    ]
    return "\n".join([f"vulnerabilities: {len(found)} known", *found])


def main(tools: Path, folder: Path = FOLDER) -> int:
    """Write the three files and print a summary; return 0, as this is a report."""
    folder.mkdir(parents=True, exist_ok=True)
    count = write_bill_of_materials(tools, folder / "sbom.cdx.json")
    write_licences(folder / "licences.txt")
    lines = (
        f"bill of materials: {count} components, {folder / 'sbom.cdx.json'}",
        f"licences: {folder / 'licences.txt'}",
        ask_for_advisories(tools, folder / "vulnerabilities.json"),
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
