"""Drafts in groups: those that arrive at once share one transaction.

A group waits for nothing that somebody else holds: it locks what is free of the interviews, chunks
and meanings that its drafts need, stores what it can, and hands each other draft back with what to
do about it. So neither a lock that is held on one interview nor a comparison of its notes holds up
the drafts of others, and no two groups can wait for each other::

    locked, first draft of its chunk    stored with the others
    its chunk is complete               what is stored
    says what others may say            compared while no transaction is open, then once more
    one of its chunk or notes is in it  with the next group
    its transcript is missing           kept until that comes
    somebody holds a lock of it         alone, and waits
    has more to it than these           alone
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from contracts.events import NotesStored, NotesValidated
from contracts.notes import Note
from database.pool import Connection, Record
from database.queries import load_queries, transpose_rows
from persistence.drafts import (
    build_each_notes_stored,
    build_notes_stored_for_first_draft,
    insert_first_drafts,
    may_store_draft,
)
from persistence.pending import MessageOrigin, derive_arrival_lock_key, insert_pending_drafts
from persistence.repeats import (
    MAX_COMPARED_NOTES,
    ComparableNote,
    FirstNotes,
    InterviewNotesSnapshot,
    RepeatFinder,
    select_alike,
)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "groups.sql")

MAX_DRAFTS: Final = 64
"""Most drafts of a group."""

MAX_CHARACTERS: Final = 2**21
"""Most characters of a group's statements, quotes and refused notes (as JSON): about 2 MiB, or 8 of
rare scripts."""

MAX_NOTES: Final = 512
"""Most notes of a group, each of which takes an advisory lock; all of a server share one table of
them."""

LOCK_WAIT_S: Final = 1.0
"""Longest wait of a group for a lock that it finds only when it writes, in seconds. Then one draft
of each interview waits for it alone, and the others go with later groups."""


class NotInGroup(Enum):
    """What becomes of a draft that a group does not store."""

    NEXT = "with the next group"
    HELD = "alone: somebody holds a lock that it needs"
    KEPT = "kept until its transcript is stored"
    ALONE = "alone: it has more to it than a group does"


Outcome: TypeAlias = NotesStored | InterviewNotesSnapshot | NotInGroup
"""What is stored for the chunk; or what its notes have to be compared with first; or neither."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupedDraft:
    """A draft that is to be stored with others.

    Attributes:
        event: the draft.
        origin: where its message was read first.
        repeats: finds which of its notes repeat others.
        share: how much of a group it fills; a group is full at 1.
    """

    event: NotesValidated
    origin: MessageOrigin
    repeats: RepeatFinder
    share: float


def group_draft(
    event: NotesValidated, origin: MessageOrigin, repeats: RepeatFinder
) -> GroupedDraft:
    """Prepare a draft for a group."""
    characters = sum(
        len(note.statement) + sum(len(cited.quote) for cited in note.evidence)
        for note in event.notes
    ) + sum(len(refused.model_dump_json()) for refused in event.rejected)
    share = max(characters / MAX_CHARACTERS, len(event.notes) / MAX_NOTES)
    return GroupedDraft(event, origin, repeats, share)


class StoredGroup(NamedTuple):
    """What became of a group of drafts.

    Attributes:
        outcomes: of each draft, in the order of the drafts.
        notes: that are stored with this group, once its transaction is committed.
    """

    outcomes: list[Outcome]
    notes: list[Note]


async def store_group(connection: Connection, drafts: Sequence[GroupedDraft]) -> StoredGroup:
    """Store of a group of drafts what can be stored now.

    Args:
        connection: in a transaction.
        drafts: any. What is wrong with one of them is an error of PostgreSQL's for all, after which
            nothing is stored, or it is left to those who store it alone.
    """
    return await _Group(connection, drafts).store()


