"""Puts dead letters back: to the service that failed, and to no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import BadMessageError, OnrecordError, OutageError
from contracts.topics import retry_topic
from control.domain import (
    Letter,
    LetterFilter,
    LetterLookupError,
    LetterNotOpenError,
    LetterPlace,
)
from control.reader import LetterReader
from control.store import LetterStore
from messaging import Publisher, Record
from messaging.delivery import append, split
from messaging.letters import replay_headers

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Letters that are claimed, sent and marked together."""


class Replayer:
    """Replays letters, each at least once: a replay cut short by a crash is done again.

    That is harmless, since effects are idempotent by id.

    Args:
        store: the index, which knows where a letter stands.
        reader: fetches a letter's bytes.
        publisher: sends them to ``<service>-retry-0``.
    """

    def __init__(self, store: LetterStore, reader: LetterReader, publisher: Publisher) -> None:
        self._store = store
        self._reader = reader
        self._publisher = publisher

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
        await self._reader.read(letter)  # claimed only if it is still there
        if not await self._store.claim_for_replay(letter.letter_id):
            raise LetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        try:
            await self._send(letter)
        except OnrecordError:
            await self._store.release_claims([letter.letter_id])
            raise
        return await self._store.letter(letter.letter_id)

    async def replay_many(self, which: LetterFilter, *, limit: int) -> list[UUID]:
        """Put back the open letters that are meant, in the order in which the DLQs have them.

        Letters that cannot be put back (their bytes are gone, the retry topic does not take
        them) are open again and left out.

        Args:
            which: narrows by any of its fields but the state.
            limit: at most so many.

        Returns:
            Those that were put back.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later; what was put back
                until then is marked.
        """
        until = datetime.now(UTC)
        done: list[UUID] = []
        while len(done) < limit:
            letters = await self._store.claim_many_for_replay(
                which, until=until, limit=min(BATCH, limit - len(done))
            )
            sent = await self._send_batch(letters)
            done += sent
            if not sent:
                break
        return done

    async def _send_batch(self, letters: Sequence[LetterPlace]) -> list[UUID]:
        told: dict[UUID, asyncio.Future[None]] = {}
        outage: OutageError | None = None
        try:
            async for letter, record in self._reader.read_many(letters):
                told[letter.letter_id] = await self._send_soon(letter, record)
        except OutageError as error:
            outage = error
        results = await asyncio.gather(*told.values(), return_exceptions=True)
        sent = [one for one, result in zip(told, results, strict=True) if result is None]
        await self._store.mark_many_replayed(sent)
        await self._store.release_claims([one.letter_id for one in letters])
        outage = next((one for one in results if isinstance(one, OutageError)), outage)
        if outage is not None:
            raise outage
        return sent

    async def _send_soon(self, letter: LetterPlace, record: Record) -> asyncio.Future[None]:
        original, added = split(record.headers)
        headers = append(original, replay_headers(letter.letter_id, added))
        topic = retry_topic(letter.service, 0).name
        return await self._publisher.forward_soon(topic, record.key, record.value, headers)

    async def finish_interrupted(self) -> int:
        """Do again the replays that a crash cut short; how many were finished.

        A letter that cannot be sent stays as it is: it must not keep the service from starting.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        finished = 0
        for letter in await self._store.replaying():
            try:
                await self._send(letter)
            except (LetterLookupError, BadMessageError) as error:
                log.warning("not_replayed", letter_id=str(letter.letter_id), reason=str(error))
            else:
                finished += 1
        return finished

    async def _send(self, letter: Letter) -> None:
        record = await self._reader.read(letter)
        original, added = split(record.headers)
        topic = retry_topic(letter.service, 0).name
        headers = append(original, replay_headers(letter.letter_id, added))
        await self._publisher.forward(topic, record.key, record.value, headers)
        await self._store.mark_replayed(letter.letter_id)
        log.info("replayed", letter_id=str(letter.letter_id), topic=topic)
