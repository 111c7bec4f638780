"""A service as a process of its own, and what it says of itself over HTTP and in its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from support.broker import free_port
from support.http_client import http_client
from support.waiting import until

READY_WITHIN_S: Final = 60.0
LINES_SHOWN: Final = 50
"""So much of its log is shown if a test fails."""


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running service.

    Attributes:
        port: where it tells whether it is ready.
        log: what it writes.
        pid: its process.
    """

    port: int
    log: Path
    pid: int

    async def readiness(self) -> tuple[int, str] | None:
        """Status and reason of ``/readyz``; None while nothing listens."""
        try:
            async with http_client() as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx2.TransportError:
            return None
        return answer.status_code, str(answer.json()["reason"])

    async def waits_for(self, words: str) -> str:
        """Wait until it is unready for a reason with these words; the whole reason."""

        async def look() -> str | None:
            text = await self.readiness()
            return text[1] if text and text[0] == 503 and words in text[1] else None

        try:
            return str(await until(look, within_s=READY_WITHIN_S))
        except AssertionError:
            raise AssertionError(f"not {words!r} but {await self.readiness()}") from None

    async def is_ready(self) -> None:
        async def look() -> bool:
            return await self.readiness() == (200, "")

        try:
            await until(look, within_s=READY_WITHIN_S)
        except AssertionError:
            raise AssertionError(f"not ready but {await self.readiness()}") from None

    def peak_mib(self) -> int:
        """The most memory it was resident in so far (Linux), in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) // 1024

    def written(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def events(self) -> list[dict[str, Any]]:
        """Its log so far, line by line."""
        return [json.loads(line) for line in self.written().splitlines()]


@contextmanager
def service_process(
    name: str, env: Mapping[str, str], folder: Path, *, stop_within_s: float = 40.0
) -> Iterator[ServiceProcess]:
    """Run a service with settings of its own until the context ends; it has to end with 0.

    The end of its log is added to the error of a test that fails while it runs.
    """
    port, log = free_port(), folder / f"{name}.log"
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("KAFKA_", "POSTGRES_"))
    }
    own = {f"{name.upper()}_HTTP_PORT": str(port), "PYTHONPATH": os.pathsep.join(sys.path)}
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", name], env=inherited | own | dict(env), stderr=out
        )
        try:
            yield ServiceProcess(port, log, process.pid)
            process.terminate()
            assert process.wait(timeout=stop_within_s) == 0
        except BaseException as error:
            lines = log.read_text(encoding="utf-8").splitlines()[-LINES_SHOWN:]
            error.add_note("\n".join((f"the end of the log of {name}:", *lines)))
            raise
        finally:
            process.kill()
            process.wait()
