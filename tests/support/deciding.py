"""Two notes of a small interview, and what people decide about them by control's API."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from contracts.notes import Evidence, Note
from contracts.transcript import Role, Segment
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, VOUCHED, chunk, ingested, note, validated

STUDY_PATH: Final = f"/v1/studies/{STUDY.study_id}"
TURNS: Final = (
    Segment(number=1, speaker="Ada", role=Role.INTERVIEWER, text="Tell me about the tool."),
    Segment(
        number=2,
        speaker="Bo",
        role=Role.PARTICIPANT,
        text="We pay 40 dollars a month. I would not recommend it.",
    ),
)
EDITED: Final = "I would not recommend it."


def cite(quote: str, turn: Segment = TURNS[1]) -> Evidence:
    return Evidence(
        segment=turn.number,
        start=turn.text.index(quote),
        length=len(quote),
        quote=quote,
        speaker=turn.speaker,
        role=turn.role,
    )


PAYS: Final = note("They pay 40 dollars", cite("We pay 40 dollars a month."), **VOUCHED)
DOUBTS: Final = note("Bo doubts the cafe", cite("I would not recommend it."), questions=())


async def decide(
    office: Office, which: Note | UUID | str, body: dict[str, Any], if_match: str | None = "*"
) -> tuple[int, Any]:
    named = which.note_id if isinstance(which, Note) else which
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await office.client.post(
        f"{office.url}/v1/notes/{named}/decisions", json=body, headers=headers
    )
    return answer.status_code, answer.json()


async def decided(office: Office, which: Note | UUID | str, **body: Any) -> Any:
    status, found = await decide(office, which, body)
    assert status == 200, found
    return found


async def notes(office: Office, query: str = "") -> list[dict[str, Any]]:
    status, page = await office.ask("GET", f"{STUDY_PATH}/notes?{query}")
    assert status == 200, page
    found: list[dict[str, Any]] = page["notes"]
    return found


async def statements(office: Office, query: str = "") -> list[str]:
    return [one["statement"] or one["model_reading"] for one in await notes(office, query)]


async def revise(database: Database, segments: tuple[Segment, ...], *said: Note) -> None:
    """A newer revision of the producer's, with these turns and notes."""
    store = NotesStore(database)
    await store.store_transcript(ingested(2, segments=segments, chunks=(chunk(2, 1),)))
    await store.store_notes(validated(*said, revision=2))
