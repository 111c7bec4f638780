"""The replicas of a round: started, stopped, killed, and restarted after a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from local_stack.processes import get_exit_code, start_process
from support.waiting import eventually, until

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHONPATH: Final = os.pathsep.join(str(ROOT / name) for name in ("libs", "services", "tests"))
STOP_TIMEOUT_S: Final = 30.0
LOOK_EVERY_S: Final = 0.05


class Replica:
    """One slot in the group, and the process in it, if any.

    The process ends when this one does, in whatever way (Linux).

    Args:
        name: the group instance id, and the stem of its log's name.
        env: of the process, without the instance id.
        folder: where its log goes.
        static: whether it uses its name as group instance id.
    """

    def __init__(self, name: str, env: Mapping[str, str], folder: Path, *, static: bool) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._env = {**env, "KAFKA_GROUP_INSTANCE_ID": name if static else ""}
        self.pid: int | None = None
        self._exit_code: int | None = None
        self.wanted = False
        self.starts = 0

    def start(self) -> None:
        """Start a process in this place."""
        self.wanted, self.starts = True, self.starts + 1
        self._exit_code = None
        self.pid = start_process(
            [sys.executable, "-m", "chaos.worker"],
            env={**os.environ, "PYTHONPATH": PYTHONPATH, **self._env},
            log=self.log,
            die_with_us=signal.SIGKILL,
            record=lambda _: None,  # nobody else has to find it
        ).pid

    @property
    def exit_code(self) -> int | None:
        """What its last process ended with; None while it runs or before there is one."""
        if self._exit_code is None and self.pid is not None:
            self._exit_code = get_exit_code(self.pid)
        return self._exit_code

    @property
    def runs(self) -> bool:
        """Whether it has a process that has not ended."""
        return self.pid is not None and self.exit_code is None

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal, if that is still there."""
        if self.pid is not None and self.runs:  # so nobody else can have its pid
            os.kill(self.pid, number)

    async def leave(self) -> None:
        """Stop it as an operator would, and see that it ends well."""
        self.wanted = False
        self.send(signal.SIGTERM)
        await until(lambda: self.exit_code is not None, within_s=STOP_TIMEOUT_S)
        # Before a process listens to signals, SIGTERM ends it as any program.
        assert self.exit_code in {0, -signal.SIGTERM, -signal.SIGKILL}, self.exit_code

    def end(self) -> None:
        """End its process at once, whatever state it is in."""
        self.wanted = False
        self.send(signal.SIGKILL)
        eventually(lambda: not self.runs)


class Replicas:
    """All slots of a round's group; crashed ones are restarted.

    A death other than by SIGKILL is nobody's doing but the worker's own: it fails the round.
    """

    def __init__(self, env: Mapping[str, str], folder: Path, *, static: bool) -> None:
        self._env = env
        self._folder = folder
        self._static = static
        self.all: list[Replica] = []

    def join(self) -> Replica:
        """One more replica."""
        name = f"replica-{len(self.all) + 1}"
        replica = Replica(name, self._env, self._folder, static=self._static)
        replica.start()
        self.all.append(replica)
        return replica

    @property
    def present(self) -> list[Replica]:
        """Those that are wanted."""
        return [replica for replica in self.all if replica.wanted]

    async def keep(self) -> None:
        """Start again whoever was killed, until cancelled.

        Raises:
            AssertionError: one ended in another way.
        """
        while True:
            for replica in self.present:
                if (code := replica.exit_code) is not None:
                    assert code == -signal.SIGKILL, f"{replica.name} ended by itself: {code}"
                    replica.start()
            await asyncio.sleep(LOOK_EVERY_S)

    async def leave(self) -> None:
        """Stop all that are present, as a deployment that is taken down does."""
        await asyncio.gather(*(replica.leave() for replica in self.present))

    async def tell_states(self) -> None:
        """Have all that still run write their state to their logs."""
        before = {replica: replica.log.stat().st_size for replica in self.present}
        for replica in before:
            replica.send(signal.SIGUSR1)
        with suppress(AssertionError):
            await until(
                lambda: all(one.log.stat().st_size > size for one, size in before.items()),
                within_s=3,
            )

    def end(self) -> None:
        """End everything at once."""
        for replica in self.all:
            replica.end()
