"""Reads from PostgreSQL what people ask for: studies, notes, coverage, how far a submission is."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from contracts.notes import Standing, shows_statement
from contracts.study import StatementPolicy, Study
from database.pool import Database, Record
from database.queries import load_queries
from read_model.coverage import InterviewProgress, NoteCount, PendingSubmissions

_SQL: Final = Path(__file__).parent / "sql"
_QUERIES: Final = load_queries(_SQL / "queries.sql")
_EVIDENCE: Final = load_queries(_SQL / "evidence.sql")

MAX_SPEAKERS: Final = 1_000
"""Most speakers that are listed."""


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Filter of notes; a field that is None matches all.

    Attributes:
        study: a study's id.
        transcript: an interview's id; where all notes are listed at once, also how its title
            begins, whatever the case.
        theme: a theme's id.
        question: a question's id.
        speaker: a part of a speaker's name, whatever the case.
        standing: what vouches for the statement.
        limit: at most so many.
    """

    study: str | None = None
    transcript: str | None = None
    theme: str | None = None
    question: str | None = None
    speaker: str | None = None
    standing: Standing | None = None
    limit: int | None = None


class NotePosition(NamedTuple):
    """Position of a note in the list of a study's notes, by interview and time; for paging."""

    title: str
    transcript_id: UUID
    chunk_index: int
    attempt: int
    position: int


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """Quote in a stored note's evidence, with its position in the segment.

    Where it is masked, personal data in the quote has placeholders, and the speaker a pseudonym.
    """

    segment: int
    start: int
    length: int
    quote: str
    is_masked: bool
    speaker: str
    role: str
    start_ms: int | None
    end_ms: int | None


_QUOTES: Final = TypeAdapter(tuple[StoredQuote, ...])
# Of each of a page's notes: parsing them was a third of the time that a page takes.
_DETAILS: Final = TypeAdapter(tuple[dict[str, str], ...])
_STANDINGS: Final = {one.value: one for one in Standing}
_POLICIES: Final = {one.value: one for one in StatementPolicy}
_NO_DETAILS: Final = "[]"


@dataclass(frozen=True, slots=True)
class StoredNote:
    """Note in the database, with the interview it is from.

    Attributes:
        statement: where it is shown as a finding; else None.
        model_reading: the statement where it is no finding, to be shown below the quotes and marked
            as not proven; None where no statements are wanted.
        standing: what vouches for the statement.
        vouchers: kind, name and detail of what vouches for it.
        study_version: version of the registered study that the interview was asked with; None
            where its themes and questions came with it.
    """

    note_id: UUID
    statement: str | None
    model_reading: str | None
    standing: Standing
    vouchers: tuple[dict[str, str], ...]
    study_id: str
    transcript_id: UUID
    revision: int
    title: str
    chunk_id: UUID
    themes: tuple[str, ...]
    questions: tuple[str, ...]
    evidence: tuple[StoredQuote, ...]
    model: str
    prompt_version: str
    created_at: datetime
    flags: tuple[dict[str, str], ...] = ()
    study_version: int | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {**asdict(self), "created_at": self.created_at.isoformat()}


@dataclass(frozen=True, slots=True)
class RefusedNote:
    """Note that the guardrail refused, with the checks that it failed."""

    study_id: str
    transcript_id: UUID
    revision: int
    title: str
    rejected_id: UUID
    chunk_id: UUID
    chunk_index: int
    attempt: int
    draft: dict[str, Any]
    failures: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class NoteCounts:
    """Numbers of a study's notes that match a filter.

    Attributes:
        total: how many there are.
        standings: how many of each standing; what there is none of is left out.
        themes: how many of each theme; a note may have several.
        rejected: how many refused notes match, whatever the filter's standing and speaker.
    """

    total: int
    standings: dict[Standing, int]
    themes: dict[str, int]
    rejected: int


@dataclass(frozen=True, slots=True)
class StudySummary:
    """Study with the number of its current interviews."""

    study_id: str
    name: str
    interviews: int


@dataclass(frozen=True, slots=True)
class StudyInUse:
    """Study with the number of its current interviews.

    Attributes:
        study: as the latest interview has it, with what only earlier ones had at the end.
        interviews: how many there are.
    """

    study: Study
    interviews: int


