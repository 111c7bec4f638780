"""What is installed is what the locks pin, byte for byte, whatever index it comes from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted(ROOT.glob("requirements*.lock"))

INSTALLS = (ROOT / "Makefile", ROOT / "deploy" / "Dockerfile", ROOT / ".ci" / "run")


def test_there_are_locks() -> None:
    assert {lock.name for lock in LOCKS} == {
        "requirements.lock",
        "requirements-audit.lock",
        "requirements-dev.lock",
        "requirements-embeddings.lock",
        "requirements-local-llm.lock",
        "requirements-uv.lock",
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_each_version_with_hashes_and_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.findall(r"^-", text, re.MULTILINE), "options, such as an index"
    for pinned in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+", pinned), pinned
        assert " --hash=sha256:" in pinned, pinned


@pytest.mark.parametrize("file", INSTALLS, ids=lambda file: file.name)
def test_nothing_is_installed_that_no_lock_pins(file: Path) -> None:
    commands = file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    installs = [line for line in commands if re.search(r"(pip|PIP\)|python) .*\binstall\b", line)]
    for command in installs:
        for each in re.findall(r"\binstall\b[^&|;]*", command):
            # With hashes, or this project itself, without what it depends on.
            assert "--require-hashes" in each or "--no-deps" in each, each


def test_installations_are_found_to_be_looked_at() -> None:
    assert "install --quiet --require-hashes" in INSTALLS[0].read_text(encoding="utf-8")


PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPACKED = re.findall(r"^\| `([a-z0-9-]+)` (\S+).*?\| `([0-9a-f]{64})` \|", PAGE, re.MULTILINE)


def test_the_page_has_all_that_the_project_asks_for() -> None:
    extras = [one for extra in PYPROJECT["optional-dependencies"].values() for one in extra]
    asked = {re.split(r"[^a-z0-9-]", one)[0] for one in (*PYPROJECT["dependencies"], *extras)}
    assert {name for name in asked if f"`{name}`" not in PAGE} == set()


def test_models_and_servers_on_the_page_are_the_files_in_the_locks() -> None:
    assert len(REPACKED) == 6
    locked = "\n".join(lock.read_text(encoding="utf-8") for lock in LOCKS)
    for name, version, sha256 in REPACKED:
        pinned = rf"^{name}=={re.escape(version)}[ \\].*(?:\n    .*)*{sha256}"
        assert re.search(pinned, locked, re.MULTILINE), name
