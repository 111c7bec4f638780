"""Puts dead letters back: to the service that failed, and to no other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog

from contracts.control_api import DeadLetterFilter, ReplayCursor, ReplayResult
from contracts.errors import OnrecordError, OutageError
from contracts.topics import MIB, PIPELINE, retry_topic
from control.domain import (
    DeadLetterNotOpenError,
    DeadLetterPosition,
    IndexedDeadLetter,
    RetryTopicMissingError,
    build_cursor_after,
)
from control.originals import OriginalGoneError, OriginalTooLargeError
from control.reader import DeadLetterReader, DeadLetterRecord
from control.store import DeadLetterStore
from messaging import KafkaUnavailableError, Publisher
from messaging.dead_letters.headers import build_replay_headers
from messaging.delivery import Headers, append_headers
from messaging.limits import compute_headers_size

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Letters that are claimed, sent and marked together."""

BYTES_UNDER_WAY: Final = 16 * MIB
"""Letters' bytes that are handed to the publisher before it waits for the broker to have taken
some; a larger letter goes alone."""

UNDER_WAY: Final = 2
"""Batches that are sent, but not all acknowledged and marked, while the next one is being sent."""

ACKNOWLEDGED_WITHIN_S: Final = 15.0
"""Longest that whoever asks for a replay waits for the broker to take letters, in seconds."""

REPAIR_PAUSE_S: Final = 1.0
"""Seconds between two tries to bring the index up to date after an outage."""

GONE: Final = "its DLQ does not have it at its place any more"


