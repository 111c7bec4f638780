"""``python -m fuzz``: 100,000 inputs a format; ``ONLY=name`` one, ``INPUTS=n`` fewer, ``SEED=n``.

Writes each input that fails to ``.onrecord/fuzz/`` and names it with its error. Exit code 1 if any
failed, 2 for wrong usage.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

from fuzz.checking import check, limited_memory
from fuzz.inputs import LONGEST, Make, inputs, sources

FOLDER: Final = Path(__file__).resolve().parents[2] / ".onrecord" / "fuzz"
_INPUTS: Final = 100_000
_MOST_FAILURES: Final = 5
"""Of one format, after which the next one comes."""


def main() -> int:
    """Try all formats, or the one that is named."""
    logging.disable()  # libraries of documents say a line of every damage
    made = sources()
    only = os.environ.get("ONLY", "")
    number = int(os.environ.get("INPUTS") or _INPUTS)
    seed = int(os.environ.get("SEED") or 1)
    if only and only not in made:
        sys.stderr.write(f"there is no format {only}; there are: {', '.join(made)}\n")
        return 2
    failures = 0
    for name in [only] if only else made:
        began = time.monotonic()
        failed = _try(name, made[name], number, seed)
        failures += failed
        took = time.monotonic() - began
        sys.stdout.write(f"{name}: {number:,} inputs, {failed} failed, {took:.0f} s\n")
        sys.stdout.flush()
    return int(failures > 0)


def _try(name: str, make: Make, number: int, seed: int) -> int:
    failures = 0
    check(first_input(make, seed))  # what is loaded once is no input's memory
    with limited_memory(LONGEST):
        for position, data in enumerate(inputs(make, number, seed)):
            try:
                check(data)
            except Exception as error:  # noqa: BLE001 - every failure is a finding
                FOLDER.mkdir(parents=True, exist_ok=True)
                file = FOLDER / f"{name.replace(' ', '-')}-{seed}-{position}.bin"
                file.write_bytes(data)
                sys.stdout.write(f"{name}: {type(error).__name__}: {error!s:.200} ({file.name})\n")
                failures += 1
                if failures == _MOST_FAILURES:
                    break
    return failures


def first_input(make: Make, seed: int) -> bytes:
    """The first input."""
    return next(inputs(make, 1, seed))


if __name__ == "__main__":
    sys.exit(main())
