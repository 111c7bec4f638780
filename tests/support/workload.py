"""Numbered messages of which each is handled into one result, and the account of both."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any, Final

from contracts.events import NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY, NOTES_STORED
from messaging import KafkaUnavailableError, Publisher, Record
from support.broker import PROBE, Bench
from support.chunks import INTERVIEW
from support.stages import Stage
from support.waiting import until

SENDERS: Final = 8
"""Messages under way to the broker at the same time."""

WORK_S: Final = 0.03
"""What each message takes, so that some are in flight whenever there is trouble."""


class Workload:
    """Messages that are sent whatever happens to the broker, and what becomes of them.

    Args:
        bench: the topics.
        size: bytes of each message.
        patience_s: how long each step may take, in seconds.

    Attributes:
        stage: handles each message into a ``NotesStored``.
        sent: how many messages were begun to be sent; they are numbered from 0.
        acknowledged: the numbers of those that the broker has acknowledged.
        handled: how often each was handled.
    """

    def __init__(self, bench: Bench, *, size: int = 0, patience_s: float = 60.0) -> None:
        self._bench = bench
        self._size = size
        self._patience_s = patience_s
        self.sent = 0
        self.acknowledged = set[int]()
        self.handled = Counter[int]()
        self.stage = Stage(PROBE)

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> NotesStored:
            assert record.value is not None
            number = int(record.value)
            await asyncio.sleep(WORK_S)
            self.handled[number] += 1
            return _result(number)

    async def send(self, publisher: Publisher, number: int) -> None:
        """Write so many more messages; return once all are acknowledged."""
        numbers = iter(range(self.sent, self.sent + number))
        self.sent += number

        async def send_in_turn() -> None:
            for one in numbers:
                value = (b"%d" % one).rjust(self._size)
                await _until_acknowledged(publisher, value)
                self.acknowledged.add(one)

        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(send_in_turn())

    async def has_handled(self, number: int) -> None:
        """Wait until so many different messages have been handled."""
        await until(lambda: len(self.handled) >= number, within_s=self._patience_s)

    async def is_done(self) -> None:
        """Wait until each message is handled and committed; check that all are stored."""
        await self.has_handled(self.sent)
        assert set(self.handled) == set(range(self.sent))

        async def is_committed() -> bool:
            end = await self._bench.size(CHUNKS_READY.name)
            return await self._bench.committed(CHUNKS_READY.name) == end

        await until(is_committed, within_s=self._patience_s)
        messages = await self._stored(CHUNKS_READY.name)
        assert {int(one.value) for one in messages} == set(range(self.sent))
        results = await self._stored(NOTES_STORED.name)
        found = {NotesStored.model_validate_json(one.value).chunk_id for one in results}
        assert found == {_result(number).chunk_id for number in range(self.sent)}

    async def _stored(self, topic: str) -> list[Any]:
        return await self._bench.records(topic, await self._bench.size(topic))


def _result(number: int) -> NotesStored:
    return NotesStored(
        transcript_id=INTERVIEW, revision=1, study_id="s", chunk_id=derive_id("c", b"%d" % number)
    )


async def _until_acknowledged(publisher: Publisher, value: bytes) -> None:
    while True:
        with suppress(KafkaUnavailableError):
            return await publisher.forward(CHUNKS_READY.name, value.strip(), value, ())