class DeadLetterReplayer:
    """Replayer that sends dead letters back to the services that failed, at least once.

    That is harmless, since effects are idempotent by id. A letter is claimed in the index before
    it is sent and marked after the broker has it, so that one that a crash left in between is
    known::

        open ─▶ replaying ─▶ replayed        claimed, sent, acknowledged, marked
                    ├─▶ open                 it could not be sent, or is gone
                    └─▶ (stays)              the database was away: ``repairing`` settles it

    Args:
        store: the index, which knows where a letter stands.
        reader: fetches a letter's bytes.
        publisher: sends them to ``<service>-retry-0``.
        repair_pause_s: seconds between two tries to repair the index.
    """

    def __init__(
        self,
        store: DeadLetterStore,
        reader: DeadLetterReader,
        publisher: Publisher,
        *,
        repair_pause_s: float = REPAIR_PAUSE_S,
    ) -> None:
        self._store = store
        self._reader = reader
        self._publisher = publisher
        self._repair_pause_s = repair_pause_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming = asyncio.Lock()
        self._under_way: set[UUID] = set()
        self._acknowledged: set[UUID] = set()
        self._doubt = asyncio.Event()
        self._bytes = _BytesUnderWay()

    async def replay(self, letter_id: UUID | str) -> IndexedDeadLetter:
        """Put one letter back, byte for byte.

        Returns:
            The letter as the index has it now.

        Raises:
            DeadLetterLookupError: no letter, or more than one, has this id.
            DeadLetterNotOpenError: it was replayed or discarded before, or lacks the place it
                came from.
            DeadLetterGoneError: its DLQ does not have it any more.
            OriginalGoneError: it is a stub, and its message is not at its place any more.
            OriginalTooLargeError: it is a stub of a message that is still too large.
            RecordTooLargeError: the retry topic does not take it.
            RetryTopicMissingError: there is no retry topic to put it into.
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        letter = await self._store.letter(letter_id)
        if letter.source_topic is None:
            raise DeadLetterNotOpenError(
                f"letter {letter.letter_id} does not have the place it came from"
            )
        if why := (await self._find_missing_topics({letter.service})).get(letter.service):
            raise RetryTopicMissingError(why)
        # Claimed only if it is still there.
        found = await self._reader.whole(await self._reader.read(letter.place))
        if not await self._claim_one(letter.letter_id):
            raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        topic = retry_topic(letter.service, 0).name
        with self._answering_for([letter.letter_id]):
            try:
                await self._publisher.forward(topic, found.key, found.value, _headers(found))
            except OnrecordError:
                await self._release([letter.letter_id])
                raise
        await self._mark([letter.letter_id])
        log.info("replayed", letter_id=str(letter.letter_id), topic=topic)
        return await self._store.letter(letter.letter_id)

    async def replay_many(
        self, which: DeadLetterFilter, *, limit: int, begin: ReplayCursor | None = None
    ) -> ReplayResult:
        """Put back the open letters that are meant, in the order in which the DLQs have them.

        While some letters are being sent, the next ones are claimed and the ones before marked.
        Letters that cannot be put back are open again. Letters of causes that no replay mends are
        left out, unless the filter names their cause.

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
        point = begin or ReplayCursor(until=datetime.now(UTC))
        replays = ReplayResult()
        if begin is None:
            replays.left_out = await self._store.count_left_out(which, until=point.until)
        settling: deque[asyncio.Task[None]] = deque()
        claiming = self._claim(which, point, limit)
        try:
            while letters := await claiming:
                limit -= len(letters)
                point = build_cursor_after(point, letters[-1])
                claiming = self._claim(which, point, limit)
                with self._answering_for([letter.letter_id for letter in letters]):
                    sent = await self._send(letters)
                settling.append(self._settle_soon(letters, sent, replays))
                if len(settling) > UNDER_WAY:
                    await self._soon(settling.popleft())
            replays.next = None if limit else point
            while settling:
                await self._soon(settling.popleft())
        finally:
            await asyncio.shield(self._give_back(claiming))
        return replays

    async def finish_interrupted(self) -> int:
        """Do again the replays that a crash or an outage cut short; how many were finished.

        Letters that cannot be put back are open again, for somebody to look at.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        replays = ReplayResult()
        async with self._claiming:
            letters = [
                letter
                for letter in await self._store.replaying()
                if letter.letter_id not in self._under_way
            ]
            self._under_way.update(letter.letter_id for letter in letters)
        with self._answering_for([letter.letter_id for letter in letters]):
            for begin in range(0, len(letters), BATCH):
                some = letters[begin : begin + BATCH]
                await self._soon(self._settle_soon(some, await self._send(some), replays))
        for letter_id, why in replays.not_replayed.items():
            log.warning("not_replayed", letter_id=str(letter_id), reason=why)
        return len(replays.replayed)

    @asynccontextmanager
    async def repairing(self) -> AsyncIterator[None]:
        """For as long as the context lasts, settle what a crash or an outage left ``replaying``.

        Looks once at the beginning, and after every outage until the index is up to date again.
        """
        self._doubt.set()
        task = asyncio.create_task(self._repair())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """Wait no longer for the broker; letters still on their way are done again at the start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repair(self) -> None:
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._mark(self._acknowledged)
                if finished := await self.finish_interrupted():
                    log.info("interrupted_replays_finished", letters=finished)
            except OutageError as error:
                log.warning("replays_not_settled", reason=str(error))
                self._doubt.set()
            except Exception:
                log.exception("replays_not_settled")
                self._doubt.set()
            if self._doubt.is_set():
                await asyncio.sleep(self._repair_pause_s)

    async def _claim_one(self, letter_id: UUID) -> bool:
        with self._doubting():
            async with self._claiming:
                if claimed := await self._store.claim_for_replay(letter_id):
                    self._under_way.add(letter_id)
                return claimed

    def _claim(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> asyncio.Task[list[DeadLetterPosition]]:
        return asyncio.create_task(self._claim_many(which, point, min(BATCH, limit)))

    async def _claim_many(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> list[DeadLetterPosition]:
        with self._doubting():
            async with self._claiming:
                letters = await self._store.claim_many_for_replay(
                    which, until=point.until, after=point.after, limit=limit
                )
                self._under_way.update(letter.letter_id for letter in letters)
                return letters

    async def _give_back(self, claiming: asyncio.Task[list[DeadLetterPosition]]) -> None:
        with suppress(OnrecordError):
            if letters := await claiming:
                await self._release([letter.letter_id for letter in letters])

    async def _mark(self, letter_ids: Iterable[UUID]) -> None:
        """Mark letters that the broker has; should the database be away, it is done later."""
        marked = list(letter_ids)
        self._acknowledged.update(marked)
        if marked:
            with self._doubting():
                await self._store.mark_many_replayed(marked)
        self._acknowledged.difference_update(marked)
        self._under_way.difference_update(marked)

    async def _release(self, letter_ids: Sequence[UUID]) -> None:
        """Open letters again; should the database be away, they are replayed later."""
        self._under_way.difference_update(letter_ids)
        with self._doubting():
            await self._store.release_claims(letter_ids)

    @contextmanager
    def _answering_for(self, letter_ids: Iterable[UUID]) -> Iterator[None]:
        """Have letters looked after by ``repairing`` if work on them is cut short."""
        try:
            yield
        except BaseException:
            self._under_way.difference_update({*letter_ids} - self._acknowledged)
            self._doubt.set()
            raise

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """Have the index looked through if it is not known whether a change came to pass."""
        try:
            yield
        except BaseException:
            self._doubt.set()
            raise

    async def _send(self, letters: Sequence[DeadLetterPosition]) -> _Sent:
        sent = _Sent()
        try:
            missing = await self._find_missing_topics({one.service for one in letters})
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

    async def _find_missing_topics(self, services: Collection[str]) -> dict[str, str]:
        """Return, for each service without a topic to put letters into, what to do about it."""
        topics = {retry_topic(service, 0).name: service for service in services}
        return {
            topics[topic]: _MISSING.format(self._publisher.name(topic))
            for topic in await self._publisher.find_missing_topics(topics)
        }

    async def _hand_over(
        self, service: str, found: Iterable[DeadLetterRecord], sent: _Sent
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
        self, service: str, portion: Sequence[DeadLetterRecord], size: int, sent: _Sent
    ) -> None:
        await self._bytes.wait_for(size)
        records = [(one.key, one.value, _headers(one)) for one in portion]
        report = await self._publisher.forward_all(retry_topic(service, 0).name, records)
        self._bytes.begin(size, report)
        sent.reports.append(([one.place.letter_id for one in portion], report))

    async def _whole(
        self, found: Iterable[DeadLetterRecord], sent: _Sent
    ) -> AsyncIterator[DeadLetterRecord]:
        """Letters with their whole messages; why others have none is noted."""
        for one in found:
            try:
                yield await self._reader.whole(one)
            except (OriginalGoneError, OriginalTooLargeError) as error:
                sent.left[one.place.letter_id] = str(error)

    def _settle_soon(
        self, letters: Sequence[DeadLetterPosition], sent: _Sent, replays: ReplayResult
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._settle(letters, sent, replays))
        self._tasks.add(task)
        task.add_done_callback(self._settled)
        return task

    async def _soon(self, settling: asyncio.Task[None]) -> None:
        """Wait until letters are settled; a broker that takes long is said to be away.

        What is on its way by then goes on, and is marked when the broker has it, unless its topic
        is gone: that is given up, and open again.
        """
        done, _ = await asyncio.wait((settling,), timeout=ACKNOWLEDGED_WITHIN_S)
        if not done:
            await self._find_missing_topics(PIPELINE)
            raise KafkaUnavailableError(_SLOW)
        settling.result()

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nobody may wait for it any more.
            log.warning("replay_cut_short", reason=str(error))

    async def _settle(
        self, letters: Sequence[DeadLetterPosition], sent: _Sent, replays: ReplayResult
    ) -> None:
        left = dict.fromkeys((one.letter_id for one in letters), GONE) | sent.left
        replayed: list[UUID] = []
        outage = sent.outage
        for letter_ids, report in sent.reports:
            for letter_id, error in zip(letter_ids, await report, strict=True):
                if error is None:
                    del left[letter_id]
                    replayed.append(letter_id)
                else:
                    left[letter_id] = str(error)
                    outage = outage or (error if isinstance(error, OutageError) else None)
        try:
            await self._mark(replayed)
            replays.replayed += replayed
        finally:
            if left:
                await self._release(list(left))
        if outage is not None:
            raise outage
        replays.not_replayed |= left


@dataclass(slots=True)
class _Sent:
    """Letters given to the publisher with their delivery reports, and why others were left out."""

    reports: list[tuple[list[UUID], asyncio.Future[list[Exception | None]]]] = field(
        default_factory=list
    )
    left: dict[UUID, str] = field(default_factory=dict)
    outage: OutageError | None = None


class _BytesUnderWay:
    """The account of what the publisher holds until the broker has it."""

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
    return len(found.key or b"") + len(found.value or b"") + compute_headers_size(found.original)


def _headers(found: DeadLetterRecord) -> Headers:
    return append_headers(found.original, build_replay_headers(found.place.letter_id, found.added))


_MISSING: Final = (
    "its retry topic {} does not exist; run `python -m messaging topics create`, then replay it "
    "again"
)
_SLOW: Final = "the broker does not acknowledge replayed letters"
