"""Letters that this replica has claimed and answers for, until they are marked or open again."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from control.domain import DeadLetterPosition
from control.letters.store import DeadLetterStore


class LetterClaims:
    """Letters that this replica is at work on, so that repairs leave them alone.

    What is claimed by this replica in the index and not under way here was cut short: whoever
    cannot tell whether a change came to pass says so by ``doubt``, and a repair looks.

    Args:
        store: the index.

    Attributes:
        doubt: set while letters may be left claimed that nobody works on.
    """

    def __init__(self, store: DeadLetterStore) -> None:
        self._store = store
        self._claiming = asyncio.Lock()
        self._under_way: set[UUID] = set()
        self._acknowledged: set[UUID] = set()
        self.doubt = asyncio.Event()

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[Callable[[Iterable[UUID]], None]]:
        """Claim letters in the index within the context, in this replica's name.

        Yields:
            What takes the ids of those that are claimed; they are looked after from then on.
        """
        with self.doubting():
            async with self._claiming:
                yield self.resume

    async def take_over(self, limit: int) -> list[DeadLetterPosition]:
        """Take over letters whose replay was cut short; none that are under way here."""
        async with self._claiming:
            letters = await self._store.take_over_interrupted(self._under_way, limit)
            self._under_way.update(letter.letter_id for letter in letters)
        return letters

    def resume(self, letter_ids: Iterable[UUID]) -> None:
        """Look after letters that are claimed, from now on."""
        self._under_way.update(letter_ids)

    def give_up(self, letter_ids: Iterable[UUID]) -> None:
        """Leave letters that are still claimed to the next repair."""
        self._under_way.difference_update(letter_ids)
        self.doubt.set()

    async def mark(self, letter_ids: Iterable[UUID]) -> None:
        """Mark letters that the broker has; should the database be away, it is done later."""
        marked = list(letter_ids)
        self._acknowledged.update(marked)
        if marked:
            with self.doubting():
                await self._store.mark_many_replayed(marked)
        self._acknowledged.difference_update(marked)
        self._under_way.difference_update(marked)

    async def mark_acknowledged(self) -> None:
        """Mark the letters that the broker has, and that could not be marked before."""
        await self.mark(self._acknowledged)

    async def release(
        self, letter_ids: Sequence[UUID], *, may_be_sent: Collection[UUID] = ()
    ) -> None:
        """Open letters again; should the database be away, they are replayed later."""
        async with self.handing_back(letter_ids):
            await self._store.release_claims(letter_ids, may_be_sent=may_be_sent)

    @asynccontextmanager
    async def handing_back(self, letter_ids: Sequence[UUID]) -> AsyncIterator[None]:
        """Open letters again within the context, and look after them no longer.

        Should the database be away, they are replayed later.
        """
        try:
            with self.doubting():
                yield
        finally:
            # Not before: what is neither under way nor open is sent by a repair.
            self._under_way.difference_update(letter_ids)

    @contextmanager
    def answering_for(self, letter_ids: Iterable[UUID]) -> Iterator[None]:
        """Have letters looked after by a repair if work on them is cut short."""
        try:
            yield
        except BaseException:
            self._under_way.difference_update({*letter_ids} - self._acknowledged)
            self.doubt.set()
            raise

    @contextmanager
    def doubting(self) -> Iterator[None]:
        """Have the index looked through if it is not known whether a change came to pass."""
        try:
            yield
        except BaseException:
            self.doubt.set()
            raise
