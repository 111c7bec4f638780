"""``make test`` leaves out the tests marked as long, says so, and says how to run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
from pathlib import Path

import pytest
from support import choice_of_tests
from support.choice_of_tests import ChoiceOfTests, add_options as pytest_addoption

choice_of_tests.SLOW_TESTS = Path(__file__).parent / "slow_tests.json"
choice_of_tests.SLOW_S = 0.2

def pytest_configure(config):
    config.pluginmanager.register(ChoiceOfTests(config))
    config.addinivalue_line("markers", "long: ...")
    config.addinivalue_line("markers", "core: ...")

@pytest.fixture
def broker(): ...

@pytest.fixture
def topics(broker): ...
"""
TESTS = """
import time

import pytest

def test_short(): ...

def test_on_a_broker(topics): ...

@pytest.mark.parametrize("case", range(4))
def test_cases_on_a_broker(topics, case): ...

def test_third_on_a_broker(topics): ...

@pytest.mark.parametrize("case", range(3))
def test_cases(case): ...

@pytest.mark.long
def test_long(): ...

@pytest.mark.parametrize("seconds", [0, 0.3])
def test_slow(seconds):
    time.sleep(seconds)

@pytest.mark.core
def test_core(topics):
    time.sleep(0.3)
"""
SLOW = {"tests/test_it.py::test_slow": 0.3, "tests/test_it.py::test_core": 0.3}
SAID = "7 tests: what takes long, and all but the first 2 of each file that need a broker"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_it.py").write_text(TESTS)
    (tests / "slow_tests.json").write_text(json.dumps(SLOW))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "passed", "left_out"),
    [
        ("", 7, 1),
        ("-p xdist -n 2 --dist=loadgroup", 7, 1),
        ("--all", 14, 0),
        ("tests", 14, 0),
        ("--uses=broker", 3, 1),
    ],
)
def test_leaves_out_the_long_ones_unless_they_are_asked_for(
    folder: Path, words: str, passed: int, left_out: int
) -> None:
    done = run(folder, words)
    assert done.returncode == 0, done.stdout
    assert f" {passed} passed" in done.stdout.splitlines()[-1]
    assert done.stdout.count(SAID) == left_out


@pytest.mark.parametrize("workers", ["", "-p xdist -n 2 --dist=loadgroup"])
def test_lists_what_took_long_and_keeps_what_was_not_run(folder: Path, workers: str) -> None:
    listed = folder / "tests" / "slow_tests.json"
    gone = {"tests/test_it.py::test_short": 9.0, "tests/test_other.py::test_other": 9.0}
    listed.write_text(json.dumps(gone))
    run(folder, f"--all --record-slow {workers}")
    found = json.loads(listed.read_text())
    assert found.keys() == SLOW.keys() | {"tests/test_other.py::test_other"}


def run(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words.split()],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
