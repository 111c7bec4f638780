"""Resident memory of a stage after 20,000 messages and after 200,000."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

from bench.harness import Lab, Result, stored
from bench.quiet import be_quiet
from bench.sides import ours
from contracts.events import NotesStored, NotesValidated
from messaging import KafkaSettings
from messaging.broker.application import configure_garbage_collector

NUMBER: Final = 200_000
MARKS: Final = 10
IN_FLIGHT: Final = 1_000
PATIENCE_S: Final = 600.0
MIB: Final = 1024 * 1024


async def measure(lab: Lab) -> Result:
    """The messages wait before the stage starts, and the stage is a process of its own."""
    number = lab.scaled(NUMBER, least=20_000)
    kafka = await lab.filled(number)
    words = (kafka.bootstrap_servers, kafka.topic_prefix, str(number))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.memory", *words, stdout=PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            text, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    sizes = [json.loads(line) for line in text.splitlines()]
    assert len(sizes) == MARKS, f"the stage ended with {child.returncode}"
    return Result(
        figure=sizes[-1] / sizes[0],
        goal=1.1,
        better="lower",
        unit="x the resident memory after the first tenth of the messages, MiB",
        sides={"ours": {f"after_{number * (n + 1) // MARKS}": s for n, s in enumerate(sizes)}},
        notes=(f"{number} messages of about 450 bytes, {IN_FLIGHT} in flight",),
    )


async def _stage(kafka: KafkaSettings, number: int) -> None:
    seen, done = 0, asyncio.Event()

    async def handle(event: NotesValidated) -> NotesStored:
        nonlocal seen
        seen += 1
        if seen % (number // MARKS) == 0:
            sys.stdout.write(f"{_resident_mib()}\n")
            sys.stdout.flush()
        if seen == number:
            done.set()
        return stored(event)

    async with ours(kafka, handle, IN_FLIGHT):
        await done.wait()


def _resident_mib() -> float:
    """By proc(5): the second number of ``statm`` is resident pages."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MIB, 2)


def main() -> None:
    """Run the stage: servers, prefix, number."""
    servers, prefix, number = sys.argv[1:]
    be_quiet()
    configure_garbage_collector()
    kafka = KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix, compression="none")
    asyncio.run(_stage(kafka, int(number)))


if __name__ == "__main__":
    main()
