"""Records that a handler takes many of at once: together while all goes well, else one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from aiokafka import TopicPartition

from contracts.errors import OutageError
from contracts.topics import CHUNKS_READY
from messaging import Record, StageSettings
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.window import MAX_TOGETHER, InFlightWindow
from messaging.processing.inflight import InFlightMessage
from messaging.processing.processor import MessageProcessor
from support.stages import FunctionRoute, Stage
from support.waiting import until
from unit.messaging.test_attempts import Received
from unit.messaging.test_processor import Broker

TOPIC = CHUNKS_READY.name
P0, P1 = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
SETTINGS = StageSettings(tries=1, outage_pause_s=0.001, outage_pause_max_s=0.001)

Handler: TypeAlias = Callable[[Sequence[int]], Awaitable[None]]
"""Takes the offsets of records that are handled together."""


class Indexing:
    """A stage without dead letters whose handler takes many records, in a window of its own."""

    def __init__(
        self, handler: Handler, settings: StageSettings = SETTINGS, size: int = 1_000
    ) -> None:
        self._handler = handler
        self.calls: list[tuple[int, list[int]]] = []
        self.finished: list[int] = []
        stage = Stage("probe", dead_letters=False)
        route = FunctionRoute(TOPIC, None, self._one, wants_delivery=False, handle_many=self._many)
        stage.add(route)
        self.worker = MessageProcessor(stage, settings, Broker(), group="probe")  # type: ignore[arg-type]  # its part
        self.window = InFlightWindow(
            self.worker.work,
            size=size,
            size_bytes=1 << 30,
            by_key=False,
            read_ahead=PrefetchBudget(10_000, 1 << 30),
            may_start=lambda: not self.worker.trouble,
            batches=self.worker,
        )

    def admit(self, partition: TopicPartition, offsets: Sequence[int]) -> None:
        jobs = [
            InFlightMessage(
                Received(partition=partition.partition, offset=offset, value=b"1"),
                partition,
                TOPIC,
                None,
                self._finish,
            )
            for offset in offsets
        ]
        self.window.admit_batch(jobs)

    async def until_finished(self, number: int) -> None:
        """Wait until so many records are, and start what may be started, as the fetcher does."""

        def are_finished() -> bool:
            window = self.window
            window.fill()
            if self.worker.admits_newcomer(in_flight=window.in_flight, room=window.room):
                window.start_one()
            return len(self.finished) == number

        await until(are_finished)

    def _finish(self, job: InFlightMessage) -> None:
        self.finished.append(job.received.offset)
        self.window.mark_settled(job)

    async def _one(self, record: Record) -> None:
        await self._many([record])

    async def _many(self, records: Sequence[Record]) -> None:
        offsets = [record.offset for record in records]
        self.calls.append((records[0].partition, offsets))
        assert {record.partition for record in records} == {records[0].partition}
        await self._handler(offsets)


async def do_nothing(_: Sequence[int]) -> None:
    await asyncio.sleep(0)


async def test_records_of_one_partition_that_are_ready_are_handled_together_in_order() -> None:
    indexing = Indexing(do_nothing)
    indexing.admit(P0, range(100))
    indexing.admit(P1, range(100, 150))
    await indexing.until_finished(150)
    assert indexing.calls == [(0, [*range(100)]), (1, [*range(100, 150)])]
    assert indexing.window.in_flight == 0


async def test_there_are_never_more_together_than_the_most() -> None:
    indexing = Indexing(do_nothing)
    indexing.admit(P0, range(2 * MAX_TOGETHER + 3))
    await indexing.until_finished(2 * MAX_TOGETHER + 3)
    assert [len(offsets) for _, offsets in indexing.calls] == [MAX_TOGETHER, MAX_TOGETHER, 3]


async def test_the_window_s_size_holds_for_records_that_are_handled_together() -> None:
    indexing = Indexing(do_nothing, size=10)
    indexing.admit(P0, range(25))
    await indexing.until_finished(25)
    assert [len(offsets) for _, offsets in indexing.calls] == [10, 10, 5]


async def test_one_that_fails_keeps_none_of_the_others_from_being_handled() -> None:
    async def refuse_seven(offsets: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if 7 in offsets:
            raise ValueError("seven")

    indexing = Indexing(refuse_seven)
    indexing.admit(P0, range(20))
    await indexing.until_finished(19)
    assert 7 not in indexing.finished, "without a DLQ it stays, and is tried again"
    await until(lambda: [one for _, one in indexing.calls].count([7]) > 2)
    # It holds up nobody who comes later.
    indexing.admit(P0, range(20, 40))
    await indexing.until_finished(39)
    await indexing.window.cancel(None)
    await indexing.worker.close()


async def test_an_outage_closes_the_gate_once_and_all_are_handled_when_it_is_over() -> None:
    is_away = True

    async def store(_: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if is_away:
            raise OutageError("the database is away")

    indexing = Indexing(store)
    indexing.admit(P0, range(200))
    await until(lambda: len(indexing.calls) > 3)
    assert "the database is away" in indexing.worker.trouble
    assert indexing.calls[0] == (0, [*range(200)])
    # One probe at a time, and not 200.
    assert all(len(offsets) == 1 for _, offsets in indexing.calls[1:])
    is_away = False
    await indexing.until_finished(200)
    assert not indexing.worker.trouble
    indexing.admit(P0, range(200, 300))
    await indexing.until_finished(300)
    assert indexing.calls[-1] == (0, [*range(200, 300)]), "they go together again"


async def test_a_call_that_takes_longer_than_the_deadline_is_given_up_and_made_one_by_one() -> None:
    async def hang_on_many(offsets: Sequence[int]) -> None:
        await asyncio.sleep(3_600 if len(offsets) > 1 else 0)

    settings = StageSettings(tries=1, deadline_s=0.05, outage_pause_s=0.001)
    indexing = Indexing(hang_on_many, settings)
    indexing.admit(P0, range(5))
    await indexing.until_finished(5)
    assert sorted(offsets for _, offsets in indexing.calls[1:]) == [[0], [1], [2], [3], [4]]


async def test_a_cancellation_that_the_handler_made_up_is_a_failure() -> None:
    async def cancel(offsets: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if len(offsets) > 1:
            raise asyncio.CancelledError

    indexing = Indexing(cancel)
    indexing.admit(P0, range(5))
    await indexing.until_finished(5)


async def test_a_partition_that_goes_takes_its_records_along_and_leaves_the_others_alone() -> None:
    release = asyncio.Event()

    async def wait(_: Sequence[int]) -> None:
        await release.wait()

    indexing = Indexing(wait)
    indexing.admit(P0, range(50))
    indexing.admit(P1, range(50, 60))
    await until(lambda: len(indexing.calls) == 2)
    assert indexing.window.in_flight == 60
    await indexing.window.cancel([P0])
    assert indexing.window.in_flight == 10
    release.set()
    await indexing.until_finished(10)
    assert indexing.finished == [*range(50, 60)]
    # Delivered again, as after a rebalance.
    indexing.admit(P0, range(50))
    await indexing.until_finished(60)
    assert indexing.window.in_flight == 0
