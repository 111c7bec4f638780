"""Detection of notes that repeat an earlier note of the interview.

Notes that say the same have the same *meaning*: a hash of the interview, the speakers and the
statement's words. So candidates come from an index, and only they are compared, never more than
``MAX_COMPARED_NOTES`` a note. Comparing takes milliseconds, so it is done while no transaction is
open: a transaction that finds candidates which were not compared yet ends, and is retried
afterwards.
"""

from __future__ import annotations

import hashlib
from asyncio import get_running_loop
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from contracts.events import NotesValidated
from contracts.notes import Note
from database.pool import Connection, Database, Record
from database.queries import load_queries, transpose_rows
from grounding import are_equivalent, compute_content_key, find_first_equivalent
from persistence.locks import derive_advisory_lock_key

T = TypeVar("T")

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "repeats.sql")

CHARACTERS_READ_AT_ONCE: Final = 10_000
"""Statements up to this length in all are read in the event loop: about 30 ms."""

MAX_COMPARED_NOTES: Final = 32
"""Earlier notes of one meaning with which a new one is compared. More share their words and differ
in numbers alone only where a text is made up; a note beyond them is shown beside them."""

LOCKS_AN_INTERVIEW: Final = 512
"""Most advisory locks that a transaction takes for an interview's meanings: all of a server share
one table of them."""

FILLED_IN_AT_ONCE: Final = 200
"""Notes of older code whose meaning is computed in one go, at about a millisecond each."""


@dataclass(frozen=True, slots=True)
class ComparableNote:
    """Note prepared for comparison with other notes, to find repeats.

    Attributes:
        note_id: the note.
        meaning: hash of interview, speakers and words.
        text: the statement.
        quotes: the words it cites.
    """

    note_id: UUID
    meaning: bytes
    text: str
    quotes: frozenset[str]


FirstNotes = Mapping[UUID, UUID]
"""For each note that repeats an earlier one, the first such note."""


@dataclass(frozen=True, slots=True)
class InterviewNotesSnapshot:
    """Snapshot of an interview's stored notes, to compare a new draft with.

    Attributes:
        new: the draft's notes that are not stored yet.
        meanings: the meaning of each of the draft's notes, by its id.
        has_drafts: whether the chunk has drafts already.
        lacks_meanings: whether older code has left out meanings, so that more may be alike.
        alike: stored notes of the same meanings, the first ones first.
        firsts: what the new notes repeat; None while that has to be found out by comparing.
    """

    new: Sequence[Note]
    meanings: Mapping[UUID, bytes]
    has_drafts: bool
    lacks_meanings: bool
    alike: Sequence[ComparableNote] = ()
    firsts: FirstNotes | None = None


class ComparisonThread:
    """Worker thread that compares the texts of notes, one draft at a time.

    A thread cannot be ended: what is cancelled or out of time runs on to its end. In a thread of
    their own, drafts that wait behind it do not add to it, and are dropped when they are cancelled.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="comparing")

    def load(self) -> None:
        """Start loading the lists of words, which takes a second or more."""
        # As these say the same, every check is asked, and loads what it needs.
        self._thread.submit(are_equivalent, "They load the words", "They load the words.")

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Run work in the thread and return its result."""
        return await get_running_loop().run_in_executor(self._thread, work, *arguments)


async def prepare_repeat_finder(event: NotesValidated, comparing: ComparisonThread) -> RepeatFinder:
    """Build a finder of repeated notes for a draft, in a worker thread if the notes are long."""
    if sum(len(note.statement) for note in event.notes) > CHARACTERS_READ_AT_ONCE:
        return await comparing.run(RepeatFinder, event, comparing)
    return RepeatFinder(event, comparing)


