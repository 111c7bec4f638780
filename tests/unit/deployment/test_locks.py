"""What is installed is what the locks pin, byte for byte, whatever index it comes from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted(ROOT.glob("requirements*.lock"))

INSTALLS = (ROOT / "Makefile", ROOT / "deploy" / "Dockerfile", ROOT / ".ci" / "run")


def test_there_are_locks() -> None:
    assert {lock.name for lock in LOCKS} == {
        "requirements.lock",
        "requirements-dev.lock",
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
