"""The metrics page at its largest: every label at its bound, and 100 studies' producers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from bench.harness import ROOT, Lab, Result, at_most, spread

WITHOUT_BROKER: Final = True

GOAL_MS: Final = 50.0
MAX_KB: Final = 500.0
REPEATS: Final = 5


async def measure(lab: Lab) -> Result:
    """Milliseconds to render the page, each time in a process of its own."""
    del lab
    sizes, times = zip(*(_render_once() for _ in range(REPEATS)), strict=True)
    ordered = sorted(times)
    return Result(
        figure=ordered[REPEATS // 2],
        goal=GOAL_MS,
        better="lower",
        unit="ms to render the page: median of processes, of each the least of 20 times",
        sides={"page": {**spread(times, "ms"), "kB": sizes[0] / 1000}},
        shortfalls=at_most("kB of the page", max(sizes) / 1000, MAX_KB),
    )


def _render_once() -> tuple[int, float]:
    """Return the page's size in bytes and the time to render it, in milliseconds."""
    paths = os.pathsep.join(str(ROOT / one) for one in ("tests", "libs", "services"))
    done = subprocess.run(
        (sys.executable, "-m", "support.full_metrics"),
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    size, took_ms = done.stdout.split()
    return int(size), float(took_ms)
