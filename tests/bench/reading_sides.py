"""What the measures of reading share: sides that are timed in turn, and rates in MB/s a core."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any

from bench.harness import Figures
from transcripts import read_transcript

Read = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Rates:
    """Megabytes of files read by a second of CPU time, by shape and for all shapes together."""

    total: float
    by_shape: Mapping[str, float]

    def figures(self) -> Figures:
        """For the measure's file."""
        shapes = {name: round(rate, 2) for name, rate in self.by_shape.items()}
        return {"MB_per_s": round(self.total, 2), **shapes}


def rates(files: Mapping[str, str], sides: Mapping[str, Read], repeats: int) -> dict[str, Rates]:
    """How fast each side reads files; the sides take turns on each of them.

    CPU time, not the clock: what else runs on the machine is not to count.
    """
    sizes = {shape: len(text.encode()) / 1e6 for shape, text in files.items()}
    took: dict[str, dict[str, float]] = {name: {} for name in sides}
    for shape, text in files.items():
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(repeats):
            for name, read in sides.items():
                begin = time.process_time()
                read(text)
                seconds[name].append(time.process_time() - begin)
        for name, ones in seconds.items():
            took[name][shape] = median(ones)
    return {
        name: Rates(
            sum(sizes.values()) / sum(ones.values()),
            {shape: sizes[shape] / one for shape, one in ones.items()},
        )
        for name, ones in took.items()
    }


def ours(text: str) -> object:
    """Read a transcript as ingestion does."""
    return read_transcript(text)


def optional(module: str, reader: Callable[[Any], Read]) -> tuple[Read | None, str]:
    """A library's reader if it is installed; else a note that it is not."""
    try:
        return reader(import_module(module)), ""
    except ImportError:
        return None, f"{module} is not installed: it is not beside ours"
