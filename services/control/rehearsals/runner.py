"""Works through rehearsals in the background; of several replicas, one works on each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import structlog

from contracts.errors import OutageError
from contracts.rehearsals import (
    MAX_REHEARSED_BYTES,
    RehearsalMode,
    RehearsalPrediction,
    build_rehearsed_record,
)
from contracts.topics import build_retry_topic
from control.background import running_in_background
from control.domain import DeadLetterPosition
from control.letters.originals import OriginalGoneError, OriginalTooLargeError
from control.letters.reader import DeadLetterReader, DeadLetterRecord
from control.pipeline.ports import StageClient
from control.rehearsals.prediction import LetterPrediction, predict_replay
from control.rehearsals.store import LEASE, ClaimedRehearsal, LetterToRehearse, RehearsalStore
from control.replays.sender import build_sent_headers

log = structlog.get_logger(__name__)

BATCH: Final = 50
"""Letters that are read from their DLQs together."""

BATCH_BYTES: Final = 2 * MAX_REHEARSED_BYTES
"""Most bytes of them; the others are read with the next batch."""

AT_ONCE: Final = 4
"""Letters that are rehearsed at the same time. Where models are called, it is one: what one leaves
of the budget, the next one has."""

PERIOD_S: Final = 15.0
"""Seconds between two looks for a rehearsal that a killed worker has left."""

PAUSE_S: Final = 1.0
"""Seconds until a rehearsal goes on that found Kafka or PostgreSQL away."""

SETTLING_S: Final = 2.0
"""Seconds that a letter waits until calls of the one before are settled; then their worst case
counts."""

UNCOUNTED: Final = "what it is about is not known, so that no budget would hold"

MOST_FAILURES: Final = 3
"""Times that a rehearsal fails as a whole, outages aside, until its other letters are given up."""

GONE: Final = "its DLQ does not have it at its place any more"


class LetterRehearser:
    """Background task that works through rehearsals: predicts a replay of each dead letter.

    Args:
        store: rehearsals and predictions.
        reader: fetches letters' bytes.
        stages: the services' ports.
        period_s: seconds between two looks for work, and until what failed is tried again.
    """

    def __init__(
        self,
        store: RehearsalStore,
        reader: DeadLetterReader,
        stages: StageClient,
        *,
        period_s: float = PERIOD_S,
    ) -> None:
        self._store = store
        self._reader = reader
        self._stages = stages
        self._period_s = period_s
        self._worker = uuid4()
        self._failed: Counter[UUID] = Counter()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for a rehearsal now."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work through rehearsals for the duration of the context."""
        async with running_in_background(self._run()):
            yield

    async def _run(self) -> None:
        while True:
            claimed: ClaimedRehearsal | None = None
            self._woken.clear()
            try:
                while (claimed := await self._store.claim(self._worker)) is not None:
                    await self._rehearse_within_lease(claimed)
            except OutageError as error:
                log.warning("rehearsal_interrupted", reason=str(error))
                await asyncio.sleep(PAUSE_S)
                continue
            except Exception as error:
                log.exception("rehearsal_interrupted")
                if not await self._give_up_after_some(claimed, error):
                    await asyncio.sleep(self._period_s)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._period_s):
                    await self._woken.wait()

    async def _give_up_after_some(self, claimed: ClaimedRehearsal | None, error: Exception) -> bool:
        """End a rehearsal that has failed again and again; return whether it was ended.

        It is the oldest one, and no other would ever have its turn.
        """
        if claimed is None:
            return False
        self._failed[claimed.rehearsal_id] += 1
        if self._failed[claimed.rehearsal_id] < MOST_FAILURES:
            return False
        try:
            await self._store.give_up(claimed.rehearsal_id, _explain(error))
        except Exception:
            log.exception("rehearsal_interrupted")
            return False
        del self._failed[claimed.rehearsal_id]
        return True

    async def _rehearse_within_lease(self, claimed: ClaimedRehearsal) -> None:
        working = asyncio.create_task(self._rehearse(claimed))
        renewing = asyncio.create_task(self._renew(claimed.rehearsal_id))
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)
        for task in (working, renewing):
            if not task.cancelled():
                task.result()

    async def _renew(self, rehearsal_id: UUID) -> None:
        """Extend the lease again and again; return when the rehearsal was cancelled or lost."""
        while await self._store.renew(rehearsal_id, self._worker):  # noqa: ASYNC110 - in PostgreSQL
            await asyncio.sleep(LEASE.total_seconds() / 10)

    async def _rehearse(self, claimed: ClaimedRehearsal) -> None:
        rehearsal_id = claimed.rehearsal_id
        while letters := await self._store.next_letters(rehearsal_id, BATCH):
            await self._rehearse_some(claimed, letters)
        await self._store.finish(rehearsal_id)
        log.info("rehearsed", rehearsal_id=str(rehearsal_id))

    async def _rehearse_some(
        self, claimed: ClaimedRehearsal, letters: Sequence[LetterToRehearse]
    ) -> None:
        chosen: list[DeadLetterPosition] = []
        size = 0
        for one in letters:
            refusal = one.refusal
            if one.size_bytes > MAX_REHEARSED_BYTES:
                refusal = (
                    f"it has {one.size_bytes:,} bytes; a rehearsal takes {MAX_REHEARSED_BYTES:,} "
                    "at most"
                )
            if claimed.mode is RehearsalMode.LIVE and one.subject is None:
                refusal = refusal or UNCOUNTED
            if refusal:
                await self._refuse(claimed, one.letter_id, refusal)
            elif one.place is not None and (not chosen or size + one.size_bytes <= BATCH_BYTES):
                chosen.append(one.place)
                size += one.size_bytes
        found = await self._read(claimed, chosen)
        places = asyncio.Semaphore(1 if claimed.mode is RehearsalMode.LIVE else AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for one_found in found:
                    group.create_task(self._rehearse_one(claimed, one_found, places))
        except ExceptionGroup as errors:
            raise _choose_cause(errors) from errors

    async def _read(
        self, claimed: ClaimedRehearsal, chosen: Sequence[DeadLetterPosition]
    ) -> Sequence[DeadLetterRecord]:
        """Read letters; note of those that cannot be read why."""
        found: dict[UUID, DeadLetterRecord] = {}
        try:
            async with aclosing(self._reader.read_many(chosen)) as batches:
                async for some in batches:
                    found |= {one.place.letter_id: one for one in some}
        except OutageError:
            raise
        except Exception as error:
            log.exception("letter_not_rehearsed", letter_ids=[str(one.letter_id) for one in chosen])
            if len(chosen) > 1:  # which of them it is shows when each is read alone
                return [one for place in chosen for one in await self._read(claimed, [place])]
            for place in chosen:
                await self._refuse(claimed, place.letter_id, _explain(error))
            return ()
        for place in chosen:
            if place.letter_id not in found:
                await self._refuse(claimed, place.letter_id, GONE)
        return [*found.values()]

    async def _rehearse_one(
        self, claimed: ClaimedRehearsal, found: DeadLetterRecord, places: asyncio.Semaphore
    ) -> None:
        letter_id, service = found.place.letter_id, found.place.service
        async with places:
            try:
                whole = await self._read_whole(found)
                record = build_rehearsed_record(
                    build_retry_topic(service, 0).name,
                    whole.key,
                    whole.value,
                    build_sent_headers(whole, claimed.overrides),
                )
                left = await self._budget_left(claimed)
                call = partial(
                    self._stages.rehearse,
                    mode=claimed.mode,
                    deadline_s=claimed.overrides.deadline_s or 0,
                )
                prediction = await predict_replay(service, record, call, left)
                await self._store.store(claimed.rehearsal_id, letter_id, prediction)
            except OutageError:
                raise
            except (OriginalGoneError, OriginalTooLargeError) as error:
                await self._refuse(claimed, letter_id, str(error))
            except Exception as error:
                log.exception("letter_not_rehearsed", letter_ids=[str(letter_id)])
                await self._refuse(claimed, letter_id, _explain(error))

    async def _read_whole(self, found: DeadLetterRecord) -> DeadLetterRecord:
        """Read what a replay of a letter would send."""
        (whole,) = await self._store.editor.apply([await self._reader.whole(found)])
        if len(whole.value or b"") > MAX_REHEARSED_BYTES:
            raise OriginalTooLargeError("its edit is too large to be rehearsed")
        return whole

    async def _budget_left(self, claimed: ClaimedRehearsal) -> Decimal:
        if claimed.mode is not RehearsalMode.LIVE:
            return Decimal(0)
        until = asyncio.get_running_loop().time() + SETTLING_S
        while True:
            spent, is_settling = await self._store.spent(claimed.rehearsal_id)
            if not is_settling or asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(SETTLING_S / 20)
        return max(Decimal(0), claimed.budget_usd - spent)

    async def _refuse(self, claimed: ClaimedRehearsal, letter_id: UUID, reason: str) -> None:
        refused = LetterPrediction(RehearsalPrediction.NOT_REHEARSED)
        await self._store.store(claimed.rehearsal_id, letter_id, replace(refused, reason=reason))


def _explain(error: Exception) -> str:
    """Return why a letter is not rehearsed; an error that nobody foresaw may quote its content."""
    return f"it cannot be rehearsed: {type(error).__name__}; see control's log"


def _choose_cause(errors: ExceptionGroup[Exception]) -> Exception:
    """Return the error that says how to go on: an outage, if one of them is."""
    outages, _ = errors.split(OutageError)
    one: Exception = errors if outages is None else outages
    while isinstance(one, ExceptionGroup):
        one = one.exceptions[0]
    return one
