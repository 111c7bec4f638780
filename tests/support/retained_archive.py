"""Studies with interviews of different ages, for what is deleted once it is too old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from contracts import ids
from contracts.events import NotesValidated
from contracts.study import Study
from control.retention.runner import RetentionLimits, RetentionRunner
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, chunk, evidence, ingested, note, refused, validated

OTHER_STUDY: Final = "parking"
PATH: Final = f"/v1/studies/{STUDY.study_id}/retention"
SMALL: Final = RetentionLimits(transcripts=2, notes=1, rows=1)
"""Batches in which little is deleted, so that there are many."""


class Archive:
    """Two studies, with interviews of different ages and all that there may be about them."""

    def __init__(self, office: Office, database: Database) -> None:
        self.office = office
        self.database = database
        self.store = NotesStore(database)
        self.runner = self.build_runner()

    def build_runner(self, limits: RetentionLimits = SMALL) -> RetentionRunner:
        """A replica of control."""
        return RetentionRunner(self.database, limits)

    async def register(self) -> None:
        for study_id in (STUDY.study_id, OTHER_STUDY):
            body = STUDY.model_dump(mode="json", exclude={"version"}) | {"study_id": study_id}
            status, answer = await self.office.ask("POST", "/v1/studies", body)
            assert status == 201, answer

    async def set(self, study_id: str = STUDY.study_id, /, **days: int) -> dict[str, Any]:
        """Set for how many days kinds are kept; the answer."""
        answer = await self.office.client.put(
            f"{self.office.url}/v1/studies/{study_id}/retention",
            json={f"{kind}_days": number for kind, number in days.items()},
            headers={"If-Match": "*"},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def add(self, name: str, age: float, study_id: str = STUDY.study_id) -> UUID:
        """Store an interview with two notes, two refused ones, an answer and acts about it."""
        transcript_id = ids.derive_transcript_id(study_id, name)
        study: Study = STUDY.model_copy(update={"study_id": study_id})
        chunks = tuple(
            one.model_copy(update={"chunk_id": chunk_id(transcript_id, one.index)})
            for one in (chunk(1, 1), chunk(1, 2))
        )
        await self.store.store_transcript(
            ingested(transcript_id=transcript_id, study=study, chunks=chunks, title=name)
        )
        for index in (1, 2):
            await self.store.store_notes(draft(transcript_id, index))
        await self.answer(f"key of {name}", chunk_id(transcript_id, 1), age)
        await self.database.execute(
            "INSERT INTO trail (at, actor, action, target, study_id, reason, address)"
            " SELECT now() - $1::interval, 'ada', action, $2, $3, 'why', '127.0.0.1'"
            " FROM unnest(ARRAY['notes.read_exact', 'retention.round', 'erasure.begin']) AS action",
            timedelta(days=age),
            name,
            study_id,
        )
        await self.database.execute(
            "UPDATE transcripts SET ingested_at = now() - $2::interval WHERE transcript_id = $1",
            transcript_id,
            timedelta(days=age),
        )
        return transcript_id

    async def answer(self, key: str, subject: UUID, age: float) -> None:
        """Have a model's answer cached about a chunk."""
        await self.database.execute(
            "INSERT INTO llm_answers VALUES ($1, 'f', 'm', 'p', 'words', 1, 0, 1, 0, 5, 0,"
            " now() - $2::interval, now())",
            key,
            timedelta(days=age),
        )
        await self.database.execute(
            "INSERT INTO llm_answer_subjects VALUES ($1, $2)", key, str(subject)
        )

    async def snapshot(self) -> dict[str, list[str]]:
        """All that retention may delete: interviews, notes, answers, and words in the trail."""
        queries = {
            "transcripts": "SELECT title FROM transcripts WHERE NOT is_erased(transcript_id)",
            "notes": "SELECT title FROM notes JOIN transcripts USING (transcript_id, revision)",
            "rejected": "SELECT title FROM rejected_notes JOIN chunks USING (chunk_id)"
            " JOIN transcripts USING (transcript_id, revision)",
            "answers": "SELECT key FROM llm_answers",
            "trail": "SELECT action || ' ' || target FROM trail"
            " WHERE reason <> '' AND address <> '' AND target <> '' AND actor = 'ada'",
        }
        return {
            name: sorted(row[0] for row in await self.database.fetch(query))
            for name, query in queries.items()
        }

    async def due(self) -> dict[str, int]:
        """What a preview says would be deleted now, by kind."""
        status, found = await self.office.ask("GET", f"{PATH}/preview")
        assert status == 200, found
        return {one["kind"]: one["due_now"] for one in found["kinds"] if one["due_now"]}

    async def last(self) -> dict[str, Any]:
        status, found = await self.office.ask("GET", PATH)
        assert status == 200, found
        return dict(found["last"] or {})


def chunk_id(transcript_id: UUID, index: int) -> UUID:
    return ids.derive_id("chunk of", transcript_id, index)


def draft(transcript_id: UUID, index: int) -> NotesValidated:
    """What the guardrail made of a chunk: a note, and a refused one."""
    written = note(f"They say so, {index}", evidence()).model_copy(
        update={"note_id": ids.derive_id("note", transcript_id, index)}
    )
    return validated(
        written,
        rejected=(refused(),),
        transcript_id=transcript_id,
        chunk_id=chunk_id(transcript_id, index),
    )


async def fill_archive(office: Office, database: Database) -> Archive:
    """Interviews of 200, 100, 50 and 5 days in one study, and of 100 in another."""
    made = Archive(office, database)
    await made.register()
    for name, age in (("old", 100), ("older", 200), ("middle", 50), ("new", 5)):
        await made.add(name, age)
    await made.add("elsewhere", 100, OTHER_STUDY)
    return made
