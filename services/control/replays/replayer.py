"""Puts dead letters back: to the service that failed, and to no other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
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
from control.domain import (
    DeadLetterGoneError,
    DeadLetterNotOpenError,
    DeadLetterPosition,
    IndexedDeadLetter,
    RetryTopicMissingError,
    advance_replay_cursor,
    explain_expiry,
)
from control.letters.hopeless import HopelessReplayError, explain_hopeless_replay
from control.letters.reader import DeadLetterReader
from control.letters.store import ClaimedLetters, DeadLetterStore
from control.replays.claims import LetterClaims
from control.replays.letters_in_hand import IN_HAND_S, wait_for_letters_in_hand
from control.replays.repairs import ReplayRepairer
from control.replays.sender import DeadLetterSender
from control.replays.sent_letters import SentLetters, SentLetterSettler
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
        claims: the letters that this replica answers for.
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
        self._timings = timings
        self.sender = DeadLetterSender(reader, publisher, store.find_overrides, store.editor)
        self.claims = LetterClaims(store)
        self._settler = SentLetterSettler(self.claims)
        self._repairer = ReplayRepairer(
            store,
            self.claims,
            self.sender,
            self._settler,
            pause_s=timings.repair_pause_s,
            look_again_s=timings.look_again_s,
        )

    @property
    def is_repair_due(self) -> bool:
        """Whether letters may be left ``replaying`` that ``repairing`` has yet to settle."""
        return self._repairer.is_due

    def repair_soon(self) -> None:
        """Have ``repairing`` look now for letters that nobody works on.

        That some are left is no more likely than before, so no repair is due.
        """
        self._repairer.look_soon()

    def repairing(self) -> AbstractAsyncContextManager[None]:
        """For as long as the context lasts, settle what a crash or an outage left ``replaying``."""
        return self._repairer.running()

    async def finish_interrupted(self) -> int:
        """Do again the replays that were cut short; as ``ReplayRepairer.finish_interrupted``."""
        return await self._repairer.finish_interrupted()

    async def close(self) -> None:
        """Wait no longer for the broker; letters still on their way are done again at the start."""
        await self._settler.close()

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
        async with self.claims.claiming() as look_after:
            if is_claimed := await self._store.claim_for_replay(letter.letter_id):
                look_after([letter.letter_id])
        if not is_claimed:
            raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        with self.claims.answering_for([letter.letter_id]):
            try:
                await self.sender.send_one(letter.service, found)
            except OnrecordError as error:
                unknown = [letter.letter_id] if isinstance(error, OutageError) else []
                await self.claims.release([letter.letter_id], may_be_sent=unknown)
                raise
        await self.claims.mark([letter.letter_id])
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
                with self.claims.answering_for([letter.letter_id for letter in letters]):
                    sent = await self.sender.send(letters)
                settling.append(self._settler.settle_soon(SentLetters(letters, sent, replays)))
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

    async def send_claimed(
        self, letters: Sequence[DeadLetterPosition], replays: ReplayResult
    ) -> asyncio.Task[None]:
        """Send letters that were claimed by ``claims``; ``sender.wait_until_settled`` waits for it.

        Letters that an outage keeps from the broker stay ``replaying``, and are sent by
        ``repairing``: whoever claimed them has gone on behind them.

        Args:
            letters: in any order; they are sent in that of the DLQs.
            replays: gets what became of them.

        Returns:
            What waits for the broker and marks the letters.
        """
        # As they are read; those of one interview keep their order.
        letters = sorted(letters)
        with self.claims.answering_for([letter.letter_id for letter in letters]):
            sent = await self.sender.send(letters)
        return self._settler.settle_soon(SentLetters(letters, sent, replays, keeps=True))

    def _claim(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> asyncio.Task[ClaimedLetters]:
        return asyncio.create_task(self._claim_many(which, point, min(BATCH, limit)))

    async def _claim_many(
        self, which: DeadLetterFilter, point: ReplayCursor, limit: int
    ) -> ClaimedLetters:
        async with self.claims.claiming() as look_after:
            found = await self._store.claim_many_for_replay(
                which, until=point.until, after=point.after, limit=limit
            )
            look_after(letter.letter_id for letter in found.claimed)
        return found

    async def _give_back(self, claiming: asyncio.Task[ClaimedLetters]) -> None:
        with suppress(OnrecordError):
            if letters := (await claiming).claimed:
                await self.claims.release([letter.letter_id for letter in letters])