class _Group:
    """The drafts of one transaction, and what becomes of them.

    Args:
        connection: in a transaction.
        drafts: any.
    """

    def __init__(self, connection: Connection, drafts: Sequence[GroupedDraft]) -> None:
        self._connection = connection
        self._drafts = drafts
        self._outcomes: dict[int, Outcome] = {}
        self._stored: list[Note] = []

    async def store(self) -> StoredGroup:
        """Store what can be stored."""
        chunks = await self._lock()
        locked, missing = self._sort_out_chunks(chunks)
        await self._keep(missing)
        if locked:
            states = await self._select_states(locked)
            settled, first = self._sort_out_states(locked, chunks, states)
            await self._answer(settled, states)
            await self._insert(await self._decide(first), states)
        outcomes = [self._outcomes[place] for place in range(len(self._drafts))]
        return StoredGroup(outcomes, self._stored)

    def _event(self, place: int) -> NotesValidated:
        return self._drafts[place].event

    async def _lock(self) -> dict[UUID, Record]:
        """Lock what is free, and return the chunks by their ids."""
        asked: dict[UUID, NotesValidated] = {}
        keys: list[tuple[UUID, int]] = []
        for place, draft in enumerate(self._drafts):
            first = asked.setdefault(draft.event.chunk_id, draft.event)
            if _get_interview(first) != _get_interview(draft.event):
                self._outcomes[place] = NotInGroup.NEXT  # one of the two is wrong
            keys.extend((draft.event.chunk_id, key) for key in draft.repeats.lock_keys)
        rows = await self._connection.fetch(
            _QUERIES.lock_free_chunks,
            *transpose_rows(
                3,
                [
                    (chunk_id, event.transcript_id, derive_arrival_lock_key(event))
                    for chunk_id, event in asked.items()
                ],
            ),
            list({event.transcript_id for event in asked.values()}),
            *transpose_rows(2, keys),
            f"{LOCK_WAIT_S * 1_000:.0f}",
        )
        return {row["chunk_id"]: row for row in rows}

    def _sort_out_chunks(self, chunks: Mapping[UUID, Record]) -> tuple[list[int], list[int]]:
        """Return the drafts whose chunks are locked, and those that wait for their interviews."""
        locked: list[int] = []
        missing: dict[tuple[UUID, int, bool], int] = {}
        for place, draft in enumerate(self._drafts):
            event = draft.event
            chunk = chunks[event.chunk_id]
            if place in self._outcomes:
                continue
            if not chunk["is_locked"]:
                self._outcomes[place] = NotInGroup.HELD
            elif not chunk["is_known"]:
                identity = event.chunk_id, event.attempt, event.final
                if missing.setdefault(identity, place) != place:
                    self._outcomes[place] = NotInGroup.NEXT
            elif (chunk["transcript_id"], chunk["revision"]) != _get_interview(event):
                self._outcomes[place] = NotInGroup.ALONE
            else:
                locked.append(place)
        return locked, list(missing.values())

    async def _keep(self, missing: Sequence[int]) -> None:
        """Keep drafts until their interviews come."""
        drafts = [(self._drafts[place].event, self._drafts[place].origin) for place in missing]
        kept = await insert_pending_drafts(self._connection, drafts)
        for place, is_kept in zip(missing, kept, strict=True):
            self._outcomes[place] = NotInGroup.KEPT if is_kept else NotInGroup.ALONE

    async def _select_states(self, locked: Sequence[int]) -> dict[UUID, Record]:
        # A statement of its own, to see what others stored before the locks were free.
        events = [self._event(place) for place in locked]
        notes = [(event.chunk_id, note.note_id) for event in events for note in event.notes]
        rows = await self._connection.fetch(
            _QUERIES.select_states_of_chunks,
            list({event.chunk_id for event in events}),
            *transpose_rows(2, notes),
        )
        return {row["chunk_id"]: row for row in rows}

    def _sort_out_states(
        self, locked: Sequence[int], chunks: Mapping[UUID, Record], states: Mapping[UUID, Record]
    ) -> tuple[list[int], list[int]]:
        """Return the drafts that change nothing, and those that are the first of their chunks."""
        settled: list[int] = []
        first: dict[UUID, int] = {}
        for place in locked:
            event = self._event(place)
            state = states.get(event.chunk_id)
            if state is None or state["has_waiting"] or state["lacks_meanings"]:
                self._outcomes[place] = NotInGroup.ALONE
            elif not may_store_draft(chunks[event.chunk_id], event):
                settled.append(place)
            elif state["has_drafts"] or state["has_notes"] or state["takes_no_notes"]:
                self._outcomes[place] = NotInGroup.ALONE
            elif event.chunk_id in first:
                self._outcomes[place] = NotInGroup.NEXT
            else:
                first[event.chunk_id] = place
        return settled, list(first.values())

    async def _answer(self, settled: Sequence[int], states: Mapping[UUID, Record]) -> None:
        """Give drafts of complete chunks what is stored for these."""
        drafts = [
            (self._event(place), states[self._event(place).chunk_id]["study_id"])
            for place in settled
        ]
        stored = await build_each_notes_stored(self._connection, drafts)
        self._outcomes.update(zip(settled, stored, strict=True))

    async def _decide(self, first: Sequence[int]) -> list[tuple[int, InterviewNotesSnapshot]]:
        """Return the drafts of which it is known what they repeat; others have to be compared.

        A draft that may repeat what another of the group says is compared once that is stored.
        """
        asked = {one for place in first for one in self._drafts[place].repeats.meanings.values()}
        alike = _AlikeNotes(await select_alike(self._connection, asked))
        note_ids: set[UUID] = set()
        decided: list[tuple[int, InterviewNotesSnapshot]] = []
        for place in first:
            repeats = self._drafts[place].repeats
            known = alike.of(repeats.meanings.values())
            snapshot = repeats.build_snapshot_of_first_draft(known)
            if not note_ids.isdisjoint(repeats.meanings):
                self._outcomes[place] = NotInGroup.NEXT  # another chunk has the very note
            elif snapshot.firsts is None:
                self._outcomes[place] = snapshot
            else:
                alike.add(self._event(place), repeats.comparable, snapshot.firsts)
                note_ids.update(repeats.meanings)
                decided.append((place, snapshot))
        return decided

    async def _insert(
        self,
        decided: Sequence[tuple[int, InterviewNotesSnapshot]],
        states: Mapping[UUID, Record],
    ) -> None:
        rows = [
            (self._event(place), states[self._event(place).chunk_id]["study_id"], snapshot)
            for place, snapshot in decided
        ]
        for (place, _), row in zip(decided, rows, strict=True):
            self._outcomes[place] = build_notes_stored_for_first_draft(*row)
        if rows:
            # What the commit locks, it locks in the order of the rows: alike in all transactions.
            rows.sort(key=lambda row: (row[0].transcript_id, row[0].revision, row[0].chunk_id))
            await insert_first_drafts(self._connection, rows)
        self._stored.extend(note for event, _, _ in rows for note in event.notes)


