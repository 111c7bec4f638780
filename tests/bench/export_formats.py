"""Exports of 100,000 notes: memory as the number grows, notes a second, and a browser's time."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

from bench.harness import Lab, Result
from exports.formats import FORMATS, ExportFormat
from support.browser import open_browser
from support.made_up_exports import STUDY, plain_interview

WITHOUT_BROKER: Final = True

INTERVIEWS: Final = 1_000
NOTES: Final = 100
"""Of an interview."""
FEWER: Final = 10
"""How many times fewer interviews the memory is compared with."""
GOAL: Final = 1.25
OPENS_IN_S: Final = 3.0


async def measure(lab: Lab) -> Result:
    """Peak memory of an export, beside that of one with a tenth of the notes; the worst format."""
    interviews = lab.scaled(INTERVIEWS, least=20)
    sides: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ExportFormat:
            path = Path(folder, f"study.{kind}")
            few = await _export(kind, interviews // FEWER, path)
            many = await _export(kind, interviews, path)
            sides[kind.value] = {
                "x_memory": many["mib"] / few["mib"],
                "MiB": many["mib"],
                "notes_per_s": interviews * NOTES / many["seconds"],
                "MB": many["mb"],
            }
        page = Path(folder, f"study.{ExportFormat.HTML}")
        opened = await _open(page)
    return Result(
        figure=max(one["x_memory"] for one in sides.values()),
        goal=GOAL,
        better="lower",
        unit=f"x the peak memory of an export of {FEWER} times fewer notes, in the worst format",
        sides=sides,
        notes=(
            f"{interviews * NOTES:,} notes of {interviews:,} interviews",
            f"Chromium shows the page's first notes after {opened:.2f} s (goal {OPENS_IN_S:g})",
        ),
    )


async def _export(kind: ExportFormat, interviews: int, path: Path) -> dict[str, float]:
    """Export in a process of its own, whose peak is then the export's."""
    words = (kind.value, str(interviews), str(path))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.export_formats", *words, stdout=PIPE
    )
    text, _ = await child.communicate()
    assert child.returncode == 0, f"{kind}: ended with {child.returncode}"
    found: dict[str, float] = json.loads(text)
    return found


async def _open(path: Path) -> float:
    """Return the seconds until a browser that runs shows notes of a page."""
    async with open_browser() as browser:
        page = await browser.new_page()
        begin = time.monotonic()
        await page.goto(f"file://{path}")
        await page.wait_for_selector("#list li")
        return time.monotonic() - begin


def main() -> None:
    """Export made-up interviews: format, how many, and the file."""
    kind, interviews, path = sys.argv[1:]
    opener = FORMATS[ExportFormat(kind)].load()
    begin = time.process_time()
    made = 0.0
    with Path(path).open("w+b") as file, opener(STUDY, file) as add:
        for number in range(1, int(interviews) + 1):
            before = time.process_time()
            one = plain_interview(number, notes=NOTES)
            made += time.process_time() - before
            add(one)
    seconds = time.process_time() - begin - made
    size = Path(path).stat().st_size
    sys.stdout.write(json.dumps({"seconds": seconds, "mib": _peak_mib(), "mb": size / 1e6}))


def _peak_mib() -> float:
    """By proc(5): ``VmHWM`` is the peak of resident memory, in KiB, of this program alone."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM:")]
    return round(int(peak.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