class ReadModelQueries:
    """Queries on studies, notes, coverage and progress in PostgreSQL.

    Args:
        database: what is read.
        exact: read quotes and speakers as the interviews have them, where a study masks them; the
            login has to have the right to.
    """

    def __init__(self, database: Database, *, exact: bool = False) -> None:
        self._database = database
        self._exact = exact

    async def study_summaries(self) -> list[StudySummary]:
        """Studies with at least one interview, by id."""
        rows = await self._database.fetch(_QUERIES.select_study_summaries)
        return [StudySummary(**row) for row in rows]

    async def study(self, study_id: str) -> StudyInUse | None:
        """A study with at least one interview; None if there is none."""
        found: StudyInUse | None = None
        for row in await self._database.fetch(_QUERIES.select_study_versions, study_id):
            version = Study.model_validate_json(row["study"])
            if found is None:
                found = StudyInUse(version, row["interviews"])
            else:
                merged = _merged(found.study, version)
                found = StudyInUse(merged, found.interviews + row["interviews"])
        return found

    async def has_interviews(self, study_id: str) -> bool:
        """Whether a study has at least one interview."""
        rows = await self._database.fetch(_QUERIES.study_has_interviews, study_id)
        return bool(rows[0]["exists"])

    async def notes(
        self, which: NoteFilter, statements: StatementPolicy | None = None
    ) -> tuple[list[StoredNote], int]:
        """Notes of current revisions, and how many there are without the limit.

        Args:
            which: which of them.
            statements: which statements to show, where the reader asks for others than the study.
        """
        rows = await self._database.fetch(
            self._view(_QUERIES.select_notes),
            which.study,
            which.transcript,
            which.theme,
            which.question,
            which.speaker,
            which.standing,
            which.limit,
            None,
        )
        return [_note(row, statements) for row in rows], _total(rows)

    async def note(self, note_id: UUID) -> StoredNote | None:
        """A current note; None if there is no such note, or another one is shown in its place."""
        nothing = (None,) * 7
        row = await self._database.fetchrow(self._view(_QUERIES.select_notes), *nothing, note_id)
        return None if row is None else _note(row, None)

    async def note_totals(self, which: NoteFilter) -> NoteCounts:
        """How many notes of one study match; a filter's limit is not looked at."""
        refused = which.study, which.transcript, which.theme, which.question
        rows = await self._database.fetch(
            self._view(_QUERIES.count_notes), *refused, which.speaker, which.standing
        )
        counts = {kind: _named(rows, kind) for kind in ("standing", "theme")}
        return NoteCounts(
            total=sum(counts["standing"].values()),
            standings={Standing(name): count for name, count in counts["standing"].items()},
            themes=counts["theme"],
            rejected=int(await self._database.fetchval(_EVIDENCE.count_rejected, *refused)),
        )

    async def notes_page(
        self,
        which: NoteFilter,
        *,
        limit: int,
        after: NotePosition | None = None,
        statements: StatementPolicy | None = None,
    ) -> tuple[list[StoredNote], NotePosition | None]:
        """A page of one study's current notes, and the position behind which the next one begins.

        A page takes the same time wherever it begins.

        Args:
            which: names the study; its limit is not looked at.
            limit: at most so many.
            after: only notes behind this position; from the beginning if None.
            statements: which statements to show, where the reader asks for others than the study.

        Returns:
            The notes, and None in place of a position if there are no more.
        """
        rows = await self.fetch_notes_page(which, limit=limit + 1, after=after)
        page = rows[:limit]
        last = _note_position(page[-1]) if len(rows) > limit else None
        return [_note(row, statements) for row in page], last

    async def fetch_notes_page(
        self, which: NoteFilter, *, limit: int, after: NotePosition | None = None
    ) -> Sequence[Record]:
        """The rows of ``notes_page``, as PostgreSQL returns them."""
        return await self._database.fetch(
            self._view(_QUERIES.select_notes_page),
            which.study,
            which.theme,
            which.question,
            which.standing,
            *(after or (None,) * len(NotePosition._fields)),
            limit,
            which.transcript,
            which.speaker,
        )

    def _view(self, query: str) -> str:
        """The query on the views of what is shown, or on those of the exact words."""
        return query.replace("shown_", "exact_") if self._exact else query

    async def speakers(self, study_id: str | None, transcript_id: UUID | None = None) -> list[str]:
        """Who speaks in current interviews, of a study or one of them; the first 1,000 by name."""
        rows = await self._database.fetch(
            self._view(_QUERIES.select_speakers), study_id, transcript_id, MAX_SPEAKERS
        )
        return [row["speaker"] for row in rows]

    async def rejected_page(
        self, which: NoteFilter, *, limit: int, after: NotePosition | None = None
    ) -> tuple[list[RefusedNote], NotePosition | None]:
        """A page of one study's refused notes, and the position behind which the next one begins.

        Args:
            which: names the study; its standing, speaker and limit are not looked at.
            limit: at most so many.
            after: only notes behind this position; from the beginning if None.
        """
        rows = await self._database.fetch(
            _EVIDENCE.select_rejected_page,
            which.study,
            which.transcript,
            which.theme,
            which.question,
            *(after or (None,) * len(NotePosition._fields)),
            limit + 1,
        )
        page = rows[:limit]
        last = _refused_position(page[-1]) if len(rows) > limit else None
        return [_refused(row) for row in page], last

    async def interviews(self, study_id: str) -> list[InterviewProgress]:
        """How far a study's current interviews are read."""
        rows = await self._database.fetch(_QUERIES.select_chunk_states, study_id)
        return [
            InterviewProgress(
                transcript_id=row["transcript_id"],
                title=row["title"],
                study=Study.model_validate_json(row["study"]),
                stored=row["stored"],
                dead=row["dead"],
                discarded=row["discarded"],
                waiting=row["waiting"],
            )
            for row in rows
        ]

    async def note_counts(self, study_id: str) -> list[NoteCount]:
        """Notes and interviews by theme and question."""
        return _counts(await self._database.fetch(_QUERIES.select_note_counts, study_id))

    async def earlier_note_counts(self, study_id: str) -> list[NoteCount]:
        """As ``note_counts``, of revisions that are not current any more."""
        return _counts(await self._database.fetch(_QUERIES.select_earlier_note_counts, study_id))

    async def unread_submissions(self) -> PendingSubmissions:
        """Submissions of any study that have not become an interview."""
        (row,) = await self._database.fetch(_QUERIES.count_unread_submissions)
        return PendingSubmissions(row["interviews"], row["unreadable"])

    async def subjects(
        self, keys: Sequence[UUID], studies: Collection[str] | None = None
    ) -> dict[str, str]:
        """What chunks and interviews are called, by their ids; unknown ones are left out.

        Args:
            keys: ids of chunks and interviews.
            studies: only of these; None: of all.
        """
        wanted = None if studies is None else list(studies)
        return {
            str(row["subject"]): f"{row['title']}, chunk {row['chunk']}"
            if row["chunk"]
            else row["title"]
            for row in await self._database.fetch(_QUERIES.select_subjects, keys, wanted)
        }


