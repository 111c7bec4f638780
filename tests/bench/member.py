"""A group member in a process to be killed; it writes the number of each message it handles."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from typing import Final

from bench.harness import stored
from bench.quiet import be_quiet
from bench.sides import CONSUMERS
from contracts.events import NotesStored, NotesValidated
from messaging import KafkaSettings

LATENCY_S: Final = 0.2
IN_FLIGHT: Final = 16
FAILS_EVERY: Final = 20


async def consume(side: str, kafka: KafkaSettings, journal: int, *, failing: bool) -> None:
    """Handle messages until SIGTERM.

    Args:
        side: a name of ``CONSUMERS``.
        kafka: the broker, and the run's prefix.
        journal: an open file, for appending.
        failing: whether the handler fails on every twentieth message, each time.
    """

    async def handle(event: NotesValidated) -> NotesStored:
        await asyncio.sleep(LATENCY_S)
        if failing and event.revision % FAILS_EVERY == 0:
            raise ValueError("this one fails")
        os.write(journal, f"{event.revision}\n".encode())
        return stored(event)

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with CONSUMERS[side](kafka, handle, IN_FLIGHT):
        await stopping.wait()


def main() -> None:
    """Run from the command line: side, servers, prefix, journal."""
    parser = argparse.ArgumentParser(prog="bench.member", description=__doc__)
    for name in ("side", "servers", "prefix", "journal"):
        parser.add_argument(name)
    parser.add_argument("--failing", action="store_true")
    options = parser.parse_args()
    be_quiet()
    kafka = KafkaSettings(
        bootstrap_servers=options.servers,
        topic_prefix=options.prefix,
        session_timeout_ms=6_000,
        compression="none",
    )
    journal = os.open(options.journal, os.O_WRONLY | os.O_APPEND)
    asyncio.run(consume(options.side, kafka, journal, failing=options.failing))


if __name__ == "__main__":
    main()