def _get_interview(event: NotesValidated) -> tuple[UUID, int]:
    return event.transcript_id, event.revision


class _AlikeNotes:
    """First notes by their meanings, in the order of their storing.

    Args:
        stored: those that are stored already.
    """

    def __init__(self, stored: Iterable[ComparableNote]) -> None:
        self._by_meaning: dict[bytes, list[tuple[_Place, ComparableNote]]] = defaultdict(list)
        for number, one in enumerate(stored):
            self._by_meaning[one.meaning].append(((number, 0, 0, 0), one))

    def of(self, meanings: Iterable[bytes]) -> list[ComparableNote]:
        """Return the notes with some meanings, of each at most those that are compared."""
        found = [
            one
            for meaning in set(meanings)
            if meaning in self._by_meaning
            for one in sorted(self._by_meaning[meaning], key=_get_place)[:MAX_COMPARED_NOTES]
        ]
        return [one for _, one in sorted(found, key=_get_place)]

    def add(
        self, event: NotesValidated, notes: Iterable[ComparableNote], firsts: FirstNotes
    ) -> None:
        """Add the notes of a draft that is stored now, after all others, as they are read later."""
        for position, one in enumerate(notes, start=1):
            if one.note_id not in firsts:
                place = (sys.maxsize, event.chunk_id.int, event.attempt, position)
                self._by_meaning[one.meaning].append((place, one))


class NotesInFlight:
    """Notes of drafts that are about to be stored, by their meanings."""

    def __init__(self) -> None:
        self._drafts: dict[bytes, list[GroupedDraft]] = {}

    @contextmanager
    def having(self, draft: GroupedDraft) -> Iterator[None]:
        """Have a draft's notes among them as long as the block runs."""
        meanings = set(draft.repeats.meanings.values())
        for meaning in meanings:
            self._drafts.setdefault(meaning, []).append(draft)
        try:
            yield
        finally:
            for meaning in meanings:
                self._drafts[meaning].remove(draft)
                if not self._drafts[meaning]:
                    del self._drafts[meaning]

    def get_others(self, draft: GroupedDraft) -> list[ComparableNote]:
        """Return notes of other chunks' drafts that may say what a draft does.

        They are as many of a meaning as a note is compared with; what is left out is compared once
        it is stored.
        """
        return [
            one
            for meaning in set(draft.repeats.meanings.values())
            for one in islice(self._find_others(draft, meaning), MAX_COMPARED_NOTES)
        ]

    def _find_others(self, draft: GroupedDraft, meaning: bytes) -> Iterator[ComparableNote]:
        for other in self._drafts[meaning]:
            if other.event.chunk_id != draft.event.chunk_id:
                yield from (one for one in other.repeats.comparable if one.meaning == meaning)


_Place: TypeAlias = tuple[int, int, int, int]


def _get_place(entry: tuple[_Place, ComparableNote]) -> _Place:
    return entry[0]
