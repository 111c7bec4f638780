"""Puts dead letters back: to the service that failed, and to no other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from contracts.control_api import (
    DeadLetterFilter,
    DeadLetterState,
    ReplayCursor,
    ReplayResult,
)
from contracts.errors import OnrecordError, OutageError
from contracts.topics import build_retry_topic
from control.background import running_in_background
from control.domain import (
    DeadLetterGoneError,
    DeadLetterNotOpenError,
    DeadLetterPosition,
    IndexedDeadLetter,
    RetryTopicMissingError,
    advance_replay_cursor,
    explain_expiry,
)
from control.hopeless import HopelessReplayError, explain_hopeless_replay
from control.letter_sender import DeadLetterSender, DeadLetterSendResult
from control.letters_in_hand import IN_HAND_S, wait_for_letters_in_hand
from control.reader import DeadLetterReader
from control.store import ClaimedLetters, DeadLetterStore
from messaging import Publisher

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Letters that are claimed, sent and marked together."""

UNDER_WAY: Final = 2
"""Batches that are sent, but not all acknowledged and marked, while the next one is being sent."""

REPAIR_PAUSE_S: Final = 1.0
"""Seconds between two tries to bring the index up to date after an outage."""

LOOK_AGAIN_S: Final = 300.0
"""Seconds between two looks for letters that nobody works on, such as those of a replica that came
and went between two looks at which ones live. A look goes through all open letters."""

GONE: Final = "its DLQ does not have it at its place any more"


@dataclass(frozen=True, slots=True)
class ReplayTimings:
    """Times that a replayer waits, in seconds.

    Attributes:
        repair_pause_s: between two tries to repair the index.
        look_again_s: until letters are looked for that nobody works on, if nothing tells of any.
        in_hand_s: longest that a replay of many waits for letters that others are sending.
    """

    repair_pause_s: float = REPAIR_PAUSE_S
    look_again_s: float = LOOK_AGAIN_S
    in_hand_s: float = IN_HAND_S


_USUAL: Final = ReplayTimings()


