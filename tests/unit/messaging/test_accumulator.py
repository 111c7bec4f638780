from __future__ import annotations

import asyncio
from random import Random

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from messaging.producer.accumulator import RecordAccumulator, RecordBatch, build_delivery_callback

ROOM = 200
"""Bytes a batch takes; the values are some tens of them."""

To = tuple[str, int]
P0: To = ("notes-drafted", 0)
P1: To = ("notes-drafted", 1)


class RefusedError(Exception):
    """The broker's answer."""


class Broker:
    """Takes batches, and answers when it is reports to."""

    def __init__(self, *, room: int = ROOM) -> None:
        self._room = room
        self.accumulator = RecordAccumulator(self._send_batch, self.new_batch)
        self.in_flight: list[To] = []
        self.most_in_flight: dict[To, int] = {}
        self.received: list[tuple[To, list[bytes]]] = []
        self.error: Exception | None = None
        self.answers = asyncio.Event()

    def new_batch(self) -> RecordBatch:
        return RecordBatch(BatchBuilder(self._room, 0))

    async def _send_batch(self, to: To, batch: RecordBatch) -> Exception | None:
        self.in_flight.append(to)
        self.most_in_flight[to] = max(self.most_in_flight.get(to, 0), self.in_flight.count(to))
        self.received.append((to, values_of(batch)))
        await self.answers.wait()
        self.in_flight.remove(to)
        return self.error

    def values(self, to: To) -> list[bytes]:
        return [value for there, values in self.received if there == to for value in values]


def values_of(batch: RecordBatch) -> list[bytes]:
    """What the broker would read, by aiokafka's own parser."""
    records, found = MemoryRecords(bytes(batch.builder._build())), []  # type: ignore[attr-defined]  # aiokafka's own builder
    while records.has_next():
        found += [record.value for record in records.next_batch()]
    return found


class Reports:
    """A delivery callback that collects its reports."""

    def __init__(self) -> None:
        self.errors: list[Exception | None] = []

    def __call__(self, error: Exception | None) -> None:
        self.errors.append(error)


async def test_records_appended_at_once_share_a_batch_and_are_reported_together() -> None:
    broker, reports = Broker(room=10_000), Reports()
    for number in range(5):
        broker.accumulator.append(P0, None, b"%d" % number, [], reports)
    assert broker.accumulator.unacknowledged == 5
    await asyncio.sleep(0)
    assert (broker.received, reports.errors) == ([(P0, [b"0", b"1", b"2", b"3", b"4"])], [])
    broker.answers.set()
    await broker.accumulator.flush()
    assert (reports.errors, broker.accumulator.unacknowledged) == ([None] * 5, 0)


async def test_records_appended_while_a_batch_is_in_flight_go_into_the_next() -> None:
    broker, reports = Broker(room=10_000), Reports()
    broker.accumulator.append(P0, None, b"first", [], reports)
    await asyncio.sleep(0)
    broker.accumulator.append(P0, None, b"second", [], reports)
    broker.accumulator.append(P0, None, b"third", [], reports)
    await asyncio.sleep(0)
    assert broker.received == [(P0, [b"first"])]
    broker.answers.set()
    await broker.accumulator.flush()
    assert broker.received == [(P0, [b"first"]), (P0, [b"second", b"third"])]


async def test_partitions_do_not_wait_for_each_other() -> None:
    broker = Broker()
    broker.accumulator.append(P0, None, b"a", [], Reports())
    broker.accumulator.append(P1, None, b"b", [], Reports())
    await asyncio.sleep(0)
    assert sorted(broker.in_flight) == [P0, P1]
    broker.answers.set()
    await broker.accumulator.flush()


@pytest.mark.parametrize("seed", range(5))
async def test_each_partition_gets_everything_once_in_order_one_batch_at_a_time(seed: int) -> None:
    random, broker = Random(seed), Broker()
    broker.answers.set()
    expected: dict[To, list[bytes]] = {P0: [], P1: []}
    reports = Reports()
    for number in range(300):
        to = random.choice((P0, P1))
        value = b"%d" % number * random.randint(1, 30)
        alone = broker.new_batch() if random.random() < 0.1 else None
        broker.accumulator.append(to, None, value, [], reports, alone=alone)
        expected[to].append(value)
        if random.random() < 0.3:
            await asyncio.sleep(0)
    await broker.accumulator.flush()
    assert {to: broker.values(to) for to in expected} == expected
    assert broker.most_in_flight == {P0: 1, P1: 1}
    assert reports.errors == [None] * 300


