"""One chaos round: messages, replicas that crash at their points, and faults from outside."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from chaos.books import Books
from chaos.plan import Plan, Trouble
from chaos.replicas import Replica, Replicas
from chaos.surroundings import environment
from chaos.worker import OUTAGE, REFUSALS
from messaging.kafka.admin import wait_for_broker
from support.apache_kafka import ApacheKafka
from support.broker import Bench, RestartableBroker
from support.containers import KafkaContainer
from support.waiting import until

BATCH: Final = 30
REPLICAS: Final = 2
ASK_EVERY_S: Final = 0.5
SEND_EVERY_S: Final = 2.0
PATIENCE_S: Final = 30.0
"""How long anything may take that a round waits for."""


class Round:
    """A running chaos round.

    Args:
        plan: what happens.
        bench: its topics.
        broker: for the trouble that is the broker's.
        folder: for effects, logs and notes of crashes.
        static: whether replicas have group instance ids.
        sturdy: whether the broker keeps what it acknowledges when it is stopped, and its groups
            get over a leader that is gone. The embedded one does neither (ran): it loses the
            last few records, and waits for that leader's assignment for ever.
    """

    def __init__(
        self,
        plan: Plan,
        bench: Bench,
        broker: RestartableBroker,
        folder: Path,
        *,
        static: bool,
        sturdy: bool,
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.books = Books(bench, plan, folder)
        self._broker = broker
        self._sturdy = sturdy
        self._session_s = bench.kafka.session_timeout_ms / 1000
        self._ask_at = 0.0
        self._send_at = 0.0
        self._began = time.monotonic()
        self._chance = Random(f"{plan.seed}/trouble")
        env = environment(plan, bench.kafka, folder)
        self.replicas = Replicas(env, folder, static=static)

    async def run(self) -> None:
        """Make the trouble, wait until all is settled, and balance the books.

        Raises:
            AssertionError: a promise was broken.
        """
        await self.books.send(BATCH)
        try:
            for _ in range(REPLICAS):
                self.replicas.join()
            keeping = asyncio.create_task(self.replicas.keep())
            playing = asyncio.create_task(self._play())
            try:
                await asyncio.wait([keeping, playing], return_when=asyncio.FIRST_COMPLETED)
                (keeping if keeping.done() else playing).result()
            finally:
                keeping.cancel()
                playing.cancel()
                await asyncio.gather(keeping, playing, return_exceptions=True)
            await self.replicas.leave()
            self._tell("all have left")
        except AssertionError:
            await self.replicas.tell_states()
            raise
        finally:
            self.replicas.end()
        assert await self.books.settled(), "something was left behind at the end"
        await self.books.balance()
        self._tell(f"{len(self.books.sent)} messages are accounted for")

    def _tell(self, what: str) -> None:
        """Note when things happened; pytest shows it if the round fails."""
        sys.stdout.write(f"{time.monotonic() - self._began:5.1f} s {what}\n")

    async def _play(self) -> None:
        await self._progress(3)
        self._tell("first effects")
        await self.books.send(BATCH)
        await self._trouble()
        self._tell("the trouble is over")
        await self.books.send(BATCH)
        await until(self._settled_while_more_comes, within_s=PATIENCE_S)
        self._tell("all is settled")
        for point in self.plan.due:
            assert (self.folder / point).exists(), f"the crash {point} did not happen"

    async def _progress(self, number: int) -> None:
        """Wait for so many more effects, or until nothing is left to do."""
        wanted = len(self.books.effects()) + number

        async def look() -> bool:
            return len(self.books.effects()) >= wanted or await self._settled()

        await until(look, within_s=PATIENCE_S)

    async def _settled(self) -> bool:
        """As the books say, without taking the machine from those who work."""
        now = asyncio.get_running_loop().time()
        if now < self._ask_at:
            return False
        settled = await self.books.settled()
        self._ask_at = asyncio.get_running_loop().time() + ASK_EVERY_S
        return settled

    async def _settled_while_more_comes(self) -> bool:
        """Whether all is settled; if not, send a message: a poison alone may be an outage."""
        settled = await self._settled()
        now = asyncio.get_running_loop().time()
        if not settled and now >= self._send_at:
            await self.books.send(1)
            self._send_at = now + SEND_EVERY_S
        return settled

    async def _trouble(self) -> None:
        match self.plan.trouble:
            case Trouble.KILLS:
                await self._kills()
            case Trouble.STOP:
                await self._stop_and_go_on()
            case Trouble.STORM:
                await self._storm()
            case Trouble.BROKER_RESTART:
                await self._restart_broker(self._broker.stop)
            case Trouble.BROKER_KILL:
                # The embedded broker has no promise to keep when it is killed.
                broker = self._broker
                kill = (
                    broker.kill if isinstance(broker, ApacheKafka | KafkaContainer) else broker.stop
                )
                await self._restart_broker(kill)
            case Trouble.OUTAGE:
                await self._outage()

    async def _kills(self) -> None:
        for _ in range(3):
            await self._progress(self._chance.randint(1, 12))
            self._chance.choice(self.replicas.present).send(signal.SIGKILL)
            self._tell("killed one")
            await self.books.send(BATCH // 3)

    async def _stop_and_go_on(self) -> None:
        await self._progress(self._chance.randint(1, 12))
        stopped = self._chance.choice(self.replicas.present)
        stopped.send(signal.SIGSTOP)
        self._tell(f"{stopped.name} is stopped")
        await self.books.send(BATCH // 2)
        if self._sturdy:
            # Only once the group has given its partitions to others can everything be settled.
            await until(self._settled, within_s=PATIENCE_S)
        else:
            clock = asyncio.get_running_loop().time
            forgotten_at = clock() + 1.5 * self._session_s
            await until(lambda: clock() > forgotten_at)
        stopped.send(signal.SIGCONT)
        self._tell(f"{stopped.name} goes on")

    async def _storm(self) -> None:
        changes = ["join"] * 3 + ["leave"] * 3 + ["kill"] * 2
        self._chance.shuffle(changes)
        leaving = []
        for change in changes:
            self._tell(change)
            present = self.replicas.present
            if change == "join" or len(present) == 1:
                self.replicas.join()
            elif change == "kill":
                self._chance.choice(present).send(signal.SIGKILL)
            else:
                leaving.append(asyncio.create_task(self._leave(self._chance.choice(present))))
            await self.books.send(BATCH // 6)
            await self._progress(self._chance.randint(0, 6))
        await asyncio.gather(*leaving)

    async def _leave(self, replica: Replica) -> None:
        await replica.leave()
        if not self._sturdy:
            replica.start()

    async def _outage(self) -> None:
        await self._progress(self._chance.randint(1, 12))
        down = self.folder / OUTAGE
        down.touch()
        self._tell("the outage begins")
        await self.books.send(BATCH)
        await until(self._all_refused, within_s=PATIENCE_S)
        self._chance.choice(self.replicas.present).send(signal.SIGKILL)
        # Who waits for the outage to end loses what it waits with, once it has to share anew.
        self.replicas.join()
        await until(self._all_refused, within_s=PATIENCE_S)
        down.unlink()

    def _all_refused(self) -> bool:
        """Whether every process has found the dependency down."""
        refusals = self.folder / REFUSALS
        refused = (
            {int(pid) for pid in refusals.read_text("ascii").split()}
            if refusals.exists()
            else set()
        )
        return all(replica.runs and replica.pid in refused for replica in self.replicas.present)

    async def _restart_broker(self, end: Callable[[], None]) -> None:
        await self._progress(self._chance.randint(1, 12))
        await self.books.send(BATCH // 2)
        held = [] if self._sturdy else list(self.replicas.present)
        for replica in held:
            # The embedded broker forgets what it acknowledged just before it ended (ran).
            replica.send(signal.SIGSTOP)
        if held:
            await until(self.books.unchanged)
        self._tell("the broker is about to end")
        await asyncio.to_thread(end)
        self._tell("the broker has ended")
        await asyncio.to_thread(self._broker.start)
        await wait_for_broker(self.books.kafka, PATIENCE_S)
        self._tell("the broker is back")
        for replica in held:
            replica.send(signal.SIGCONT)
