"""A stage as a process of its own: ``python -m integration.messaging.conformance.processes``."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contracts.events import NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY
from messaging import KafkaSettings, Record, run_service
from support.broker import PROBE, QUICK
from support.chunks import INTERVIEW
from support.on_faststream import application_of, broker_of
from support.stages import Stage
from support.waiting import until

DRAIN_GRACE: Final = "TEST_DRAIN_GRACE_S"
HANG_AFTER: Final = "TEST_HANG_AFTER"
NEVER: Final = 1_000_000
TESTS: Final = Path(__file__).resolve().parents[3]


class Process:
    """A stage that returns an event for every chunk, and hangs with those that say so.

    What it writes is added to the error of a test that fails while it runs.

    Args:
        kafka: how to reach the broker. The process has a name, so that the next one does not have
            to wait until the group misses it.
        drain_grace_s: how long it may finish what is in flight, in seconds.
        hang_after: how many chunks it handles before it hangs with all others.
    """

    def __init__(
        self, kafka: KafkaSettings, drain_grace_s: float = 20.0, hang_after: int = NEVER
    ) -> None:
        self._kafka = kafka
        self._drain_grace_s = drain_grace_s
        self._hang_after = hang_after

    def __enter__(self) -> Self:
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (TESTS, *_roots()))),
            "KAFKA_BOOTSTRAP_SERVERS": self._kafka.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": self._kafka.topic_prefix,
            "KAFKA_SESSION_TIMEOUT_MS": str(self._kafka.session_timeout_ms),
            "KAFKA_GROUP_INSTANCE_ID": "one",
            DRAIN_GRACE: str(self._drain_grace_s),
            HANG_AFTER: str(self._hang_after),
        }
        command = [sys.executable, "-m", "integration.messaging.conformance.processes"]
        # A file: a pipe that nobody reads for a while would block the process.
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, env=env, stdout=self._output, stderr=subprocess.STDOUT
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        if error is not None:
            error.add_note(f"the process ended with {self._process.returncode}:\n{self.said}")
        self._output.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def says(self, word: str) -> None:
        """Wait until it has said something on its output."""
        await until(lambda: word in self.said, within_s=40)

    async def ended(self) -> int:
        """Wait for its end; its exit code."""
        await until(lambda: self._process.poll() is not None, within_s=40)
        return self._process.returncode

    @property
    def said(self) -> str:
        """All that it has said until now."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode()


def _roots() -> tuple[Path, ...]:
    return TESTS.parent / "libs", TESTS.parent / "services"


def stage_of_process() -> Stage:
    """The process's stage."""
    stage, numbers, hang_after = Stage(PROBE), count(), int(os.environ[HANG_AFTER])

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> NotesStored:
        if record.value == b"hang" or next(numbers) >= hang_after:
            sys.stdout.write("begun\n")
            sys.stdout.flush()
            await asyncio.Event().wait()
        if record.value == b"ignore":
            sys.stdout.write("begun\n")
            sys.stdout.flush()
            await ignore_cancellation()
        await asyncio.sleep(0.02)  # so that a signal comes in the middle
        return NotesStored(
            transcript_id=INTERVIEW,
            revision=1,
            study_id="s",
            chunk_id=derive_id("c", record.value),
        )

    return stage


async def ignore_cancellation() -> None:
    """Wait for ever, whoever asks to end it."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


if __name__ == "__main__":
    grace_s = float(os.environ[DRAIN_GRACE])
    settings = QUICK.model_copy(
        update={"max_in_flight": 2, "drain_grace_s": grace_s, "deadline_s": 3_600.0}
    )
    stage = stage_of_process()
    run_service(application_of(broker_of(stage, settings), stage))
