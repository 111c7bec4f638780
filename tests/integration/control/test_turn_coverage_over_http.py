"""What became of an interview's turns over HTTP: cited, read but not noted, or unread, and why."""

from __future__ import annotations

from typing import Any

import pytest

from contracts import ids
from contracts.access import Role
from contracts.events import ChunkRef
from contracts.study import PersonalData
from contracts.transcript import Role as Speaking
from contracts.transcript import Segment
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office, as_role
from support.interviews import STUDY, TRANSCRIPT, chunk, evidence, ingested, note, validated

PATH = f"/v1/transcripts/{TRANSCRIPT}/coverage"
OPEN = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
DIE = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
    error_type, error_message, attempts, timeouts, failed_at, fingerprint, subject, headers,
    size_bytes, state, state_reason
) VALUES ($1, 'enrichment', 'enrichment-dlq', 0, 0, '', 'llm_timeout', '', '', 1, 1, now(), '',
          $2, '[]', 0, $3, 'why')
"""


def turn(number: int) -> Segment:
    role = Speaking.INTERVIEWER if number % 2 else Speaking.PARTICIPANT
    return Segment(number=number, speaker=role, role=role, text=f"I say {number} things.")


def ref(index: int, first: int, last: int) -> ChunkRef:
    return ChunkRef(
        chunk_id=chunk(index=index).chunk_id, index=index, first_segment=first, last_segment=last
    )


async def fill(database: Database) -> None:
    """Seven turns: four in a chunk that is stored, two in one that is not, one in none."""
    store = NotesStore(database)
    said = tuple(turn(number) for number in range(1, 8))
    await store.store_transcript(
        ingested(study=OPEN, segments=said, chunks=(ref(1, 1, 4), ref(2, 5, 6)))
    )
    cited = [cite(number) for number in (2, 4)]
    same = note("It says things!", cited[0])
    await store.store_notes(validated(note("It says things.", *cited), same, note("Two", cited[0])))


def cite(number: int) -> Any:
    said = turn(number)
    return evidence().model_copy(
        update={
            "segment": number,
            "start": 0,
            "length": len(said.text),
            "quote": said.text,
            "speaker": said.speaker,
            "role": said.role,
            "start_ms": None,
            "end_ms": None,
        }
    )


async def coverage(office: Office, query: str = "") -> dict[str, Any]:
    status, page = await office.ask("GET", f"{PATH}?{query}")
    assert status == 200
    found: dict[str, Any] = page
    return found


def states(page: dict[str, Any]) -> list[tuple[int, str, str | None, int]]:
    return [
        (one["segment"]["number"], one["status"], one["reason"], one["notes"])
        for one in page["turns"]
    ]


async def test_each_turn_is_cited_or_read_without_a_note_or_unread(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    page = await coverage(office)
    assert states(page) == [
        (1, "unnoted", None, 0),
        (2, "cited", None, 2),
        (3, "unnoted", None, 0),
        (4, "cited", None, 1),
        (5, "unread", "waiting", 0),
        (6, "unread", "waiting", 0),
        (7, "unread", "waiting", 0),
    ]
    assert page["turns"][1]["segment"]["text"] == "I say 2 things."
    characters = len("I say 1 things.")
    assert page["counts"] == [
        {"status": status, "reason": reason, "role": role, "turns": turns, "characters": size}
        for status, reason, role, turns, size in (
            ("cited", None, "participant", 2, 2 * characters),
            ("unnoted", None, "interviewer", 2, 2 * characters),
            ("unread", "waiting", "interviewer", 2, 2 * characters),
            ("unread", "waiting", "participant", 1, characters),
        )
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [("open", "dead"), ("discarded", "discarded"), ("replaying", "waiting")],
)
async def test_an_unread_turn_says_why(
    office: Office, fresh_database: Database, state: str, reason: str
) -> None:
    await fill(fresh_database)
    letter, subject = ids.derive_id("letter", 1), str(chunk(index=2).chunk_id)
    await fresh_database.execute(DIE, letter, subject, state)
    page = await coverage(office, "only=unread")
    assert [one[1:3] for one in states(page)] == [
        ("unread", reason),
        ("unread", reason),
        ("unread", "waiting"),
    ]


async def test_a_turn_of_several_chunks_is_unread_until_all_of_them_are_read(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    said = tuple(turn(number) for number in range(1, 4))
    # The second turn is long: the first chunk ends within it.
    refs = (ref(1, 1, 2), ref(2, 2, 3))
    await store.store_transcript(ingested(study=OPEN, segments=said, chunks=refs))
    await store.store_notes(validated(note("It says things.", cite(2))))
    expected = [(1, "unnoted", None, 0), (2, "unread", "waiting", 1), (3, "unread", "waiting", 0)]
    assert states(await coverage(office)) == expected
    assert [one[0] for one in states(await coverage(office, "only=unread"))] == [2, 3]
    letter, subject = ids.derive_id("letter", 1), str(chunk(index=2).chunk_id)
    await fresh_database.execute(DIE, letter, subject, "open")
    assert states(await coverage(office))[1] == (2, "unread", "dead", 1)
    await store.store_notes(validated(index=2))
    assert states(await coverage(office)) == [
        (1, "unnoted", None, 0),
        (2, "cited", None, 1),
        (3, "unnoted", None, 0),
    ]


@pytest.mark.parametrize(
    ("only", "numbers"), [("cited", [2, 4]), ("unnoted", [1, 3]), ("unread", [5, 6, 7])]
)
async def test_turns_of_one_status_come_in_pages_with_the_numbers_of_all(
    office: Office, fresh_database: Database, only: str, numbers: list[int]
) -> None:
    await fill(fresh_database)
    found, query = [], f"only={only}&limit=1"
    page = await coverage(office, query)
    while True:
        assert sum(one["turns"] for one in page["counts"]) == 7
        found += [one[0] for one in states(page)]
        if page["next"] is None:
            break
        page = await coverage(office, f"{query}&cursor={page['next']}")
    assert found == numbers


async def test_an_interview_of_which_nothing_matches_still_has_its_numbers(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    page = await coverage(office, "only=cited")
    assert (page["turns"], page["next"]) == ([], None)
    assert sum(one["turns"] for one in page["counts"]) == 2
    empty = ingested(2, segments=(), chunks=())
    await NotesStore(fresh_database).store_transcript(empty)
    page = await coverage(office)
    assert (page["counts"], page["turns"]) == ([], [])


async def test_turns_are_masked_and_exact_ones_take_their_right(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    await as_role(office, Role.READER, STUDY.study_id)
    page = await coverage(office)
    assert [one["segment"]["speaker"] for one in page["turns"]] == [
        "interviewer 1",
        "participant 2",
    ]
    assert (await office.ask("GET", f"{PATH}?exact=true"))[0] == 403
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    page = await coverage(office, "exact=true")
    assert page["turns"][1]["segment"]["speaker"] == "Bo"
    await as_role(office, Role.READER, "elsewhere")
    assert (await office.ask("GET", PATH))[0] == 404
