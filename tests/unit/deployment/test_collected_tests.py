"""All processes of a run collect the same tests in the same order, or ``make test`` runs none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.long
def test_names_and_order_of_tests_are_the_same_in_each_process() -> None:
    # pytest-xdist refuses to run what its workers collect differently: a random value or the order
    # of a set among the parameters. Sets have another order in each process, as the seeds differ.
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", "--all", "tests"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (one.communicate()[0] for one in running)
    assert [one.returncode for one in running] == [0, 0], first
    collected = [line for line in first.splitlines() if "::" in line]
    assert len(collected) > 1_000
    assert collected == [line for line in second.splitlines() if "::" in line]
