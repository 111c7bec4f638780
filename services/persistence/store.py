"""Store of transcripts and notes in PostgreSQL: each once, however often its event arrives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from contracts.errors import BadMessageError, OutageError, RetryableError
from contracts.events import Event, NotesStored, NotesValidated, TranscriptIngested
from database.errors import DatabaseConflictError
from database.group_commit import GroupCommitter
from database.pool import Database, Record
from persistence import pending
from persistence.domain import UngroundedWriteError, UnstorableEventError
from persistence.drafts import (
    build_all_notes_stored,
    build_notes_stored,
    build_notes_stored_for_first_draft,
    insert_draft_rows,
    lock_chunk,
    may_store_draft,
)
from persistence.groups import (
    LOCK_WAIT_S,
    MAX_DRAFTS,
    GroupedDraft,
    NotesInFlight,
    NotInGroup,
    Outcome,
    group_draft,
    store_group,
)
from persistence.interviews import insert_interview, name_interview, take_revision
from persistence.metrics import record_reading_report, record_stored_notes
from persistence.repeats import (
    ComparisonThread,
    InterviewNotesSnapshot,
    RepeatFinder,
    prepare_repeat_finder,
)
from rehearsal import get_rehearsal

log = structlog.get_logger(__name__)

TRANSACTIONS: Final = 8
"""Transactions that store interviews and drafts at the same time, by default."""

GROUPS: Final = 2
"""How many of them are for groups of drafts. All drafts of an interview go to groups of one of the
two, so that they do not wait for each other's locks."""

LEFT_FOR_OTHERS: Final = 2
"""How many of them are neither used for groups nor for joining drafts with their interviews, so
that an interview with many does not hold up the messages beside it."""

MAX_COMPARISONS: Final = 10
"""How often a draft is compared anew because others have stored notes of its meanings meanwhile."""

MAX_KNOWN_INTERVIEWS: Final = 1_000
"""Interviews of which it is remembered that they are stored."""

MAX_GROUPS: Final = 6
"""How many groups a draft goes with before it is stored alone."""

GROUNDING_CONSTRAINTS: Final = frozenset(
    {"evidence_is_exact", "evidence_cites_a_segment", "note_has_evidence"}
)
"""Constraints of the migrations by which PostgreSQL refuses ungrounded notes."""

REFUSALS: Final = (
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.NotNullViolationError,
    asyncpg.DataError,
)
"""PostgreSQL's errors about values that it does not accept: no retry can help."""


