"""Replicas of control that end between two steps, over one index, and a broker in memory.

A step is what others see of a replica: a statement that PostgreSQL carries out, or records that are
handed to the broker. A replica may end before and after each of them, or others may act there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

import asyncpg

from contracts import headers as h
from contracts.topics import build_retry_topic
from control.domain import DeadLetterGoneError, DeadLetterPosition
from control.letters.bulk_changes import LetterBulkChanger
from control.letters.dlq_topics import DlqPartition
from control.letters.reader import DeadLetterReader, DeadLetterRecord
from control.letters.store import DeadLetterStore
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer, ReplayTimings
from control.replays.rule_runner import RuleRunner
from database.pool import Connection, Database
from messaging import KafkaUnavailableError, Publisher
from messaging.delivery import Headers, Record, split_headers

SERVICE = "enrichment"
DLQ = "enrichment-dlq"
RETRY = build_retry_topic(SERVICE, 0).name

Records = Sequence[tuple[bytes | None, bytes | None, Headers]]


class Crash(BaseException):
    """The process ends here: none of its code does anything from now on."""


@dataclass(frozen=True)
class Interruption:
    """Event between two steps of a replica.

    Attributes:
        step: number of the step, from 1, before which it happens.
        act: what others do there; None: the replica ends.
    """

    step: int
    act: Callable[[], Awaitable[None]] | None = None


class Process:
    """Process of a replica, which counts its steps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.next: Interruption | None = None
        self._steps = 0
        self._death = asyncio.Event()

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self._death.is_set()

    def end(self) -> None:
        """End it: from now on, it comes to no step."""
        self._death.set()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work, until it is done or the process ends.

        Raises:
            Crash: the process has ended, whichever of its tasks came to the step.
        """
        task, death = asyncio.create_task(work), asyncio.create_task(self._death.wait())
        await asyncio.wait((task, death), return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        while not task.done():
            # More than once: some code waits for the end of what a process does no more. But not
            # at once again: that would keep a connection from ending its transaction.
            task.cancel()
            await asyncio.wait((task,), timeout=0.2)
        if self.is_dead:
            raise Crash(self.name)
        task.result()

    def interrupt(self, interruption: Interruption | None) -> None:
        """Count steps from now on, up to an interruption."""
        self._steps, self.next = 0, interruption

    async def step(self, *, is_open: bool = False) -> None:
        """Come to a step.

        Args:
            is_open: whether a transaction is open, in which nobody else acts: it may hold locks.

        Raises:
            Crash: the process ends here, or has ended before.
        """
        if self.is_dead:
            raise Crash(self.name)
        self._steps += 1
        if self.next is None or self._steps < self.next.step or (is_open and self.next.act):
            return
        act, self.next = self.next.act, None
        if act is None:
            self.end()
            raise Crash(self.name)
        await act()


class SteppedDatabase(Database):
    """Database that is reached in steps of a process."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], process: Process) -> None:
        super().__init__(pool)
        self._process = process

    async def execute(self, query: str, *args: Any) -> str:
        return cast(str, await self._stepped(super().execute, query, *args))

    async def fetch(self, query: str, *args: Any) -> Any:
        return await self._stepped(super().fetch, query, *args)

    async def fetchrow(self, query: str, *args: Any) -> Any:
        return await self._stepped(super().fetchrow, query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        return await self._stepped(super().fetchval, query, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        await self._process.step()
        async with super().transaction() as connection:
            yield cast(Connection, _SteppedConnection(connection, self._process))
        await self._process.step()

    async def _stepped(self, run: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        await self._process.step()
        found = await run(*args)
        await self._process.step()
        return found


class _SteppedConnection:
    """Connection within a transaction."""

    def __init__(self, connection: Connection, process: Process) -> None:
        self._connection = connection
        self._process = process

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        run = getattr(self._connection, name)

        async def stepped(*args: Any, **options: Any) -> Any:
            await self._process.step(is_open=True)
            return await run(*args, **options)

        return stepped


@dataclass
class Sent:
    """Record that the broker has of a letter.

    Attributes:
        letter_id: of the letter.
        process: that sent it.
        record: as the service reads it.
        is_excused: whether the process could not say that it sent it: another one may.
    """

    letter_id: UUID
    process: Process
    record: Record
    is_excused: bool = False


Place = tuple[str, int]
"""A partition of a dead letter queue: its topic and its number."""


@dataclass
class BrokerInMemory:
    """Retry topics and dead letter queues.

    Attributes:
        sent: what was sent, in order.
        dead: records of each partition of the dead letter queues, by their offsets.
        purged: up to which offset somebody has deleted records of a partition.
        deleted: up to which offset control has.
        indexed: up to which offset control has read a partition, as its group's commits say.
        is_away: whether no broker answers.
        loses_reports: whether what it has taken is reported as an outage.
        fails_at: numbers of the next requests, from 1, at which it is away.
        reports_after_s: how long its answers take, in seconds.
    """

    sent: list[Sent] = field(default_factory=list)
    dead: defaultdict[Place, list[Record]] = field(default_factory=lambda: defaultdict(list))
    purged: dict[Place, int] = field(default_factory=dict)
    deleted: dict[Place, int] = field(default_factory=dict)
    indexed: dict[Place, int] = field(default_factory=dict)
    is_away: bool = False
    loses_reports: bool = False
    fails_at: set[int] = field(default_factory=set)
    reports_after_s: float = 0.0

    def take(self, process: Process, topic: str, records: Records) -> list[Exception | None]:
        """Take records of letters; returns their delivery reports."""
        for key, value, headers in records:
            added = dict(split_headers(headers)[1])
            letter_id = UUID(str(added[h.REPLAY_OF], "ascii"))
            record = Record(topic, 0, len(self.sent), key, value, headers, 1_000)
            self.sent.append(Sent(letter_id, process, record, is_excused=self.loses_reports))
        error = KafkaUnavailableError("no report came") if self.loses_reports else None
        return [error] * len(records)

    def set_aside(self, topic: str, partition: int, message: Record, headers: Headers) -> None:
        """Write a message to a dead letter queue, with its headers there."""
        log = self.dead[topic, partition]
        log.append(Record(topic, partition, len(log), message.key, message.value, headers, 1_000))

    def find(self, topic: str, partition: int, offset: int) -> Record | None:
        """Return a record of a dead letter queue; None if it is deleted."""
        if offset < self.begin((topic, partition)):
            return None
        return self.dead[topic, partition][offset]

    def begin(self, place: Place) -> int:
        """Return the first offset that a partition of a dead letter queue still has."""
        return max(self.purged.get(place, 0), self.deleted.get(place, 0))

    def purge(self) -> None:
        """Delete the first record of each partition that control has read, if it has."""
        for place, indexed in self.indexed.items():
            if (begin := self.begin(place)) < indexed:
                self.purged[place] = begin + 1

    def partitions(self) -> tuple[DlqPartition, ...]:
        """Return the partitions of the dead letter queues."""
        return tuple(
            DlqPartition(*place, self.begin(place), len(log), self.indexed.get(place, 0), None)
            for place, log in sorted(self.dead.items())
        )

    def require(self) -> None:
        """Raise if no broker answers.

        Raises:
            KafkaUnavailableError: none does.
        """
        if self.is_away:
            raise KafkaUnavailableError("no broker answers")


class SteppedPublisher:
    """Publisher that hands records to the broker in steps of a process."""

    def __init__(self, broker: BrokerInMemory, process: Process) -> None:
        self._broker = broker
        self._process = process

    def name(self, topic: str) -> str:
        return topic

    async def find_missing_topics(self, topics: Collection[str]) -> set[str]:
        self._broker.require()
        return set()

    async def forward(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        (error,) = await self._hand_over(topic, [(key, value, headers)])
        if error is not None:
            raise error

    async def forward_all(
        self, topic: str, records: Records
    ) -> asyncio.Future[list[Exception | None]]:
        reports = await self._hand_over(topic, records)
        report: asyncio.Future[list[Exception | None]] = asyncio.Future()
        if self._broker.reports_after_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._broker.reports_after_s, _answer, report, reports)
        else:
            report.set_result(reports)
        return report

    async def _hand_over(self, topic: str, records: Records) -> list[Exception | None]:
        await self._process.step()
        self._broker.require()
        due = 1 in self._broker.fails_at
        self._broker.fails_at = {number - 1 for number in self._broker.fails_at if number > 1}
        if due:
            raise KafkaUnavailableError("no broker answers")
        reports = self._broker.take(self._process, topic, records)
        await self._process.step()
        return reports


def _answer(report: asyncio.Future[Any], reports: list[Exception | None]) -> None:
    if not report.done():  # nobody waits for it any more
        report.set_result(reports)


class ReaderInMemory:
    """Reader of the dead letter queue in memory."""

    def __init__(self, broker: BrokerInMemory) -> None:
        self._broker = broker

    async def read(self, letter: DeadLetterPosition) -> DeadLetterRecord:
        async for (found,) in self.read_many([letter]):
            return found
        raise DeadLetterGoneError("it is gone")

    async def read_many(
        self, letters: Sequence[DeadLetterPosition]
    ) -> AsyncGenerator[list[DeadLetterRecord], None]:
        self._broker.require()
        for one in letters:
            record = self._broker.find(*one[:3])
            if record is None:
                continue
            yield [DeadLetterRecord(one, record.key, record.value, *split_headers(record.headers))]

    async def whole(self, found: DeadLetterRecord) -> DeadLetterRecord:
        return found


TIMINGS: Final = ReplayTimings(repair_pause_s=0.02)
"""How long replicas wait, if nothing else is said."""


class Replica:
    """Replica of control, which replays, repairs, and runs plans and rules as control does.

    Args:
        pool: reaches the index, for all replicas.
        broker: the same for all.
        name: for people.
        timings: how long it waits.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        broker: BrokerInMemory,
        name: str,
        timings: ReplayTimings = TIMINGS,
    ) -> None:
        self.process = Process(name)
        self.database = SteppedDatabase(pool, self.process)
        self.letters = DeadLetterStore(self.database)
        self.plans = ReplayPlanStore(self.database, self.letters)
        self.bulk = LetterBulkChanger(self.database)
        self.replayer = DeadLetterReplayer(
            self.letters,
            cast(DeadLetterReader, ReaderInMemory(broker)),
            cast(Publisher, SteppedPublisher(broker, self.process)),
            timings,
        )
        self.rules = RuleRunner(self.database, self.replayer.replay, period_s=0.0, second_s=0.0)
        self._running = AsyncExitStack()

    async def start(self) -> None:
        """Begin to repair, and to run plans."""
        runner = ReplayPlanRunner(self.plans, self.replayer, poll_s=0.02)
        await self._running.enter_async_context(self.replayer.repairing())
        await self._running.enter_async_context(runner.running())

    async def end(self) -> None:
        """End, as a process does that is killed: what it was at stays as it is."""
        self.process.end()
        await self._running.aclose()
