"""Reads from PostgreSQL what people ask for: studies, notes, coverage, how far a submission is."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.notes import CheckFailure, DraftNote, RejectedNote, Standing
from contracts.study import StatementPolicy, Study
from database.pool import Database, Record
from database.queries import load_queries
from read_model.coverage import InterviewProgress, NoteCount, PendingSubmissionCount
from read_model.notes import (
    NoteCounts,
    NoteFilter,
    NotePosition,
    RefusedNote,
    StoredNote,
    build_note_from_row,
    build_note_position_from_row,
    build_refused_note_from_row,
    build_refused_note_position_from_row,
)

_SQL: Final = Path(__file__).parent / "sql"
_QUERIES: Final = load_queries(_SQL / "queries.sql")
_EVIDENCE: Final = load_queries(_SQL / "evidence.sql")

MAX_SPEAKERS: Final = 1_000
"""Most speakers that are listed."""


@dataclass(frozen=True, slots=True)
class StudySummary:
    """Id and name of a study, with the number of its current interviews."""

    study_id: str
    name: str
    interviews: int


@dataclass(frozen=True, slots=True)
class StudyWithInterviewCount:
    """Study with its themes and questions, and the number of its current interviews.

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

    async def study_summaries(
        self, only: Collection[str] | None, *, limit: int, after: str | None = None
    ) -> list[StudySummary]:
        """Studies that are registered or have an interview, by id; no archived ones without.

        Args:
            only: of these ids; None: of any.
            limit: at most so many.
            after: only those whose ids come behind this one.
        """
        ids = None if only is None else list(only)
        rows = await self._database.fetch(_QUERIES.select_study_summaries, ids, after, limit)
        return [StudySummary(**row) for row in rows]

    async def study(self, study_id: str) -> StudyWithInterviewCount | None:
        """A study with at least one interview; None if there is none."""
        found: StudyWithInterviewCount | None = None
        for row in await self._database.fetch(_QUERIES.select_study_versions, study_id):
            version = Study.model_validate_json(row["study"])
            if found is None:
                found = StudyWithInterviewCount(version, row["interviews"])
            else:
                merged = merge_topics(found.study, version)
                found = StudyWithInterviewCount(merged, found.interviews + row["interviews"])
        return found

    async def has_study(self, study_id: str) -> bool:
        """Whether a study is registered, or has an interview."""
        rows = await self._database.fetch(_QUERIES.study_exists, study_id)
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
            which.since,
        )
        return [build_note_from_row(row, statements) for row in rows], _total(rows)

    async def note(self, note_id: UUID) -> StoredNote | None:
        """A current note, or the person's version of it; also if it is hidden.

        None if there is no such note, or one that says the same is shown in its place.
        """
        nothing = (None,) * 7
        row = await self._database.fetchrow(
            self._view(_QUERIES.select_notes).replace("current_notes", "all_current_notes"),
            *nothing,
            *(note_id, None),
        )
        return None if row is None else build_note_from_row(row, None)

    async def note_totals(self, which: NoteFilter) -> NoteCounts:
        """How many notes of one study match; a filter's limit is not looked at."""
        refused = which.study, which.transcript, which.theme, which.question
        rows = await self._database.fetch(
            self._view(_QUERIES.count_notes),
            *refused,
            which.speaker,
            which.standing,
            which.since,
            which.decision,
        )
        counts = {kind: _named(rows, kind) for kind in ("standing", "theme")}
        return NoteCounts(
            total=sum(counts["standing"].values()),
            standings={Standing(name): count for name, count in counts["standing"].items()},
            themes=counts["theme"],
            rejected=int(
                await self._database.fetchval(_EVIDENCE.count_rejected, *refused, which.since)
            ),
            expired_interviews=int(
                await self._database.fetchval(_QUERIES.count_expired_interviews, *refused[:2])
            ),
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
        last = build_note_position_from_row(page[-1]) if len(rows) > limit else None
        return [build_note_from_row(row, statements) for row in page], last

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
            which.since,
            which.decision,
        )

    def _view(self, query: str) -> str:
        """The query on the views of what is shown, or on those of the exact words."""
        return query.replace("shown_", "exact_") if self._exact else query

    async def speakers(
        self,
        study_id: str | None,
        transcript_id: UUID | None = None,
        *,
        limit: int = MAX_SPEAKERS,
        after: str | None = None,
    ) -> list[str]:
        """Who speaks in current interviews, of a study or one of them, by name.

        Args:
            study_id: of this study; None: of any.
            transcript_id: in this interview; None: in any.
            limit: at most so many.
            after: only those whose names come behind this one.
        """
        rows = await self._database.fetch(
            self._view(_QUERIES.select_speakers), study_id, transcript_id, limit, after
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
            which.since,
        )
        page = rows[:limit]
        last = build_refused_note_position_from_row(page[-1]) if len(rows) > limit else None
        return [build_refused_note_from_row(row) for row in page], last

    async def refused_of_chunk(self, chunk_id: UUID) -> list[tuple[int, RejectedNote]]:
        """The refused notes of a chunk, each with the number of the draft it was in."""
        rows = await self._database.fetch(_EVIDENCE.select_refused_of_chunk, chunk_id)
        return [
            (
                row["attempt"],
                RejectedNote(
                    draft=DraftNote.model_validate_json(row["draft"]),
                    failures=tuple(CheckFailure(**one) for one in json.loads(row["failures"])),
                ),
            )
            for row in rows
        ]

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
                has_expired=row["has_expired"],
            )
            for row in rows
        ]

    async def note_counts(self, study_id: str) -> list[NoteCount]:
        """Notes and interviews by theme and question."""
        return _counts(await self._database.fetch(_QUERIES.select_note_counts, study_id))

    async def earlier_note_counts(self, study_id: str) -> list[NoteCount]:
        """As ``note_counts``, of revisions that are not current any more."""
        return _counts(await self._database.fetch(_QUERIES.select_earlier_note_counts, study_id))

    async def unread_submissions(self) -> PendingSubmissionCount:
        """Submissions of any study that have not become an interview."""
        (row,) = await self._database.fetch(_QUERIES.count_unread_submissions)
        return PendingSubmissionCount(row["interviews"], row["unreadable"])

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


def merge_topics(study: Study, other: Study) -> Study:
    """Return a study with the themes and questions that only another version of it has, at the end.

    Args:
        study: what the result has in its order, and in its words.
        other: another version of it.
    """
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


def _named(rows: Sequence[Record], kind: str) -> dict[str, int]:
    return {row["name"]: row["notes"] for row in rows if row["kind"] == kind}