class NotesStore:
    """Store of transcripts and their notes in PostgreSQL.

    Both methods are idempotent, and safe when the same event is handled twice at once. They raise
    as ``Database`` does when PostgreSQL is down or another transaction is in the way.

    Args:
        database: has a connection for each transaction.
        transactions: how many may be open at the same time.
    """

    def __init__(self, database: Database, transactions: int = TRANSACTIONS) -> None:
        self._database = database
        self._comparing = ComparisonThread()
        alone = max(1, transactions - GROUPS)
        self._alone = asyncio.Semaphore(alone)
        self._joining_at_once = max(1, alone - LEFT_FOR_OTHERS)
        self._joining = asyncio.Semaphore(self._joining_at_once)
        self._groups: GroupCommitter[GroupedDraft, Outcome] = GroupCommitter(
            self._store_group,
            key=lambda draft: draft.event.transcript_id.int % GROUPS,
            most=MAX_DRAFTS,
            share=lambda draft: draft.share,
        )
        self._in_flight = NotesInFlight()
        self._known: dict[UUID, None] = {}
        self._held: dict[UUID, asyncio.Future[DatabaseConflictError | None]] = {}

    def load(self) -> None:
        """Start loading what comparing notes takes; storing goes on meanwhile."""
        self._comparing.load()

    async def store_transcript(self, event: TranscriptIngested) -> tuple[Event, ...]:
        """Store a transcript's segments and the list of its chunks, then the drafts that waited.

        Returns:
            What is stored for the chunks whose drafts waited, also when they were joined by an
            earlier delivery, whose events may be lost; and each draft that cannot be stored,
            which goes back to its topic, so that its own message fails. Nothing, and nothing is
            stored, if the interview was erased.

        Raises:
            RevisionConflictError: the revision is stored with other content.
            UnstorableEventError: PostgreSQL cannot hold it, or it has a number or a chunk twice,
                or a chunk of another interview.
        """
        with _refusals_named(name_interview(event)):
            async with self._alone, self._database.transaction() as connection:
                await pending.lock_interview(connection, event)
                is_new = await take_revision(connection, event)
                if is_new is None:
                    return ()
                if is_new:
                    await insert_interview(connection, event)
        if is_new and get_rehearsal() is None:
            record_reading_report(event)
        self._remember(event.transcript_id)
        return await self._join(event, is_new=is_new)

    async def store_notes(
        self, event: NotesValidated, origin: pending.MessageOrigin = pending.NO_ORIGIN
    ) -> NotesStored | None:
        """Store a chunk's draft: its notes, and the refused ones with their reasons.

        The first final draft completes the chunk; another one that arrives later changes nothing.
        A draft that leaves the chunk open is stored even if it is late; a replay of it may complete
        the chunk, if it is judged by other standards then. A note that repeats an
        earlier note of the interview is stored as a repeat of that one.

        Args:
            event: the draft.
            origin: where its message was read first.

        Returns:
            What is stored for the chunk now, by this event or by an earlier one; None if the
            transcript is not there yet, and the draft is kept until it is, or if the interview was
            erased.

        Raises:
            UngroundedWriteError: a quote or a speaker is not the stored transcript's.
            RevisionConflictError: the revision is stored with other content.
            UnstorableEventError: the chunk belongs to another transcript, or PostgreSQL cannot
                hold a value.
        """
        try:
            # A rehearsal has a transaction of its own, which is rolled back.
            if get_rehearsal() is not None:
                return await self._store_alone(event, origin)
            return await self._store_draft(event, origin)
        except BadMessageError:
            await pending.delete_failed_draft(
                self._database, event, origin
            )  # its dead letter has it
            raise

    async def _store_draft(
        self, event: NotesValidated, origin: pending.MessageOrigin
    ) -> NotesStored | None:
        """Store a draft with others, or alone where it needs more than a group does."""
        repeats = await prepare_repeat_finder(event, self._comparing)
        draft = group_draft(event, origin, repeats)
        with self._in_flight.having(draft):
            if event.transcript_id in self._known:
                await repeats.compare_ahead(self._in_flight.get_others(draft))
            for _ in range(MAX_GROUPS):
                outcome = await self._groups.submit(draft)
                if isinstance(outcome, NotesStored):
                    self._remember(event.transcript_id)
                    return outcome
                if isinstance(outcome, InterviewNotesSnapshot):
                    others = self._in_flight.get_others(draft)
                    await repeats.resolve(self._database, outcome, others)  # in no transaction
                elif outcome is NotInGroup.KEPT:
                    return None
                elif outcome is NotInGroup.ALONE:
                    break
                elif outcome is NotInGroup.HELD and not await self._is_released(event):
                    return await self._store_first_of_held(event, origin, repeats)
            return await self._store_alone(event, origin, repeats)

    def _remember(self, transcript_id: UUID) -> None:
        """Note that an interview's transcript is stored, so that comparing its notes is of use."""
        self._known.pop(transcript_id, None)
        self._known[transcript_id] = None
        if len(self._known) > MAX_KNOWN_INTERVIEWS:
            del self._known[next(iter(self._known))]

    async def _store_group(self, drafts: Sequence[GroupedDraft]) -> Sequence[Outcome]:
        """Store a group of drafts; if it fails, each is stored alone, and has its own error.

        Raises:
            OutageError: PostgreSQL is away for all of them, and not because of one.
            DatabaseConflictError: others are in the way of the only draft.
        """
        began = time.monotonic()
        try:
            async with self._database.transaction() as connection:
                stored = await store_group(connection, drafts)
        except OutageError:
            if len(drafts) == 1:
                raise
            await self._database.ping()  # or it is an outage
            return [NotInGroup.ALONE] * len(drafts)
        except Exception as error:
            is_retried = isinstance(error, DatabaseConflictError) and len(drafts) == 1
            if is_retried and time.monotonic() - began < LOCK_WAIT_S:
                raise  # it waited for nobody, and would not be better off alone
            log.info("group_failed", drafts=len(drafts), error=type(error).__name__)
            is_blocked = isinstance(error, DatabaseConflictError)
            return [NotInGroup.HELD if is_blocked else NotInGroup.ALONE] * len(drafts)
        record_stored_notes(stored.notes)  # they are committed by now
        return stored.outcomes

    async def _is_released(self, event: NotesValidated) -> bool:
        """Wait for the draft that waits for a lock of its interview; False if none does.

        Raises:
            DatabaseConflictError: it has waited in vain.
        """
        if (waiting := self._held.get(event.transcript_id)) is None:
            return False
        if (failed := await asyncio.shield(waiting)) is not None:
            raise DatabaseConflictError(str(failed)) from failed
        return True

    async def _store_first_of_held(
        self, event: NotesValidated, origin: pending.MessageOrigin, repeats: RepeatFinder
    ) -> NotesStored | None:
        """Store a draft of an interview of which somebody holds a lock, and wait for the lock.

        Others of the interview wait for this one meanwhile, and not with a transaction each.
        """
        released = self._held[event.transcript_id] = asyncio.get_running_loop().create_future()
        failed = None
        try:
            return await self._store_alone(event, origin, repeats)
        except DatabaseConflictError as error:
            if isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                failed = error  # which the others would wait for in vain, too
            raise
        finally:
            del self._held[event.transcript_id]
            released.set_result(failed)

    async def _store_alone(
        self,
        event: NotesValidated,
        origin: pending.MessageOrigin,
        repeats: RepeatFinder | None = None,
    ) -> NotesStored | None:
        with _refusals_named(f"chunk {event.chunk_id}"):
            for _ in range(MAX_COMPARISONS):
                async with self._alone, self._database.transaction() as connection:
                    chunk = await lock_chunk(connection, event)
                    chunk = chunk or await pending.insert_pending_draft(connection, event, origin)
                    if chunk is None:
                        return None
                    study_id = chunk["study_id"]
                    if not may_store_draft(chunk, event):
                        await pending.delete_pending_draft(connection, event)
                        return await build_notes_stored(connection, event, study_id)
                    repeats = repeats or await prepare_repeat_finder(event, self._comparing)
                    snapshot = await repeats.take_snapshot(connection)
                    if snapshot.firsts is not None:
                        takes_notes = await insert_draft_rows(connection, event, study_id, snapshot)
                        if takes_notes and not snapshot.has_drafts:
                            stored = build_notes_stored_for_first_draft(event, study_id, snapshot)
                        else:
                            stored = await build_notes_stored(connection, event, study_id)
                if snapshot.firsts is not None:  # and committed by now
                    if takes_notes and get_rehearsal() is None:
                        record_stored_notes(snapshot.new)
                    return stored
                await repeats.resolve(self._database, snapshot)  # while no transaction is open
        raise DatabaseConflictError("others keep storing notes that may say the same")

    async def _join(self, event: TranscriptIngested, *, is_new: bool) -> tuple[Event, ...]:
        waiting = await pending.select_pending_drafts(self._database, event)
        if is_new and not waiting:
            return ()
        returned = await self._join_all(waiting)
        async with self._database.connection() as connection:
            chunks = await pending.select_chunks_stored_from_pending_drafts(connection, event)
            if not chunks:
                return returned
            stored = await build_all_notes_stored(connection, chunks, event, event.study.study_id)
        return (*stored, *returned)

    async def _join_all(self, waiting: Sequence[Record]) -> tuple[NotesValidated, ...]:
        """Store the drafts that waited for one interview; return those that cannot be stored.

        Few tasks do so, each of which queues anew for each draft: the semaphore is fair, so drafts
        of other interviews wait for some of this one's, not for all of them.

        Raises:
            OutageError, RetryableError: the first of them, once no task runs any more.
        """
        rows = iter(waiting)
        returned: list[NotesValidated] = []

        async def join_in_turn() -> None:
            for row in rows:  # shared: each row goes to one task
                async with self._joining:
                    if (draft := await self._join_one(row)) is not None:
                        returned.append(draft)

        tasks = [join_in_turn() for _ in waiting[: self._joining_at_once]]
        for failure in await asyncio.gather(*tasks, return_exceptions=True):
            if failure is not None:
                raise failure
        return tuple(returned)

    async def _join_one(self, row: Record) -> NotesValidated | None:
        """Store a draft that waited; return the draft if it cannot be stored."""
        kept = await pending.select_pending_draft(self._database, row)
        if kept is None:
            return None
        event, origin = kept
        try:
            await self._store_alone(event, origin)
        except (OutageError, RetryableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the draft's fault, not the interview's
            log.warning("sent_back", chunk_id=str(event.chunk_id), error=type(error).__name__)
            return event
        return None


@contextmanager
def _refusals_named(what: str) -> Iterator[None]:
    """Raise PostgreSQL's refusals as errors of ours, with ids and constraints, never values."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not _is_refusal(error):
            raise
        constraint = getattr(error, "constraint_name", None)
        if constraint in GROUNDING_CONSTRAINTS:
            raise UngroundedWriteError(
                f"PostgreSQL refused the notes of {what}: {constraint} does not hold"
            ) from error
        reason = f"constraint {constraint}" if constraint else type(error).__name__
        raise UnstorableEventError(f"PostgreSQL cannot store {what}: {reason}") from error


def _is_refusal(error: Exception) -> bool:
    # The driver's own check of ranges is an InterfaceError that is a ValueError too.
    refused_by_driver = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return refused_by_driver or isinstance(error, REFUSALS)