class RepeatFinder:
    """Finder of notes in a draft that say the same as stored notes of the interview.

    Args:
        event: the draft.
        comparing: where texts are compared.
    """

    def __init__(self, event: NotesValidated, comparing: ComparisonThread) -> None:
        self._comparing = comparing
        self._interview = (event.transcript_id, event.revision)
        self._chunk_id = event.chunk_id
        # A model may write the same note twice; the id is then the same.
        self._notes = {note.note_id: note for note in event.notes}
        self._meanings = {
            note.note_id: hash_meaning(*self._interview, _speakers(note), note.statement)
            for note in self._notes.values()
        }
        self._are_all_distinct = len(set(self._meanings.values())) == len(self._meanings)
        self._hides = {note.note_id for note in self._notes.values() if _hides(note)}
        self._says_the_same: dict[tuple[UUID, ComparableNote], bool] = {}
        self.comparable = [self._make_comparable(note) for note in self._notes.values()]

    @property
    def meanings(self) -> Mapping[UUID, bytes]:
        """The meaning of each of the draft's notes, by its id."""
        return self._meanings

    @property
    def lock_keys(self) -> list[int]:
        """Keys of the advisory locks of the draft's meanings, in order."""
        first_lock = derive_advisory_lock_key("meanings", *self._interview) & -LOCKS_AN_INTERVIEW
        return sorted({first_lock + _lock(one) for one in self._meanings.values()})

    async def take_snapshot(self, connection: Connection) -> InterviewNotesSnapshot:
        """Lock the draft's meanings until the transaction ends, and read what is stored of them."""
        row = await connection.fetchrow(
            _QUERIES.lock_meanings,
            self.lock_keys,  # in the same order in all transactions, so that no two deadlock
            list(self._notes),
            *self._interview,
            self._chunk_id,
        )
        assert row is not None, "the query has no FROM, so it always gives one row"
        stored = set(row["stored"])
        new = [note for key, note in self._notes.items() if key not in stored]
        # Without notes, nothing can be alike.
        lacks_meanings = bool(new) and row["lacks_meanings"]
        snapshot = InterviewNotesSnapshot(new, self._meanings, row["has_drafts"], lacks_meanings)
        if lacks_meanings:
            return snapshot
        # A statement of its own, to see what was stored while this one waited for the locks.
        asked = {self._meanings[note.note_id] for note in new}
        return self._decide(replace(snapshot, alike=await select_alike(connection, asked)))

    def build_snapshot_of_first_draft(
        self, alike: Sequence[ComparableNote]
    ) -> InterviewNotesSnapshot:
        """Build the snapshot of a chunk without drafts, of which no note is stored yet.

        Args:
            alike: the first notes of the interview with meanings of the draft, in their order.
        """
        return self._decide(
            InterviewNotesSnapshot(
                new=list(self._notes.values()),
                meanings=self._meanings,
                has_drafts=False,
                lacks_meanings=False,
                alike=alike,
            )
        )

    async def resolve(
        self,
        database: Database,
        snapshot: InterviewNotesSnapshot,
        more: Iterable[ComparableNote] = (),
    ) -> None:
        """Do what a snapshot lacks for a result; no transaction may be open meanwhile.

        Args:
            database: where the notes are.
            snapshot: what is stored.
            more: notes that others are about to store, which are compared as well.
        """
        if snapshot.lacks_meanings:
            await backfill_meaning_hashes(database, self._comparing, *self._interview)
        else:
            await self._comparing.run(self._compare, snapshot, more)

    async def compare_ahead(self, others: Sequence[ComparableNote]) -> None:
        """Compare with notes that are about to be stored, and the draft's own with each other."""
        if others or not self._are_all_distinct:
            snapshot = self.build_snapshot_of_first_draft(())
            await self._comparing.run(self._compare, snapshot, others)

    def _make_comparable(self, note: Note) -> ComparableNote:
        meaning = self._meanings[note.note_id]
        return ComparableNote(note.note_id, meaning, note.statement, _quotes(note))

    def _decide(self, snapshot: InterviewNotesSnapshot) -> InterviewNotesSnapshot:
        if not snapshot.alike and self._are_all_distinct:
            return replace(snapshot, firsts={})
        try:
            return replace(snapshot, firsts=self._find_firsts(snapshot, self._look_up))
        except _NotComparedError:
            return snapshot

    def _compare(self, snapshot: InterviewNotesSnapshot, more: Iterable[ComparableNote]) -> None:
        self._find_firsts(snapshot, self._compare_with)
        for one in more:
            for mine in self.comparable:
                if mine.meaning == one.meaning and self._may_repeat(mine, one):
                    self._compare_with(mine, [one])

    def _find_firsts(
        self,
        snapshot: InterviewNotesSnapshot,
        find: Callable[[ComparableNote, Sequence[ComparableNote]], UUID | None],
    ) -> FirstNotes:
        """Find the first note that each new one repeats.

        Args:
            snapshot: the new notes, and what is stored.
            find: returns which of several notes one repeats, or None.
        """
        known: dict[bytes, list[ComparableNote]] = defaultdict(list)
        for one in snapshot.alike:
            known[one.meaning].append(one)
        new = {note.note_id for note in snapshot.new}
        found = {}
        for mine in self.comparable:
            if mine.note_id not in new:
                continue
            candidates = (one for one in known[mine.meaning] if self._may_repeat(mine, one))
            first = find(mine, list(islice(candidates, MAX_COMPARED_NOTES)))
            if first is None:
                known[mine.meaning].append(mine)
            else:
                found[mine.note_id] = first
        return found

    def _may_repeat(self, mine: ComparableNote, one: ComparableNote) -> bool:
        """Return whether a note may say the same as one of its meaning.

        Where a name is masked, the statement no longer shows whom it is about; the same quotes do.
        """
        return mine.note_id not in self._hides or one.quotes == mine.quotes

    def _look_up(self, mine: ComparableNote, candidates: Sequence[ComparableNote]) -> UUID | None:
        for one in candidates:
            says_the_same = self._says_the_same.get((mine.note_id, one))
            if says_the_same is None:
                raise _NotComparedError
            if says_the_same:
                return one.note_id
        return None

    def _compare_with(
        self, mine: ComparableNote, candidates: Sequence[ComparableNote]
    ) -> UUID | None:
        try:
            return self._look_up(mine, candidates)
        except _NotComparedError:
            index = find_first_equivalent(mine.text, (one.text for one in candidates))
        for one in candidates[:index]:
            self._says_the_same[mine.note_id, one] = False
        if index is None:
            return None
        self._says_the_same[mine.note_id, candidates[index]] = True
        return candidates[index].note_id


