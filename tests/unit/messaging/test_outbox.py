from __future__ import annotations

import asyncio
from random import Random

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from messaging.producer.accumulator import Batch, Outbox, told_of

ROOM = 200
"""Bytes a batch takes; the values are some tens of them."""

To = tuple[str, int]
P0: To = ("notes-drafted", 0)
P1: To = ("notes-drafted", 1)


class RefusedError(Exception):
    """The broker's answer."""


class Broker:
    """Takes batches, and answers when it is told to."""

    def __init__(self, *, room: int = ROOM) -> None:
        self._room = room
        self.outbox = Outbox(self._submit, self.new_batch)
        self.under_way: list[To] = []
        self.most_under_way: dict[To, int] = {}
        self.received: list[tuple[To, list[bytes]]] = []
        self.error: Exception | None = None
        self.answers = asyncio.Event()

    def new_batch(self) -> Batch:
        return Batch(BatchBuilder(self._room, 0))

    async def _submit(self, to: To, batch: Batch) -> Exception | None:
        self.under_way.append(to)
        self.most_under_way[to] = max(self.most_under_way.get(to, 0), self.under_way.count(to))
        self.received.append((to, values_of(batch)))
        await self.answers.wait()
        self.under_way.remove(to)
        return self.error

    def values(self, to: To) -> list[bytes]:
        return [value for there, values in self.received if there == to for value in values]


def values_of(batch: Batch) -> list[bytes]:
    """What the broker would read, by aiokafka's own parser."""
    records, found = MemoryRecords(bytes(batch.builder._build())), []  # type: ignore[attr-defined]  # aiokafka's own builder
    while records.has_next():
        found += [record.value for record in records.next_batch()]
    return found


class Told:
    """Collects what senders are told."""

    def __init__(self) -> None:
        self.errors: list[Exception | None] = []

    def __call__(self, error: Exception | None) -> None:
        self.errors.append(error)


async def test_what_is_put_at_once_travels_together_and_is_told_together() -> None:
    broker, told = Broker(room=10_000), Told()
    for number in range(5):
        broker.outbox.put(P0, None, b"%d" % number, [], told)
    assert broker.outbox.owed == 5
    await asyncio.sleep(0)
    assert (broker.received, told.errors) == ([(P0, [b"0", b"1", b"2", b"3", b"4"])], [])
    broker.answers.set()
    await broker.outbox.flush()
    assert (told.errors, broker.outbox.owed) == ([None] * 5, 0)


async def test_what_comes_while_a_batch_is_on_its_way_waits_for_the_next() -> None:
    broker, told = Broker(room=10_000), Told()
    broker.outbox.put(P0, None, b"first", [], told)
    await asyncio.sleep(0)
    broker.outbox.put(P0, None, b"second", [], told)
    broker.outbox.put(P0, None, b"third", [], told)
    await asyncio.sleep(0)
    assert broker.received == [(P0, [b"first"])]
    broker.answers.set()
    await broker.outbox.flush()
    assert broker.received == [(P0, [b"first"]), (P0, [b"second", b"third"])]


async def test_partitions_do_not_wait_for_each_other() -> None:
    broker = Broker()
    broker.outbox.put(P0, None, b"a", [], Told())
    broker.outbox.put(P1, None, b"b", [], Told())
    await asyncio.sleep(0)
    assert sorted(broker.under_way) == [P0, P1]
    broker.answers.set()
    await broker.outbox.flush()


@pytest.mark.parametrize("seed", range(5))
async def test_each_partition_gets_everything_once_in_order_one_batch_at_a_time(seed: int) -> None:
    chance, broker = Random(seed), Broker()
    broker.answers.set()
    expected: dict[To, list[bytes]] = {P0: [], P1: []}
    told = Told()
    for number in range(300):
        to = chance.choice((P0, P1))
        value = b"%d" % number * chance.randint(1, 30)
        alone = broker.new_batch() if chance.random() < 0.1 else None
        broker.outbox.put(to, None, value, [], told, alone=alone)
        expected[to].append(value)
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    await broker.outbox.flush()
    assert {to: broker.values(to) for to in expected} == expected
    assert broker.most_under_way == {P0: 1, P1: 1}
    assert told.errors == [None] * 300


