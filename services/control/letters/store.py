"""The index of dead letters and submissions in PostgreSQL."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import structlog

from contracts.control_api import (
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterState,
    ReplayableLetterCounts,
)
from contracts.errors import UNMENDABLE
from control.access.shared_secrets import SUBMITTER_SECRET, read_or_create_shared_secret
from control.domain import (
    AmbiguousDeadLetterIdError,
    BadRequestError,
    DeadLetterListPosition,
    DeadLetterPosition,
    DeadLetterSortOrder,
    IndexedDeadLetter,
    IndexedSubmission,
    InvalidDeadLetterIdError,
    UnknownDeadLetterError,
)
from control.letters.edits import LetterEditor
from control.letters.hopeless import find_hopeless_letters
from control.letters.indexer import LetterIndexer
from control.letters.rows import build_letter_row, read_letter_row
from control.queries import load_control_queries
from control.replays.claim_session import CLAIMS_LOCK, hold_claims_lock
from control.replays.overrides import PlanOverridesCache
from database.pool import Database, Record
from database.text import replace_nul
from prompts.notes import PROMPTS

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("store.sql")

OUTCOMES: Final[Mapping[DeadLetterState, DeadLetterState]] = {
    DeadLetterState.RESOLVED: DeadLetterState.REPLAYED,
    DeadLetterState.FAILED_AGAIN: DeadLetterState.REPLAYED,
    DeadLetterState.EXPIRED: DeadLetterState.DISCARDED,
}
"""States that the index keeps as another one with an outcome."""

UNSETTLED: Final = (DeadLetterState.OPEN, DeadLetterState.REPLAYING)
"""What the index finds fast, however many letters there are in the other states."""

_UNMENDABLE: Final = sorted(code.value for code in UNMENDABLE)

SHORTEST_PREFIX: Final = 4
"""Characters of a letter's id that people have to give at least."""

UUID_DIGITS: Final = 32


class ClaimedLetters(NamedTuple):
    """Result of claiming dead letters for a bulk replay: those examined, and those hopeless.

    Attributes:
        seen: all that it has looked at, in the order of their places in the DLQs.
        hopeless: those of them that are not claimed, and why: a key of ``hopeless.REASONS``.
    """

    seen: list[DeadLetterPosition]
    hopeless: dict[UUID, str]

    @property
    def claimed(self) -> list[DeadLetterPosition]:
        """Those that are claimed, in the same order."""
        return [letter for letter in self.seen if letter.letter_id not in self.hopeless]