class _NotComparedError(Exception):
    """Raised where notes have to be compared that were not yet."""


async def select_alike(connection: Connection, asked: Collection[bytes]) -> list[ComparableNote]:
    """Select the first notes that are stored with some meanings, in the order of their storing."""
    if not asked:
        return []
    rows = await connection.fetch(_QUERIES.select_alike, list(asked), MAX_COMPARED_NOTES)
    return [
        ComparableNote(row["note_id"], row["meaning"], row["statement"], frozenset(row["quotes"]))
        for row in rows
    ]


def hash_meaning(
    transcript_id: UUID, revision: int, speakers: Iterable[str], statement: str
) -> bytes:
    """Hash an interview's id and a statement's content words; equal for notes that may repeat."""
    digest = hashlib.blake2b(transcript_id.bytes + revision.to_bytes(8, "big"), digest_size=16)
    for part in (*sorted(speakers), compute_content_key(statement)):
        encoded = part.encode()
        # The length goes before, so that no two lists of parts are one text.
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.digest()


async def backfill_meaning_hashes(
    database: Database, comparing: ComparisonThread, transcript_id: UUID, revision: int
) -> None:
    """Compute and store the meaning hashes that an interview's older notes lack."""
    asked = (transcript_id, revision, FILLED_IN_AT_ONCE)

    def work_out(rows: Sequence[Record]) -> list[tuple[UUID, bytes]]:
        return [
            (row["note_id"], hash_meaning(*asked[:2], row["speakers"], row["statement"]))
            for row in rows
        ]

    while rows := await database.fetch(_QUERIES.select_without_meaning, *asked):
        found = await comparing.run(work_out, rows)
        await database.execute(_QUERIES.backfill_meanings, *transpose_rows(2, found))


def _lock(of_meaning: bytes) -> int:
    """Return the number of the lock for a meaning; two may share one, at some loss of speed."""
    return int.from_bytes(of_meaning[:8], "big") % LOCKS_AN_INTERVIEW


def _speakers(note: Note) -> set[str]:
    return {cited.speaker for cited in note.evidence}


def _quotes(note: Note) -> frozenset[str]:
    return frozenset(cited.quote for cited in note.evidence)


def _hides(note: Note) -> bool:
    """Return whether a statement may have a placeholder where a name was."""
    return "[" in note.statement and any(one.masked_quote is not None for one in note.evidence)
