"""Settles replays that a crash or an outage cut short: their letters are sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from contracts.control_api import ReplayResult
from contracts.errors import OutageError
from control.background import running_in_background
from control.domain import DeadLetterPosition
from control.letters.store import DeadLetterStore
from control.replays.claims import LetterClaims
from control.replays.sender import DeadLetterSender
from control.replays.sent_letters import SentLetters, SentLetterSettler

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Letters that are taken over, sent and marked together."""


class ReplayRepairer:
    """Background task that looks for claimed letters which nobody works on, and sends them.

    Args:
        store: the index.
        claims: the letters that this replica answers for; its ``doubt`` wakes the task.
        sender: sends letters.
        settler: settles them.
        pause_s: seconds between two tries after an outage.
        look_again_s: seconds until it looks although no doubt was raised.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        store: DeadLetterStore,
        claims: LetterClaims,
        sender: DeadLetterSender,
        settler: SentLetterSettler,
        *,
        pause_s: float,
        look_again_s: float,
    ) -> None:
        self._store = store
        self._claims = claims
        self._sender = sender
        self._settler = settler
        self._pause_s = pause_s
        self._look_again_s = look_again_s
        self._finishing = asyncio.Lock()
        self._look = asyncio.Event()
        self._is_repairing = False
        self._is_sending_again = False

    @property
    def is_due(self) -> bool:
        """Whether letters may be left claimed that are yet to be settled."""
        is_at_it = self._is_repairing or self._is_sending_again
        return is_at_it or self._claims.doubt.is_set() or self._settler.has_cut_short

    def look_soon(self) -> None:
        """Look now; that some are left is no more likely than before, so nothing is due."""
        self._look.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """For as long as the context lasts, settle what a crash or an outage left claimed.

        Looks once at the beginning, when another replica is gone, now and then, and after every
        outage until the index is up to date again.
        """
        doubt = self._claims.doubt
        doubt.set()
        async with self._store.hold_claims_lock(on_gone=doubt.set):
            try:
                async with running_in_background(self._repair()):
                    yield
            finally:
                await self._settler.close()

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
                while letters := await self._claims.take_over(BATCH):
                    self._is_sending_again = True
                    await self._send_again(letters, replays)
            finally:
                self._is_sending_again = False
        for letter_id, why in replays.not_replayed.items():
            log.warning("not_replayed", letter_id=str(letter_id), reason=why)
        return len(replays.replayed)

    async def _repair(self) -> None:
        doubt = self._claims.doubt
        while True:
            await self._wait_for_doubt()
            self._is_repairing = doubt.is_set()
            doubt.clear()
            try:
                await self._claims.mark_acknowledged()
                if finished := await self.finish_interrupted():
                    log.info("interrupted_replays_finished", letters=finished)
            except OutageError as error:
                log.warning("replays_not_settled", reason=str(error))
                doubt.set()
            except Exception:
                log.exception("replays_not_settled")
                doubt.set()
            finally:
                self._is_repairing = False
            if doubt.is_set():
                await asyncio.sleep(self._pause_s)

    async def _wait_for_doubt(self) -> None:
        """Wait until there may be something to repair, or it is time to look."""
        woken = [asyncio.create_task(one.wait()) for one in (self._claims.doubt, self._look)]
        try:
            await asyncio.wait(
                woken, timeout=self._look_again_s, return_when=asyncio.FIRST_COMPLETED
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
        self._claims.resume(letter_ids)
        try:
            with self._claims.answering_for(letter_ids):
                sent = await self._sender.send(letters)
                some = SentLetters(letters, sent, replays, keeps=True, is_again=True)
                await self._sender.wait_until_settled(self._settler.settle_soon(some))
        except OutageError:
            raise
        except Exception:
            if len(letters) > 1:
                middle = len(letters) // 2
                await self._send_again(letters[:middle], replays)
                await self._send_again(letters[middle:], replays)
                return
            log.exception("not_replayed", letter_id=str(letter_ids[0]))
            await self._claims.release(letter_ids, may_be_sent=letter_ids)