class DeadLetterStore:
    """Store of the control service's index of dead letters and submissions in PostgreSQL.

    Attributes:
        claimant: the number by which letters that are claimed through this store are known.
        find_overrides: returns what replay plans set for their messages alone.
        editor: what is sent of letters that are edited.
        indexer: writes letters into the index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._submitter_secret = b""
        self.find_overrides = PlanOverridesCache(database).find
        self.editor = LetterEditor(database)
        self.claimant = secrets.randbelow(2**31 - 1) + 1
        self.indexer = LetterIndexer(database)

    async def submitter_secret(self) -> bytes:
        """Return the secret that proves who submitted a record through the API."""
        if not self._submitter_secret:
            self._submitter_secret = await read_or_create_shared_secret(
                self._database, SUBMITTER_SECRET
            )
        return self._submitter_secret

    async def index_letter(self, letter: IndexedDeadLetter) -> bool:
        """Index a letter as open; its own ``state`` and times of indexing are not looked at.

        A letter may be in its DLQ twice, because a service crashed, and it may be read again: the
        place where it was read last counts. Where the index has another letter at that place, the
        DLQ was made anew: the other one is displaced, which keeps its state but not its bytes.
        One whose message failed again after the letter was replayed or discarded is open again: its
        source may have been made anew, or read again, and nothing that failed is to stay hidden.
        A letter that an earlier version indexed is known at its place by the id in its headers.
        U+0000 in text is replaced; ``key`` is stored byte for byte.

        Returns:
            Whether the letter is new.
        """
        (is_new,) = await self.indexer.index([build_letter_row(letter)])
        return is_new

    async def index_submission(self, submission: IndexedSubmission) -> None:
        """Index a record on the topic of submissions; a second time changes nothing."""
        await self._database.execute(
            _QUERIES.insert_submission,
            submission.topic,
            submission.partition,
            submission.offset,
            submission.transcript_id,
            submission.revision,
            submission.content_sha256,
            submission.submitted_at,
            submission.submitted_by,
            submission.submitted_by_token,
        )

    async def letters(
        self,
        which: DeadLetterFilter | None = None,
        *,
        limit: int | None = 100,
        order: DeadLetterSortOrder = DeadLetterSortOrder.NEWEST_FIRST,
        after: DeadLetterListPosition | None = None,
        with_snoozed: bool = True,
    ) -> list[IndexedDeadLetter]:
        """Return the letters that pass the filter.

        Args:
            which: narrows by any of its fields; all letters if None.
            limit: at most so many; None for all.
            order: by when they were set aside.
            after: only letters behind this position in the order.
            with_snoozed: whether letters that are snoozed now are among them.
        """
        which = which or DeadLetterFilter()
        newest = order is DeadLetterSortOrder.NEWEST_FIRST
        state = OUTCOMES.get(which.state, which.state) if which.state else None
        rows = await self._database.fetch(
            _QUERIES.select_letters_newest_first
            if newest
            else _QUERIES.select_letters_oldest_first,
            format_filter(which),
            state,
            which.state not in UNSETTLED,
            limit,
            *(after or (None, None, None, None)),
            state in OUTCOMES.values(),
            which.state if which.state in OUTCOMES else None,
            with_snoozed,
        )
        return [read_letter_row(row) for row in rows]

    async def letter(self, letter_id: UUID | str) -> IndexedDeadLetter:
        """One letter, by its id or by the beginning of it, with or without dashes.

        Raises:
            InvalidDeadLetterIdError: fewer than four characters, or no part of an id.
            UnknownDeadLetterError: no letter's id begins like this.
            AmbiguousDeadLetterIdError: more than one does.
        """
        first, last = _id_range(str(letter_id))
        rows = await self._database.fetch(_QUERIES.select_letters_between, first, last)
        if not rows:
            raise UnknownDeadLetterError(
                f"there is no letter {letter_id}: `onrecord dlq list --state all` names them"
            )
        if len(rows) > 1:
            raise AmbiguousDeadLetterIdError(
                f"more than one letter's id begins with {letter_id}: give more of it"
            )
        return read_letter_row(rows[0])

    async def claim_for_replay(self, letter_id: UUID) -> bool:
        """Mark an open letter as being replayed; False if it is not open."""
        return await self._changed(_QUERIES.claim_for_replay, letter_id, self.claimant)

    async def require_known(self, model: str | None, prompt: str | None) -> None:
        """Require that letters can be of a model, and of a version of the prompt.

        Raises:
            BadRequestError: there is none of this name; says which there are.
        """
        if model is None and prompt is None:
            return
        known = await self._database.fetchrow(_QUERIES.select_models)
        assert known is not None
        prompts = sorted({*known["prompts"], *PROMPTS})
        for name, value, names in (
            ("model", model, known["models"]),
            ("prompt", prompt, prompts),
        ):
            if value is not None and value not in names:
                raise BadRequestError(
                    f"{name}: nothing was drafted with {value[:64]!r}; there are "
                    f"{', '.join(names) or 'none'}"
                )

    async def claim_many_for_replay(
        self,
        which: DeadLetterFilter,
        *,
        until: datetime,
        limit: int,
        after: tuple[str, int, int] = ("", -1, -1),
    ) -> ClaimedLetters:
        """Mark open letters as being replayed, but for those that a replay cannot mend.

        Letters of causes that no replay mends are left out, unless the filter names their cause,
        and so are those that are snoozed now. Which others are hopeless is found in the same
        transaction: what a crash leaves claimed is sent without another look.

        Args:
            which: narrows by any of its fields but the state.
            until: only letters set aside by then, so that those that die again do not come back.
            limit: at most so many.
            after: only letters behind this DLQ, partition and offset.

        Returns:
            The letters that were looked at, and which of them are hopeless and stay open.
        """
        names_cause = which.code is not None or which.cause is not None
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.walk_in_order)
            rows = await connection.fetch(
                _QUERIES.claim_many_for_replay,
                format_filter(which),
                until,
                limit,
                *after,
                _UNMENDABLE,
                self.claimant,
            )
            await connection.execute(_QUERIES.walk_as_planned)
            hopeless = await find_hopeless_letters(
                connection, [row["letter_id"] for row in rows], names_cause=names_cause
            )
            if hopeless:
                await connection.execute(_QUERIES.release_claims, [*hopeless], [], self.claimant)
        return ClaimedLetters(_places(rows), hopeless)

    async def find_latest_claim(
        self, which: DeadLetterFilter, *, until: datetime | None = None
    ) -> datetime | None:
        """Return when the latest of the letters that are being replayed was claimed.

        None if none of those meant is.

        Args:
            which: narrows by any of its fields but the state.
            until: only letters that were claimed by then.
        """
        found = await self._database.fetchval(
            _QUERIES.find_latest_claim, format_filter(which), until
        )
        return cast("datetime | None", found)

    async def count_left_out(
        self, which: DeadLetterFilter, *, until: datetime, force: bool = False
    ) -> dict[str, int]:
        """How many open letters of those meant ``claim_many_for_replay`` leaves out, by why.

        A reason is a cause that no replay mends, ``gone`` for letters whose place in the DLQ
        another one has, ``unknown_source`` for those without a source topic, or ``snoozed``.
        """
        rows = await self._database.fetch(
            _QUERIES.count_left_out,
            format_filter(which),
            until,
            [] if force else _UNMENDABLE,
        )
        return {row["reason"]: row["letters"] for row in rows}

    async def find_hopeless_letters(
        self, letter_ids: Collection[UUID], *, names_cause: bool = False
    ) -> dict[UUID, str]:
        """Return which of some letters a replay cannot mend as things are, and why.

        Args:
            letter_ids: of the letters.
            names_cause: whether their cause was asked for by name, so that it is no reason.
        """
        return await find_hopeless_letters(self._database, letter_ids, names_cause=names_cause)

    async def count_selection(
        self, which: DeadLetterFilter, *, force: bool = False
    ) -> ReplayableLetterCounts:
        """Count the open letters that match, whatever state the filter names.

        Why letters are left out is for ``count_left_out`` to count.

        Args:
            which: narrows by any of its fields but the state.
            force: whether letters of causes count that no replay mends.
        """
        row = await self._database.fetchrow(
            _QUERIES.count_selection, format_filter(which), [] if force else _UNMENDABLE
        )
        assert row is not None
        return ReplayableLetterCounts(**row)

    def hold_claims_lock(
        self, on_gone: Callable[[], object] = lambda: None
    ) -> AbstractAsyncContextManager[None]:
        """Let other replicas see that this one lives, so that they leave its letters alone.

        Args:
            on_gone: called when another replica is gone, whose letters may be taken over.
        """
        return hold_claims_lock(self._database, self.claimant, on_gone)

    async def take_over_interrupted(
        self, under_way: Collection[UUID], limit: int = 2_000
    ) -> list[DeadLetterPosition]:
        """Take over letters whose replay a crash may have cut short, in the order of the DLQs.

        Args:
            under_way: letters that this replica is at work on.
            limit: at most so many.
        """
        return _places(
            await self._database.fetch(
                _QUERIES.take_over_interrupted, self.claimant, list(under_way), CLAIMS_LOCK, limit
            )
        )

    async def release_claims(
        self, letter_ids: Sequence[UUID], *, may_be_sent: Collection[UUID] = ()
    ) -> None:
        """Open letters whose replay did not come to pass, unless another replica has them now.

        Args:
            letter_ids: of the letters.
            may_be_sent: those of them that the broker may have all the same.
        """
        await self._database.execute(
            _QUERIES.release_claims, list(letter_ids), list(may_be_sent), self.claimant
        )

    async def mark_many_replayed(self, letter_ids: Sequence[UUID]) -> None:
        """Mark claimed letters as replayed."""
        await self._database.execute(_QUERIES.mark_many_replayed, list(letter_ids))

    async def discard(self, letter_id: UUID, reason: str) -> bool:
        """Give up an open letter; False if it was not open.

        Raises:
            ValueError: the reason is empty.
        """
        if not reason.strip():
            raise ValueError("a letter is discarded for a reason: say which")
        return await self._changed(_QUERIES.discard, letter_id, replace_nul(reason.strip()))

    async def counts(self) -> list[DeadLetterCount]:
        """How many letters there are by service, state and cause."""
        return [
            DeadLetterCount(**row) for row in await self._database.fetch(_QUERIES.count_letters)
        ]

    async def _changed(self, query: str, *args: Any) -> bool:
        return await self._database.fetchval(query, *args) is not None


def format_filter(which: DeadLetterFilter) -> str:
    """Convert a filter of dead letters to the parameters of the SQL function ``letter_matches``."""
    return which.model_dump_json(exclude={"state"}, exclude_none=True)


def _places(rows: Sequence[Record]) -> list[DeadLetterPosition]:
    # An UPDATE returns its rows in any order.
    return sorted(DeadLetterPosition(*row) for row in rows)


def _id_range(prefix: str) -> tuple[UUID, UUID]:
    """The lowest and the highest id that begin with ``prefix``."""
    digits = prefix.strip().lower().replace("-", "")
    if not SHORTEST_PREFIX <= len(digits) <= UUID_DIGITS or not re.fullmatch(r"[0-9a-f]+", digits):
        raise InvalidDeadLetterIdError(
            f"a letter is named by its id or by at least {SHORTEST_PREFIX} of its first characters"
        )
    return UUID(digits.ljust(UUID_DIGITS, "0")), UUID(digits.ljust(UUID_DIGITS, "f"))
