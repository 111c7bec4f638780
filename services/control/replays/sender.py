"""Sends the messages of dead letters back to the retry topics of the services that failed."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from contracts.errors import OutageError
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from contracts.topics import MIB, PIPELINE, build_retry_topic
from control.domain import DeadLetterPosition
from control.letters.edits import LetterEditor
from control.letters.originals import OriginalGoneError, OriginalTooLargeError
from control.letters.reader import DeadLetterReader, DeadLetterRecord
from messaging import KafkaUnavailableError, Publisher
from messaging.dead_letters.headers import build_replay_headers
from messaging.delivery import Headers, append_headers
from messaging.limits import compute_max_headers_size

BYTES_UNDER_WAY: Final = 16 * MIB
"""Letters' bytes that are handed to the publisher before it waits for the broker to have taken
some; a larger letter goes alone."""

ACKNOWLEDGED_WITHIN_S: Final = 15.0
"""Longest that whoever asks for a replay waits for the broker to take letters, in seconds."""

_MISSING: Final = (
    "its retry topic {} does not exist; run `python -m messaging topics create`, then replay it "
    "again"
)
_SLOW: Final = "the broker does not acknowledge replayed letters"


OverridesFinder = Callable[
    [Iterable[UUID | None]], Awaitable[Mapping[UUID | None, ReplayOverrides]]
]
"""Returns, by the ids of plans, what each sets for its messages alone."""


@dataclass(slots=True)
class DeadLetterSendResult:
    """Result of sending dead letters: those handed to the publisher, and why others were not.

    Attributes:
        reports: ids of letters, with the future of their delivery reports in the same order.
        left: why letters were not sent, by id.
        outage: the outage that ended the sending; None if there was none.
    """

    reports: list[tuple[list[UUID], asyncio.Future[list[Exception | None]]]] = field(
        default_factory=list
    )
    left: dict[UUID, str] = field(default_factory=dict)
    outage: OutageError | None = None


class DeadLetterSender:
    """Sender that writes dead letters' messages to retry topics, within a limit of bytes.

    Args:
        reader: fetches letters' bytes.
        publisher: sends them.
        find_overrides: returns what plans set for their messages alone.
        editor: has what is sent of letters that are edited.

    Attributes:
        publisher: the same.
    """

    def __init__(
        self,
        reader: DeadLetterReader,
        publisher: Publisher,
        find_overrides: OverridesFinder,
        editor: LetterEditor,
    ) -> None:
        self._find_overrides = find_overrides
        self._editor = editor
        self._reader = reader
        self.publisher = publisher
        self._bytes = _BytesUnderWay()

    async def send_one(self, service: str, found: DeadLetterRecord) -> None:
        """Send one letter's message to a service's retry topic, and wait until it is acknowledged.

        Raises:
            RecordTooLargeError: the retry topic does not take it.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        topic = build_retry_topic(service, 0).name
        (found,) = await self._editor.apply([found])
        await self.publisher.forward(topic, found.key, found.value, build_sent_headers(found))

    async def send(self, letters: Sequence[DeadLetterPosition]) -> DeadLetterSendResult:
        """Send letters' messages in order; do not wait until the last ones are acknowledged.

        Args:
            letters: claimed ones, in the order in which the DLQs have them.

        Returns:
            The delivery reports of those that were sent, why others were not, and the outage that
            cut it short, if there was one.
        """
        sent = DeadLetterSendResult()
        try:
            missing = await self.find_missing_topics({one.service for one in letters})
            sent.left |= {
                one.letter_id: missing[one.service] for one in letters if one.service in missing
            }
            letters = [one for one in letters if one.service not in missing]
            async with aclosing(self._reader.read_many(letters)) as batches:
                async for some in batches:
                    for service, found in groupby(some, key=lambda one: one.place.service):
                        await self._hand_over(service, found, sent)
        except OutageError as error:
            sent.outage = error
        return sent

    async def find_missing_topics(self, services: Collection[str]) -> dict[str, str]:
        """Return, for each service without a topic to put letters into, what to do about it."""
        topics = {build_retry_topic(service, 0).name: service for service in services}
        return {
            topics[topic]: _MISSING.format(self.publisher.name(topic))
            for topic in await self.publisher.find_missing_topics(topics)
        }

    async def wait_until_settled(self, settling: asyncio.Task[None]) -> None:
        """Wait until letters are settled; raise if the broker takes too long to acknowledge them.

        What is on its way by then goes on, and is marked when the broker has it, unless its topic
        is gone: that is given up, and open again.

        Args:
            settling: waits for the letters' delivery reports, and marks the letters.

        Raises:
            KafkaUnavailableError: after ``ACKNOWLEDGED_WITHIN_S``.
        """
        done, _ = await asyncio.wait((settling,), timeout=ACKNOWLEDGED_WITHIN_S)
        if not done:
            await self.find_missing_topics(PIPELINE)
            raise KafkaUnavailableError(_SLOW)
        settling.result()

    async def _hand_over(
        self, service: str, found: Iterable[DeadLetterRecord], sent: DeadLetterSendResult
    ) -> None:
        portion: list[DeadLetterRecord] = []
        size = 0
        async for one in self._whole(found, sent):
            if portion and size + _size(one) > BYTES_UNDER_WAY:
                await self._forward(service, portion, size, sent)
                portion, size = [], 0
            portion.append(one)
            size += _size(one)
        if portion:
            await self._forward(service, portion, size, sent)

    async def _forward(
        self,
        service: str,
        portion: Sequence[DeadLetterRecord],
        size: int,
        sent: DeadLetterSendResult,
    ) -> None:
        await self._bytes.wait_for(size)
        overrides = await self._find_overrides([one.place.plan_id for one in portion])
        records = [
            (one.key, one.value, build_sent_headers(one, overrides[one.place.plan_id]))
            for one in portion
        ]
        report = await self.publisher.forward_all(build_retry_topic(service, 0).name, records)
        self._bytes.begin(size, report)
        sent.reports.append(([one.place.letter_id for one in portion], report))

    async def _whole(
        self, found: Iterable[DeadLetterRecord], sent: DeadLetterSendResult
    ) -> AsyncIterator[DeadLetterRecord]:
        """Yield letters with what is sent of them; note why others cannot be sent."""
        found = list(found)
        edited = await self._editor.find_edited([one.place.letter_id for one in found])
        for one in found:
            try:
                whole = await self._reader.whole(one)
                if one.place.letter_id in edited:  # one by one: an edit may be large
                    (whole,) = await self._editor.apply([whole])
                yield whole
            except (OriginalGoneError, OriginalTooLargeError) as error:
                sent.left[one.place.letter_id] = str(error)


