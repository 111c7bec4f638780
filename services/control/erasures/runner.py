"""Background work of erasures: deletes, waits for what was on its way, deletes again, and signs.

::

    tombstones ─▶ rows deleted ─▶ what was on its way is handled ─▶ deleted again ─▶ receipt
    (request)      erasing         draining: services discard it       what came meanwhile

From the tombstones on, services discard whatever they read of the interviews. A message that was
being handled at that moment may still write something, such as a model's response to the cache; so
once all that was on its way is handled, everything is deleted once more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

import structlog

from contracts.erasures import Erasure, ErasureKind, ErasureState
from contracts.errors import OnrecordError
from contracts.ids import derive_chunk_id
from contracts.topics import DLQ_TOPICS
from control.background import running_in_background
from control.erasures.receipts import (
    CopiesElsewhere,
    build_receipt,
    list_remaining_copies,
    read_signing_key,
    sign_receipt,
)
from control.erasures.store import QUERIES, ErasureStore
from control.erasures.topics import ErasedTopics, TopicEnds
from database.pool import Database, Record
from messaging import KafkaSettings, KafkaUnavailableError

log = structlog.get_logger(__name__)

PERIOD_S: Final = 60.0
"""Seconds between two looks when no erasure is under way: letters of erased interviews that were
indexed since are closed."""

DRAINING_S: Final = 1.0
"""Seconds between two looks while something that was on its way is waited for."""

MOST_CHUNKS: Final = 2_000
"""Chunks that an interview which is not stored is taken to have at most, by whose ids its dead
letters and cached responses are known: eight hours of talk have a hundred."""


class ErasureRunner:
    """Background task that carries erasures out, one step after another, and survives restarts.

    Replicas may run at the same time: every step may be done twice.

    Args:
        database: the system's.
        kafka: where the topics are.
        elsewhere: what receipts say of copies that onrecord does not delete.
        period_s: seconds between two looks while nothing is under way.
    """

    def __init__(
        self,
        database: Database,
        kafka: KafkaSettings,
        elsewhere: CopiesElsewhere,
        *,
        period_s: float = PERIOD_S,
    ) -> None:
        self._database = database
        self._store = ErasureStore(database)
        self._topics = ErasedTopics(kafka)
        self._elsewhere = elsewhere
        self._period_s = period_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for an erasure now."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry erasures out for the duration of the context."""
        async with running_in_background(self._run()):
            yield

    async def run_once(self) -> bool:
        """Do what can be done now; return whether an erasure is still under way.

        Raises:
            DatabaseUnavailableError, KafkaUnavailableError: try again later.
        """
        if closed := await self._database.fetchval(QUERIES.erase_later_letters):
            log.info("letters_of_erased_interviews_closed", letters=closed)
        if deleted := await self._database.fetchval(QUERIES.erase_later_answers):
            log.info("answers_about_erased_interviews_deleted", answers=deleted)
        is_under_way = False
        failure: OnrecordError | None = None
        for row in await self._database.fetch(QUERIES.select_erasures_under_way):
            try:
                is_under_way |= not await self._advance(row)
            except OnrecordError as error:  # of this one; the others go on
                is_under_way = True
                failure = failure or error
        if failure is not None:
            raise failure
        return is_under_way

    async def find_what_it_waits_for(self, erasure: Erasure) -> tuple[str, ...]:
        """Return the services that have not handled what was on its way, in words."""
        if erasure.state is not ErasureState.DRAINING:
            return ()
        row = await self._database.fetchrow(
            QUERIES.select_erasures, erasure.erasure_id, None, None, None, 1
        )
        if row is None or row["topic_ends"] is None:
            return ()
        try:
            unfinished = await self._topics.find_unfinished(_read_ends(row))
        except KafkaUnavailableError:
            return ("Kafka, which does not answer",)
        return tuple(
            f"{service}: {number} messages that were on their way"
            for service, number in unfinished.items()
        )

    async def _advance(self, row: Record) -> bool:
        """Take an erasure as far as it goes now; return whether it is complete."""
        erasure_id: UUID = row["erasure_id"]
        if row["rows_deleted_at"] is None:
            await self.delete_rows(erasure_id, again=False)
            # Behind the deletion: what was on its way then is before these ends.
            ends = await self._topics.read_ends()
            await self._database.execute(QUERIES.mark_rows_deleted, erasure_id, json.dumps(ends))
            log.info("erasure_deleted_rows", erasure_id=str(erasure_id))
            return False
        if await self._topics.find_unfinished(_read_ends(row)):
            return False
        if row["kind"] == ErasureKind.STUDY and await self._add_interviews(
            erasure_id, row["study_id"]
        ):
            return False
        if await self._has_letters_being_replayed(erasure_id):
            return False  # before all is deleted once more, a second after the last time
        await self.delete_rows(erasure_id, again=True)
        if await self._has_letters_being_replayed(erasure_id):
            return False  # one was begun meanwhile
        await self._topics.delete_handled_retries()
        await self._sign(erasure_id)
        log.info("erasure_completed", erasure_id=str(erasure_id))
        return True

    async def delete_rows(self, erasure_id: UUID, *, again: bool) -> None:
        """Delete the rows of an erasure's interviews, a transaction each, and what mentions them.

        Args:
            erasure_id: the erasure.
            again: whether also of those whose rows were deleted before.
        """
        rows = await self._database.fetch(QUERIES.select_transcripts_to_delete, erasure_id, again)
        if not rows:
            return  # as after an outage of Kafka, which ends what follows
        for row in rows:
            transcript_id: UUID = row["transcript_id"]
            chunks = await self._list_chunks_not_stored(transcript_id)
            await self._database.execute(QUERIES.erase_transcript, transcript_id, chunks)
        async with self._database.transaction() as connection:
            # It looks through whole tables.
            await connection.execute(QUERIES.lift_statement_timeout)
            await connection.execute(QUERIES.erase_mentions, erasure_id)
        await self._analyze()

    async def _list_chunks_not_stored(self, transcript_id: UUID) -> list[str]:
        """List ids that chunks of what was submitted have, if something is known by them."""
        contents = await self._database.fetch(QUERIES.select_contents_to_erase, transcript_id)
        possible = [
            str(derive_chunk_id(transcript_id, one["revision"], one["content_sha256"], index))
            for one in contents
            for index in range(1, MOST_CHUNKS + 1)
        ]
        rows = await self._database.fetch(QUERIES.select_known_subjects, possible)
        return [row["subject"] for row in rows]

    async def _add_interviews(self, erasure_id: UUID, study_id: str) -> bool:
        """Add a study's interviews that nobody knew of yet: they were on their way to ingestion.

        Returns:
            Whether there are any: then the erasure begins again, for them, too.
        """
        found = await self._database.fetch(QUERIES.select_interviews_of_study, study_id)
        if not found:
            return False
        async with self._database.transaction() as connection:
            ids = [row["transcript_id"] for row in found]
            await connection.execute(QUERIES.insert_tombstones, erasure_id, ids)
            await connection.execute(QUERIES.start_again, erasure_id)
        return True

    async def _has_letters_being_replayed(self, erasure_id: UUID) -> bool:
        return bool(await self._database.fetchval(QUERIES.has_letters_being_replayed, erasure_id))

    async def _analyze(self) -> None:
        """Make PostgreSQL's statistics anew, a table at a time, however long one takes."""
        for row in await self._database.fetch(QUERIES.select_tables_with_words):
            async with self._database.transaction() as connection:
                await connection.execute(QUERIES.lift_statement_timeout)
                await connection.execute(QUERIES.analyze_what_was_erased, row["name"])

    async def _sign(self, erasure_id: UUID) -> None:
        erasure = await self._store.find(erasure_id)
        erased = await self._database.fetch(QUERIES.select_erased, erasure_id)
        at = datetime.now(UTC)
        remains = list_remaining_copies(
            await self._topics.read_retentions(),
            [topic.name for topic in DLQ_TOPICS],
            _list_calls(erased),
            self._elsewhere,
            at,
        )
        signed = sign_receipt(
            build_receipt(erasure, erased, remains, at), await read_signing_key(self._database)
        )
        await self._database.execute(
            QUERIES.complete_erasure, erasure_id, at, signed.receipt, signed.signature
        )

    async def _run(self) -> None:
        while True:
            pause = self._period_s
            try:
                if await self.run_once():
                    pause = min(pause, DRAINING_S)
            except OnrecordError as error:
                log.warning("erasure_waits", reason=str(error))
                pause = min(pause, DRAINING_S)
            except Exception:
                log.exception("erasure_failed")
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
                self._woken.clear()
            except TimeoutError:
                pass


def _read_ends(row: Record) -> TopicEnds:
    ends: Mapping[str, Mapping[str, int]] = json.loads(row["topic_ends"])
    return {
        topic: {int(partition): end for partition, end in of_topic.items()}
        for topic, of_topic in ends.items()
    }


def _list_calls(erased: Iterable[Record]) -> list[dict[str, Any]]:
    return [*chain.from_iterable(json.loads(one["model_calls"]) for one in erased)]