class DeadLetterReplayer:
    """Replayer that sends dead letters back to the services that failed, at least once.

    That is harmless, since effects are idempotent by id. A letter is claimed in the index before
    it is sent and marked after the broker has it, so that one that a crash left in between is
    known::

        open ─▶ replaying ─▶ replayed        claimed, sent, acknowledged, marked
                    ├─▶ open                 it could not be sent, or is gone
                    └─▶ (stays)              the database was away, or Kafka while a plan sent
                                             it: ``repairing`` settles it

    Args:
        store: the index, which knows where a letter stands.
        reader: fetches a letter's bytes.
        publisher: sends them to ``<service>-retry-0``.
        timings: how long it waits.

    Attributes:
        sender: sends the letters' messages, and limits how many are under way.
    """

    def __init__(
        self,
        store: DeadLetterStore,
        reader: DeadLetterReader,
        publisher: Publisher,
        timings: ReplayTimings = _USUAL,
    ) -> None:
        self._store = store
        self._reader = reader
        self.sender = DeadLetterSender(reader, publisher, store.find_overrides, store.editor)
        self._timings = timings
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming = asyncio.Lock()
        self._finishing = asyncio.Lock()
        self._under_way: set[UUID] = set()
        self._acknowledged: set[UUID] = set()
        self._cut_short: set[asyncio.Task[None]] = set()
        self._doubt = asyncio.Event()
        self._look = asyncio.Event()
        self._is_repairing = False
        self._is_sending_again = False

    @property
    def is_repair_due(self) -> bool:
        """Whether letters may be left ``replaying`` that ``repairing`` has yet to settle."""
        is_at_it = self._is_repairing or self._is_sending_again
        return is_at_it or self._doubt.is_set() or bool(self._cut_short)

    def repair_soon(self) -> None:
        """Have ``repairing`` look now for letters that nobody works on.

        That some are left is no more likely than before, so no repair is due.
        """
        self._look.set()

    async def replay(self, letter_id: UUID | str, *, force: bool = False) -> IndexedDeadLetter:
        """Put one letter back, byte for byte.

        Args:
            letter_id: its id, or the beginning of it.
            force: whether one goes back that a replay cannot mend as things are.

        Returns:
            The letter as the index has it now.

        Raises:
            DeadLetterLookupError: no letter, or more than one, has this id.
            DeadLetterNotOpenError: it was replayed or discarded before, or lacks the place it
                came from.
            HopelessReplayError: a replay cannot mend it, and it is not forced.
            DeadLetterGoneError: it expired, or its DLQ does not have it any more.
            OriginalGoneError: it is a stub, and its message is not at its place any more.
            OriginalTooLargeError: it is a stub of a message that is still too large.
            RecordTooLargeError: the retry topic does not take it.
            RetryTopicMissingError: there is no retry topic to put it into.
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        letter = await self._store.letter(letter_id)
        if letter.state is DeadLetterState.EXPIRED:
            raise DeadLetterGoneError(explain_expiry(letter))
        if letter.source_topic is None:
            raise DeadLetterNotOpenError(
                f"letter {letter.letter_id} does not have the place it came from"
            )
        hopeless = {} if force else await self._store.find_hopeless_letters([letter.letter_id])
        if letter.letter_id in hopeless and letter.state is DeadLetterState.OPEN:
            raise HopelessReplayError(letter.letter_id, hopeless[letter.letter_id])
        if why := (await self.sender.find_missing_topics({letter.service})).get(letter.service):
            raise RetryTopicMissingError(why)
        # Claimed only if it is still there.
        found = await self._reader.whole(await self._reader.read(letter.place))
        if not await self._claim_one(letter.letter_id):
            raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        with self._answering_for([letter.letter_id]):
            try:
                await self.sender.send_one(letter.service, found)
            except OnrecordError as error:
                unknown = [letter.letter_id] if isinstance(error, OutageError) else []
                await self._release([letter.letter_id], may_be_sent=unknown)
                raise
        await self._mark([letter.letter_id])
        topic = build_retry_topic(letter.service, 0).name
        log.info("replayed", letter_id=str(letter.letter_id), topic=topic)
        return await self._store.letter(letter.letter_id)

    async def replay_many(
        self, which: DeadLetterFilter, *, limit: int, begin: ReplayCursor | None = None
    ) -> ReplayResult:
        """Put back the open letters that are meant, in the order in which the DLQs have them.

        First go those that a crash left behind, and those that others are sending: others of the
        same interviews come after them. While some letters are being sent, the next ones are
        claimed and the ones before marked. Letters that cannot be put back are open again, as are
        those that a replay cannot mend as things are. Letters of causes that no replay mends are
        left out, unless the filter names their cause.

        Args:
            which: narrows by any of its fields but the state.
            limit: at most so many.
            begin: where the replay before ended; at the beginning of the DLQs if None.

        Returns:
            What became of the letters, and where to go on.

        Raises:
            LettersInHandError: others are sending letters that are meant, for long; try again.
            KafkaUnavailableError, DatabaseUnavailableError: try again later; what was put back
                until then is marked.
        """
        point = begin or ReplayCursor(until=datetime.now(UTC))
        replays = ReplayResult()
        if begin is None:
            await self.finish_interrupted()
            in_hand_s = self._timings.in_hand_s
            await wait_for_letters_in_hand(self._store, self.sender, which, in_hand_s)
            replays.left_out = await self._store.count_left_out(which, until=point.until)
        settling: deque[asyncio.Task[None]] = deque()
        claiming = self._claim(which, point, limit)
        try:
            while (found := await claiming).seen:
                letters = found.claimed
                limit -= len(found.seen)
                point = advance_replay_cursor(point, found.seen[-1])
                claiming = self._claim(which, point, limit)
                replays.not_replayed |= {
                    one: explain_hopeless_replay(why) for one, why in found.hopeless.items()
                }
                with self._answering_for([letter.letter_id for letter in letters]):
                    sent = await self.sender.send(letters)
                settling.append(self._settle_soon(letters, sent, replays))
                if sent.outage is not None:
                    break  # what is behind stays behind
                if len(settling) > UNDER_WAY:
                    await self.sender.wait_until_settled(settling.popleft())
            replays.next = None if limit else point
            while settling:
                await self.sender.wait_until_settled(settling.popleft())
        finally:
            await asyncio.shield(self._give_back(claiming))
        return replays

    async def replay_claimed(
        self,
        claim: Callable[[], Awaitable[list[DeadLetterPosition] | None]],
        replays: ReplayResult,
    ) -> asyncio.Task[None] | None:
        """Send letters that somebody claims; ``sender.wait_until_settled`` waits for the rest.

        Letters that an outage keeps from the broker stay ``replaying``, and are sent by
        ``repairing``: whoever claimed them has gone on behind them.

        Args:
            claim: claims them in the index, under this replica's name; None if there is nothing to
                be claimed any more.
            replays: gets what became of them.

        Returns:
            What waits for the broker and marks the letters; None if nothing was claimed.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        with self._doubting():
            async with self._claiming:
                if (letters := await claim()) is None:
                    return None
                self._under_way.update(letter.letter_id for letter in letters)
        # In the order of the DLQs, as they are read; those of one interview keep their order.
        letters = sorted(letters)
        with self._answering_for([letter.letter_id for letter in letters]):
            sent = await self.sender.send(letters)
        return self._settle_soon(letters, sent, replays, keeps=True)

    async def finish_interrupted(self) -> int:
        """Do again the replays that a crash or an outage cut short; how many were finished.

        Letters that cannot be put back are open again, for somebody to look at; those that an
        outage keeps from the broker stay ``replaying``. Those that another replica is at work on
        are left to it. Where this one is doing it already, it comes to an end first.

        Raises:
            KafkaUnavailableError, DatabaseUnavailableError: try again later.
        """
        replays = ReplayResult()
        async with self._finishing:
            try:
                while letters := await self._take_over():
                    self._is_sending_again = True
                    await self._send_again(letters, replays)
            finally:
                self._is_sending_again = False
        for letter_id, why in replays.not_replayed.items():
            log.warning("not_replayed", letter_id=str(letter_id), reason=why)
        return len(replays.replayed)

    @asynccontextmanager
    async def repairing(self) -> AsyncIterator[None]:
        """For as long as the context lasts, settle what a crash or an outage left ``replaying``.

        Looks once at the beginning, when another replica is gone, now and then, and after every
        outage until the index is up to date again.
        """
        self._doubt.set()
        async with self._store.hold_claims_lock(on_gone=self._doubt.set):
            try:
                async with running_in_background(self._repair()):
                    yield
            finally:
                await self.close()

    async def close(self) -> None:
        """Wait no longer for the broker; letters still on their way are done again at the start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repair(self) -> None:
        while True:
            await self._wait_for_doubt()
            self._is_repairing = self._doubt.is_set()
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
            finally:
                self._is_repairing = False
            if self._doubt.is_set():
                await asyncio.sleep(self._timings.repair_pause_s)

    async def _wait_for_doubt(self) -> None:
        """Wait until there may be something to repair, or it is time to look."""
        woken = [asyncio.create_task(one.wait()) for one in (self._doubt, self._look)]
        try:
            await asyncio.wait(
                woken, timeout=self._timings.look_again_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for one in woken:
                one.cancel()
        self._look.clear()

    async def _send_again(
        self, letters: Sequence[DeadLetterPosition], replays: ReplayResult
    ) -> None:
        """Send letters that were cut short; one that raises what nobody foresaw is open again.

        Which one that is shows by halves: the others go back, some a second time.
        """
        letter_ids = [letter.letter_id for letter in letters]
        self._under_way.update(letter_ids)
        try:
            with self._answering_for(letter_ids):
                sent = await self.sender.send(letters)
                await self.sender.wait_until_settled(
                    self._settle_soon(letters, sent, replays, keeps=True, is_again=True)
                )
        except OutageError:
            raise
        except Exception:
            if len(letters) > 1:
                middle = len(letters) // 2
                await self._send_again(letters[:middle], replays)
                await self._send_again(letters[middle:], replays)
                return
            log.exception("not_replayed", letter_id=str(letter_ids[0]))
            await self._release(letter_ids, may_be_sent=letter_ids)

    async def _take_over(self) -> list[DeadLetterPosition]:
        async with self._claiming:
            letters = await self._store.take_over_interrupted(self._under_way, BATCH)
            self._under_way.update(letter.letter_id for letter in letters)
        return letters

    async def _claim_one(self, letter_id: UUID) -> bool:
        with self._doubting():
            async with self._claiming:
                if claimed := await self._store.claim_for_replay(letter_id):
                    self._under_way.add(letter_id)
                return claimed

    def _claim(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> asyncio.Task[ClaimedLetters]:
        return asyncio.create_task(self._claim_many(which, point, min(BATCH, limit)))

    async def _claim_many(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> ClaimedLetters:
        with self._doubting():
            async with self._claiming:
                found = await self._store.claim_many_for_replay(
                    which, until=point.until, after=point.after, limit=limit
                )
                self._under_way.update(letter.letter_id for letter in found.claimed)
                return found

    async def _give_back(self, claiming: asyncio.Task[ClaimedLetters]) -> None:
        with suppress(OnrecordError):
            if letters := (await claiming).claimed:
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

    async def _release(
        self, letter_ids: Sequence[UUID], *, may_be_sent: Collection[UUID] = ()
    ) -> None:
        """Open letters again; should the database be away, they are replayed later."""
        try:
            with self._doubting():
                await self._store.release_claims(letter_ids, may_be_sent=may_be_sent)
        finally:
            # Not before: what is neither under way nor open is sent by ``repairing``.
            self._under_way.difference_update(letter_ids)

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

    def _settle_soon(
        self,
        letters: Sequence[DeadLetterPosition],
        sent: DeadLetterSendResult,
        replays: ReplayResult,
        *,
        keeps: bool = False,
        is_again: bool = False,
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(
            self._settle(letters, sent, replays, keeps=keeps, is_again=is_again)
        )
        self._tasks.add(task)
        if keeps and sent.outage is not None:
            self._cut_short.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._cut_short.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nobody may wait for it any more.
            log.warning("replay_cut_short", reason=str(error))

    async def _settle(
        self,
        letters: Sequence[DeadLetterPosition],
        sent: DeadLetterSendResult,
        replays: ReplayResult,
        *,
        keeps: bool,
        is_again: bool,
    ) -> None:
        """Wait for delivery reports, and mark letters that were sent and open those that cannot be.

        Args:
            letters: all that were to be sent.
            sent: their reports.
            replays: gets what became of them.
            keeps: whether those that an outage cut short are kept for ``repairing``.
            is_again: whether somebody may have sent them before, and could not say so.
        """
        unanswered = {one.letter_id for one in letters}.difference(sent.left)
        left = dict(sent.left)
        replayed: list[UUID] = []
        outage = sent.outage
        for letter_ids, report in sent.reports:
            for letter_id, error in zip(letter_ids, await report, strict=True):
                if isinstance(error, OutageError):
                    outage = outage or error
                    continue
                unanswered.discard(letter_id)
                if error is None:
                    replayed.append(letter_id)
                else:
                    left[letter_id] = str(error)
        if outage is None:
            left |= dict.fromkeys(unanswered, GONE)
        released = [*left] if outage is None or keeps else [*left, *unanswered]
        try:
            await self._mark(replayed)
            replays.replayed += replayed
        finally:
            if released:
                doubtful = released if is_again else unanswered if outage else ()
                await self._release(released, may_be_sent=doubtful)
            if outage is not None and keeps:
                self._under_way.difference_update(unanswered)
                self._doubt.set()
        replays.not_replayed |= left
        if outage is not None:
            raise outage
