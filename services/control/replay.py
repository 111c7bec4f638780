"""Puts dead letters back: to the service that failed, and to no other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import OnrecordError, OutageError
from contracts.topics import retry_topic
from control.domain import (
    Letter,
    LetterFilter,
    LetterNotOpenError,
    LetterPlace,
    ReplayPoint,
    Replays,
)
from control.reader import Found, LetterReader
from control.store import LetterStore
from messaging import KafkaUnavailableError, Publisher
from messaging.delivery import Headers, append
from messaging.letters import replay_headers

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Letters that are claimed, sent and marked together."""

UNDER_WAY: Final = 2
"""Batches that are sent, but not all acknowledged and marked, while the next one is being sent."""

ACKNOWLEDGED_WITHIN_S: Final = 15.0
"""Longest that whoever asks for a replay waits for the broker to take letters, in seconds."""

GONE: Final = "its DLQ does not have it at its place any more"


class Replayer:
    """Replays letters, each at least once: a replay cut short by a crash is done again.

    That is harmless, since effects are idempotent by id. A letter is claimed in the index before
    it is sent and marked after the broker has it, so that one that a crash left in between is
    known.

    Args:
        store: the index, which knows where a letter stands.
        reader: fetches a letter's bytes.
        publisher: sends them to ``<service>-retry-0``.
    """

    def __init__(self, store: LetterStore, reader: LetterReader, publisher: Publisher) -> None:
        self._store = store
        self._reader = reader
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()

    async def replay(self, letter_id: UUID | str) -> Letter:
        """Put one letter back, byte for byte.

        Returns:
            The letter as the index has it now.

        Raises:
            LetterLookupError: no letter, or more than one, has this id.
            LetterNotOpenError: it was replayed or discarded before, or does not tell whence it
                came.
            TooLargeToSendError: the retry topic does not take it.
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        letter = await self._store.letter(letter_id)
        if letter.source_topic is None:
            raise LetterNotOpenError(f"letter {letter.letter_id} does not tell whence it came")
        found = await self._reader.read(letter.place)  # claimed only if it is still there
        if not await self._store.claim_for_replay(letter.letter_id):
            raise LetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        try:
            topic = retry_topic(letter.service, 0).name
            await self._publisher.forward(topic, found.key, found.value, _headers(found))
        except OnrecordError:
            await self._store.release_claims([letter.letter_id])
            raise
        await self._store.mark_many_replayed([letter.letter_id])
        log.info("replayed", letter_id=str(letter.letter_id), topic=topic)
        return await self._store.letter(letter.letter_id)

    async def replay_many(
        self, which: LetterFilter, *, limit: int, begin: ReplayPoint | None = None
    ) -> Replays:
        """Put back the open letters that are meant, in the order in which the DLQs have them.

        While some letters are being sent, the next ones are claimed and the ones before marked.
        Letters that cannot be put back are open again.

        Args:
            which: narrows by any of its fields but the state.
            limit: at most so many.
            begin: where the replay before ended; at the beginning of the DLQs if None.

        Returns:
            What became of the letters, and where to go on.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later; what was put back
                until then is marked.
        """
        point = begin or ReplayPoint(until=datetime.now(UTC))
        replays = Replays()
        settling: deque[asyncio.Task[None]] = deque()
        claiming = self._claim(which, point, limit)
        try:
            while letters := await claiming:
                limit -= len(letters)
                point = point.behind(letters[-1])
                claiming = self._claim(which, point, limit)
                settling.append(self._settle_soon(letters, await self._send(letters), replays))
                if len(settling) > UNDER_WAY:
                    await _soon(settling.popleft())
            replays.next = None if limit else point
            while settling:
                await _soon(settling.popleft())
        finally:
            await asyncio.shield(self._give_back(claiming))
        return replays

    async def finish_interrupted(self) -> int:
        """Do again the replays that a crash cut short; how many were finished.

        Letters that cannot be put back are open again, for somebody to look at.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        replays = Replays()
        letters = await self._store.replaying()
        for begin in range(0, len(letters), BATCH):
            some = letters[begin : begin + BATCH]
            await _soon(self._settle_soon(some, await self._send(some), replays))
        for letter_id, why in replays.not_replayed.items():
            log.warning("not_replayed", letter_id=str(letter_id), reason=why)
        return len(replays.replayed)

    async def close(self) -> None:
        """Wait no longer for the broker; letters still on their way are done again at the start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _claim(
        self, which: LetterFilter, point: ReplayPoint, limit: int
    ) -> asyncio.Task[list[LetterPlace]]:
        return asyncio.create_task(
            self._store.claim_many_for_replay(
                which, until=point.until, after=point.after, limit=min(BATCH, limit)
            )
        )

    async def _give_back(self, claiming: asyncio.Task[list[LetterPlace]]) -> None:
        with suppress(OnrecordError):
            if letters := await claiming:
                await self._store.release_claims([letter.letter_id for letter in letters])

    async def _send(self, letters: Sequence[LetterPlace]) -> _Sent:
        sent = _Sent()
        try:
            async for some in self._reader.read_many(letters):
                for service, found in groupby(some, key=lambda one: one.place.service):
                    await self._hand_over(service, list(found), sent)
        except OutageError as error:
            sent.outage = error
        return sent

    async def _hand_over(self, service: str, found: Sequence[Found], sent: _Sent) -> None:
        records = [(one.key, one.value, _headers(one)) for one in found]
        topic = retry_topic(service, 0).name
        told = await self._publisher.forward_all(topic, records)
        sent.told.append(([one.place.letter_id for one in found], told))

    def _settle_soon(
        self, letters: Sequence[LetterPlace], sent: _Sent, replays: Replays
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._settle(letters, sent, replays))
        self._tasks.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nobody may wait for it any more.
            log.warning("replay_cut_short", reason=str(error))

    async def _settle(self, letters: Sequence[LetterPlace], sent: _Sent, replays: Replays) -> None:
        left = dict.fromkeys((one.letter_id for one in letters), GONE)
        replayed: list[UUID] = []
        outage = sent.outage
        for letter_ids, told in sent.told:
            for letter_id, error in zip(letter_ids, await told, strict=True):
                if error is None:
                    del left[letter_id]
                    replayed.append(letter_id)
                else:
                    left[letter_id] = str(error)
                    outage = outage or (error if isinstance(error, OutageError) else None)
        if replayed:
            await self._store.mark_many_replayed(replayed)
            replays.replayed += replayed
        if left:
            await self._store.release_claims(list(left))
        if outage is not None:
            raise outage
        replays.not_replayed |= left


@dataclass(slots=True)
class _Sent:
    """Letters handed to the publisher, and what will tell of them; what kept back the others."""

    told: list[tuple[list[UUID], asyncio.Future[list[Exception | None]]]] = field(
        default_factory=list
    )
    outage: OutageError | None = None


def _headers(found: Found) -> Headers:
    return append(found.original, replay_headers(found.place.letter_id, found.added))


async def _soon(settling: asyncio.Task[None]) -> None:
    """Wait until letters are settled; a broker that takes long is said to be away.

    What is on its way by then goes on, and is marked when the broker has it.
    """
    done, _ = await asyncio.wait((settling,), timeout=ACKNOWLEDGED_WITHIN_S)
    if not done:
        raise KafkaUnavailableError("the broker does not acknowledge replayed letters")
    settling.result()
