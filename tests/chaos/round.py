"""One round: messages, replicas that die of their crash points, and trouble from outside."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Final

from chaos.books import Books
from chaos.crashes import due_to_text
from chaos.fates import TIERS, TRIES
from chaos.plan import Plan, Trouble
from chaos.replicas import Replicas
from chaos.worker import CRASHES, FOLDER, SEED
from messaging.admin import wait_for_broker
from support.broker import Bench, RestartableBroker
from support.waiting import until

BATCH: Final = 30
REPLICAS: Final = 2
ASK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 30.0
"""How long anything may take that a round waits for."""


class Round:
    """A round in the making.

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
        self._chance = Random(f"{plan.seed}/trouble")
        env = {
            SEED: plan.seed,
            FOLDER: str(folder),
            CRASHES: due_to_text(plan.due),
            **_stage_env(bench, plan),
        }
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
        except AssertionError:
            await self.replicas.tell_states()
            raise
        finally:
            self.replicas.end()
        assert await self.books.settled(), "something was left behind at the end"
        await self.books.balance()

    async def _play(self) -> None:
        await self._progress(3)
        await self.books.send(BATCH)
        await self._trouble()
        await self.books.send(BATCH)
        await until(self._settled, within_s=PATIENCE_S)
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

    async def _trouble(self) -> None:
        match self.plan.trouble:
            case Trouble.KILLS:
                await self._kills()
            case Trouble.STOP:
                await self._stop_and_go_on()
            case Trouble.STORM:
                await self._storm()
            case Trouble.BROKER:
                await self._restart_broker()

    async def _kills(self) -> None:
        for _ in range(3):
            await self._progress(self._chance.randint(1, 12))
            self._chance.choice(self.replicas.present).send(signal.SIGKILL)
            await self.books.send(BATCH // 3)

    async def _stop_and_go_on(self) -> None:
        await self._progress(self._chance.randint(1, 12))
        stopped = self._chance.choice(self.replicas.present)
        stopped.send(signal.SIGSTOP)
        await self.books.send(BATCH // 2)
        if self._sturdy:
            # Only once the group has given its partitions to others can everything be settled.
            await until(self._settled, within_s=PATIENCE_S)
        else:
            clock = asyncio.get_running_loop().time
            forgotten_at = clock() + 1.5 * self._session_s
            await until(lambda: clock() > forgotten_at)
        stopped.send(signal.SIGCONT)

    async def _storm(self) -> None:
        for joins in (True, True, False, True, False, False):
            if joins:
                self.replicas.join()
            else:
                leaving = self._chance.choice(self.replicas.present)
                await leaving.leave()
                if not self._sturdy:
                    leaving.start()
            await self.books.send(BATCH // 5)
            await self._progress(self._chance.randint(0, 6))

    async def _restart_broker(self) -> None:
        await self._progress(self._chance.randint(1, 12))
        held = [] if self._sturdy else list(self.replicas.present)
        for replica in held:
            # The embedded broker forgets what it acknowledged just before it ended (ran).
            replica.send(signal.SIGSTOP)
        if held:
            await until(self.books.unchanged)
        await asyncio.to_thread(self._broker.stop)
        await asyncio.to_thread(self._broker.start)
        await wait_for_broker(self.books.kafka, PATIENCE_S)
        for replica in held:
            replica.send(signal.SIGCONT)


def _stage_env(bench: Bench, plan: Plan) -> dict[str, str]:
    """What the stage of a round is set to: quick, but no quicker than the machine."""
    stage = {
        "MAX_IN_FLIGHT": "6",
        "ORDER": plan.order,
        "DEADLINE_S": "90",
        "TRIES": str(TRIES),
        "RETRY_WAIT_S": "0.01",
        "RETRY_DELAYS_S": ",".join(["0.2", "0.4"][:TIERS]),
        "STOP_WINDOW": "100000",
        "COMMIT_INTERVAL_S": "0.1",
        "DRAIN_GRACE_S": "5",
        "REVOKE_DRAIN_S": "1",
        "OUTAGE_PAUSE_S": "0.1",
        "OUTAGE_PAUSE_MAX_S": "0.5",
    }
    kafka = bench.kafka
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": str(kafka.session_timeout_ms),
        "KAFKA_REBALANCE_TIMEOUT_MS": "5000",
        "KAFKA_IDLE_PAUSE_MS": str(kafka.idle_pause_ms),
        **{f"PROBE_{name}": value for name, value in stage.items()},
    }