async def test_a_record_larger_than_a_batch_still_travels() -> None:
    broker = Broker()
    broker.answers.set()
    large = b"x" * 10 * ROOM
    for value in (b"before", large, b"after"):
        broker.outbox.put(P0, None, value, [], Told())
    await broker.outbox.flush()
    assert [values for _, values in broker.received] == [[b"before"], [large], [b"after"]]


async def test_a_record_that_is_to_be_alone_is() -> None:
    broker = Broker(room=10_000)
    broker.answers.set()
    broker.outbox.put(P0, None, b"before", [], Told())
    broker.outbox.put(P0, None, b"alone", [], Told(), alone=broker.new_batch())
    broker.outbox.put(P0, None, b"after", [], Told())
    await broker.outbox.flush()
    assert [values for _, values in broker.received] == [[b"before"], [b"alone"], [b"after"]]


async def test_an_error_is_told_to_all_of_its_batch_and_to_no_others() -> None:
    broker, first, second = Broker(room=10_000), Told(), Told()

    def mend(error: Exception | None) -> None:
        first(error)
        broker.error = None

    broker.outbox.put(P0, None, b"a", [], first)
    broker.outbox.put(P0, None, b"b", [], mend)
    await asyncio.sleep(0)
    broker.outbox.put(P0, None, b"c", [], second)
    refused = broker.error = RefusedError()
    broker.answers.set()
    await broker.outbox.flush()
    assert (first.errors, second.errors) == ([refused, refused], [None])


async def test_whoever_is_told_may_put_the_record_again() -> None:
    broker, done = Broker(), Told()
    broker.error = RefusedError()
    broker.answers.set()

    def again(error: Exception | None) -> None:
        assert isinstance(error, RefusedError)
        broker.error = None
        broker.outbox.put(P0, None, b"again", [], done)

    broker.outbox.put(P0, None, b"once", [], again)
    await broker.outbox.flush()
    assert (broker.values(P0), done.errors) == ([b"once", b"again"], [None])


async def test_one_who_fails_when_told_keeps_nobody_from_being_told() -> None:
    broker, told = Broker(room=10_000), Told()
    broker.answers.set()

    def fail(_: Exception | None) -> None:
        raise ZeroDivisionError

    broker.outbox.put(P0, None, b"a", [], fail)
    broker.outbox.put(P0, None, b"b", [], told)
    await broker.outbox.flush()
    broker.outbox.put(P0, None, b"c", [], told)
    await broker.outbox.flush()
    assert told.errors == [None, None]


async def test_abandoned_everybody_who_waits_is_told_once() -> None:
    broker, told = Broker(), Told()
    for number in range(50):
        broker.outbox.put(P0, None, b"%d" % number * 20, [], told)
    await asyncio.sleep(0)
    gave_up = RefusedError()
    broker.outbox.abandon(gave_up)
    broker.answers.set()
    await broker.outbox.flush()
    assert (told.errors, broker.outbox.owed) == ([gave_up] * 50, 0)


async def test_a_future_that_nobody_waits_for_any_more_stays_as_it_is() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    told_of(future)(RefusedError())
    assert future.cancelled()


async def test_what_is_put_after_it_was_abandoned_is_told_so_at_once() -> None:
    broker, told = Broker(), Told()
    broker.outbox.put(P0, None, b"before", [], told)
    gave_up = RefusedError()
    broker.outbox.abandon(gave_up)
    broker.outbox.put(P0, None, b"after", [], told)
    assert (told.errors, broker.outbox.owed) == ([gave_up, gave_up], 0)
