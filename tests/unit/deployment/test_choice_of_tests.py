"""``make test`` leaves out the tests marked as long, says so, and says how to run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest
from support.choice_of_tests import ChoiceOfTests, add_options as pytest_addoption

def pytest_configure(config):
    config.pluginmanager.register(ChoiceOfTests(config))
    config.addinivalue_line("markers", "long: ...")

@pytest.fixture
def broker(): ...

@pytest.fixture
def topics(broker): ...
"""
TESTS = """
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
"""
SAID = "5 tests: what takes long, and all but the first 2 of each file that need a broker"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_it.py").write_text(TESTS)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "passed", "left_out"),
    [
        ("", 6, 1),
        ("-p xdist -n 2 --dist=loadgroup", 6, 1),
        ("--all", 11, 0),
        ("tests", 11, 0),
        ("--uses=broker", 2, 1),
    ],
)
def test_leaves_out_the_long_ones_unless_they_are_asked_for(
    folder: Path, words: str, passed: int, left_out: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words.split()],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f" {passed} passed" in done.stdout.splitlines()[-1]
    assert done.stdout.count(SAID) == left_out
