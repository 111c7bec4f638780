"""Messages lost or repeated by each side on a failure, a kill or a revocation.

Found by running it: messages are numbered, and every one that was handled is written to a journal.
At the end, after whatever a restart brings back, those are lost that are neither there nor in a
DLQ.

Every side commits every 0.1 s and is killed about 0.1 s after a wave of up to 16 messages. So each
may repeat a wave, by chance: where none is lost, up to 16 repeats say nothing.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer

from bench.harness import Lab
from bench.member import FAILS_EVERY, LATENCY_S
from contracts.events import NotesValidated
from contracts.topics import PERSISTENCE, build_dlq_topic
from messaging import KafkaSettings
from support.waiting import until

NUMBER: Final = 200
QUIET_S: Final = 12.0
"""Without a message for so long nothing will come any more; twice the session timeout."""
PATIENCE_S: Final = 120.0


async def losses(lab: Lab, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return each side's lost and repeated messages, of 200, by fault."""
    sides = tuple(names)
    found: dict[str, dict[str, float]] = {name: {} for name in sides}
    for trouble, run in TROUBLES.items():
        trials = [_trial(lab, name, run) for name in sides]
        for name, (lost, repeated) in zip(sides, await asyncio.gather(*trials), strict=True):
            found[name] |= {f"lost_{trouble}": lost, f"repeated_{trouble}": repeated}
    return found


class Trial:
    """One side's members, topics and journal."""

    def __init__(self, side: str, kafka: KafkaSettings, journal: Path) -> None:
        self._side = side
        self._kafka = kafka
        self._journal = journal
        journal.touch()

    @contextmanager
    def member(self, *, failing: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """A member of the group, in a process of its own; killed at the end if it still runs."""
        words = (self._side, self._kafka.bootstrap_servers, self._kafka.topic_prefix)
        options = ("--failing",) if failing else ()
        process = subprocess.Popen(
            (sys.executable, "-m", "bench.member", *words, str(self._journal), *options),
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def handled(self) -> list[int]:
        """The numbers in the journal, repetitions included."""
        return [int(line) for line in self._journal.read_text().split()]

    async def has_handled(self, number: int) -> None:
        """Wait until so many are handled."""
        await until(lambda: len(set(self.handled())) >= number, within_s=PATIENCE_S)

    async def is_quiet(self, enough: int = NUMBER) -> None:
        """Wait until so many are handled, or until nothing has come for long."""
        loop = asyncio.get_running_loop()
        seen, since = 0, loop.time()
        while seen < enough and loop.time() - since < QUIET_S:
            await asyncio.sleep(0.05)
            now = len(set(self.handled()))
            if now > seen:
                seen, since = now, loop.time()

    async def set_aside(self) -> set[int]:
        """The numbers in the DLQ."""
        consumer = AIOKafkaConsumer(
            self._kafka.topic(build_dlq_topic(PERSISTENCE).name),
            **self._kafka.client_options(),
            auto_offset_reset="earliest",
        )
        found: set[int] = set()
        async with consumer:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            expected = sum(ends.values())
            while len(found) < expected:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found |= {
                        NotesValidated.model_validate_json(one.value).revision for one in records
                    }
        return found


async def _handler_fails(trial: Trial) -> None:
    with trial.member(failing=True) as process:
        await trial.is_quiet(NUMBER - NUMBER // FAILS_EVERY)
        process.send_signal(signal.SIGTERM)
        await until(lambda: process.poll() is not None, within_s=PATIENCE_S)
    with trial.member():  # what failed would succeed now, if it came again
        await trial.is_quiet()


async def _process_is_killed(trial: Trial) -> None:
    with trial.member() as process:
        await trial.has_handled(NUMBER // 2)
        await asyncio.sleep(LATENCY_S / 2)  # into the middle of the calls after those
        process.send_signal(signal.SIGKILL)
        process.wait()
    with trial.member():
        await trial.is_quiet()


async def _partition_is_revoked(trial: Trial) -> None:
    with trial.member():
        await trial.has_handled(NUMBER // 4)
        with trial.member():
            await trial.is_quiet()


TROUBLES: Final[dict[str, Callable[[Trial], Awaitable[None]]]] = {
    "failed": _handler_fails,
    "killed": _process_is_killed,
    "revoked": _partition_is_revoked,
}


async def _trial(
    lab: Lab, side: str, trouble: Callable[[Trial], Awaitable[None]]
) -> tuple[int, int]:
    kafka = await lab.filled(NUMBER)
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        trial = Trial(side, kafka, Path(folder) / "journal")
        await trouble(trial)
        handled = trial.handled()
        accounted = {*handled, *await trial.set_aside()}
    return NUMBER - len(accounted), len(handled) - len(set(handled))