class _BytesUnderWay:
    """Counter of the bytes that the publisher holds until the broker has them."""

    def __init__(self) -> None:
        self._bytes = 0
        self._fewer = asyncio.Event()

    async def wait_for(self, size: int) -> None:
        """Wait until so many bytes more may be handed over.

        Raises:
            KafkaUnavailableError: the broker takes none for long.
        """
        while self._bytes and self._bytes + size > BYTES_UNDER_WAY:
            self._fewer.clear()
            try:
                async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                    await self._fewer.wait()
            except TimeoutError as error:
                raise KafkaUnavailableError(_SLOW) from error

    def begin(self, size: int, report: asyncio.Future[Any]) -> None:
        """Count bytes until the future is done."""
        self._bytes += size
        report.add_done_callback(lambda _: self._end(size))

    def _end(self, size: int) -> None:
        self._bytes -= size
        self._fewer.set()


def _size(found: DeadLetterRecord) -> int:
    return (
        len(found.key or b"") + len(found.value or b"") + compute_max_headers_size(found.original)
    )


def build_sent_headers(
    found: DeadLetterRecord, overrides: ReplayOverrides = NO_OVERRIDES
) -> Headers:
    """Build the headers that a letter's message is replayed with.

    Args:
        found: the letter.
        overrides: what holds for its message alone.
    """
    added = build_replay_headers(found.place.letter_id, found.added, overrides)
    return append_headers(found.original, added)