def _counts(rows: Sequence[Record]) -> list[NoteCount]:
    return [
        NoteCount(row["kind"], row["id"], row["notes"], frozenset(row["interviews"]))
        for row in rows
    ]


def _merged(study: Study, other: Study) -> Study:
    themes = {one.id: one for one in (*other.themes, *study.themes)}
    questions = {one.id: one for one in (*other.questions, *study.questions)}
    first_themes = dict.fromkeys((*(one.id for one in study.themes), *themes))
    first_questions = dict.fromkeys((*(one.id for one in study.questions), *questions))
    return study.model_copy(
        update={
            "themes": tuple(themes[one] for one in first_themes),
            "questions": tuple(questions[one] for one in first_questions),
        }
    )


def _total(rows: Sequence[Record]) -> int:
    return int(rows[0]["total"]) if rows else 0


def _note(row: Record, statements: StatementPolicy | None) -> StoredNote:
    standing = _STANDINGS[row["standing"]]
    policy = statements or _POLICIES[row["statements"]]
    is_shown = shows_statement(standing, policy)
    has_reading = not is_shown and policy is not StatementPolicy.QUOTES
    words = row["words"]
    return StoredNote(
        note_id=row["note_id"],
        statement=words if is_shown else None,
        model_reading=words if has_reading else None,
        standing=standing,
        vouchers=_DETAILS.validate_json(row["vouchers"]),
        study_id=row["study_id"],
        transcript_id=row["transcript_id"],
        revision=row["revision"],
        title=row["title"],
        chunk_id=row["chunk_id"],
        themes=tuple(row["themes"]),
        questions=tuple(row["questions"]),
        evidence=_QUOTES.validate_json(row["evidence"]),
        model=row["model"],
        prompt_version=row["prompt_version"],
        created_at=row["created_at"],
        flags=() if row["flags"] == _NO_DETAILS else _DETAILS.validate_json(row["flags"]),
        study_version=row["study_version"],
    )


def _note_position(row: Record) -> NotePosition:
    return NotePosition(
        row["title"], row["transcript_id"], row["index"], row["attempt"], row["position"]
    )


def _refused_position(row: Record) -> NotePosition:
    return NotePosition(
        row["title"], row["transcript_id"], row["chunk_index"], row["attempt"], row["position"]
    )


def _named(rows: Sequence[Record], kind: str) -> dict[str, int]:
    return {row["name"]: row["notes"] for row in rows if row["kind"] == kind}


def _refused(row: Record) -> RefusedNote:
    fields = {name: value for name, value in row.items() if name != "position"}
    return RefusedNote(
        **{
            **fields,
            "draft": json.loads(row["draft"]),
            "failures": json.loads(row["failures"]),
        }
    )