async def test_a_record_larger_than_a_batch_is_sent_alone() -> None:
    broker = Broker()
    broker.answers.set()
    large = b"x" * 10 * ROOM
    for value in (b"before", large, b"after"):
        broker.accumulator.append(P0, None, value, [], Reports())
    await broker.accumulator.flush()
    assert [values for _, values in broker.received] == [[b"before"], [large], [b"after"]]


async def test_a_record_asked_to_be_alone_has_a_batch_of_its_own() -> None:
    broker = Broker(room=10_000)
    broker.answers.set()
    broker.accumulator.append(P0, None, b"before", [], Reports())
    broker.accumulator.append(P0, None, b"alone", [], Reports(), alone=broker.new_batch())
    broker.accumulator.append(P0, None, b"after", [], Reports())
    await broker.accumulator.flush()
    assert [values for _, values in broker.received] == [[b"before"], [b"alone"], [b"after"]]


async def test_an_error_is_reported_to_all_records_of_its_batch_and_to_no_others() -> None:
    broker, first, second = Broker(room=10_000), Reports(), Reports()

    def mend(error: Exception | None) -> None:
        first(error)
        broker.error = None

    broker.accumulator.append(P0, None, b"a", [], first)
    broker.accumulator.append(P0, None, b"b", [], mend)
    await asyncio.sleep(0)
    broker.accumulator.append(P0, None, b"c", [], second)
    refused = broker.error = RefusedError()
    broker.answers.set()
    await broker.accumulator.flush()
    assert (first.errors, second.errors) == ([refused, refused], [None])


async def test_a_callback_may_append_the_record_again() -> None:
    broker, done = Broker(), Reports()
    broker.error = RefusedError()
    broker.answers.set()

    def again(error: Exception | None) -> None:
        assert isinstance(error, RefusedError)
        broker.error = None
        broker.accumulator.append(P0, None, b"again", [], done)

    broker.accumulator.append(P0, None, b"once", [], again)
    await broker.accumulator.flush()
    assert (broker.values(P0), done.errors) == ([b"once", b"again"], [None])


async def test_a_callback_that_raises_does_not_keep_others_from_being_called() -> None:
    broker, reports = Broker(room=10_000), Reports()
    broker.answers.set()

    def fail(_: Exception | None) -> None:
        raise ZeroDivisionError

    broker.accumulator.append(P0, None, b"a", [], fail)
    broker.accumulator.append(P0, None, b"b", [], reports)
    await broker.accumulator.flush()
    broker.accumulator.append(P0, None, b"c", [], reports)
    await broker.accumulator.flush()
    assert reports.errors == [None, None]


async def test_abandon_fails_each_unacknowledged_record_once() -> None:
    broker, reports = Broker(), Reports()
    for number in range(50):
        broker.accumulator.append(P0, None, b"%d" % number * 20, [], reports)
    await asyncio.sleep(0)
    abandoned = RefusedError()
    broker.accumulator.abandon(abandoned)
    broker.answers.set()
    await broker.accumulator.flush()
    assert (reports.errors, broker.accumulator.unacknowledged) == ([abandoned] * 50, 0)


async def test_a_cancelled_future_is_left_cancelled() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    build_delivery_callback(future)(RefusedError())
    assert future.cancelled()


async def test_a_record_appended_after_abandon_fails_at_once() -> None:
    broker, reports = Broker(), Reports()
    broker.accumulator.append(P0, None, b"before", [], reports)
    abandoned = RefusedError()
    broker.accumulator.abandon(abandoned)
    broker.accumulator.append(P0, None, b"after", [], reports)
    assert (reports.errors, broker.accumulator.unacknowledged) == ([abandoned, abandoned], 0)
