"""Pages of lists: all of it once, in order, whatever is stored meanwhile."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.ids import derive_id
from contracts.notes import Standing
from database.pool import Database
from persistence.store import NotesStore
from read_model.notes import NoteFilter
from read_model.queries import ReadModelQueries
from support.control_office import Office
from support.many_interviews import STUDY, interview

INTERVIEWS = 7
CHUNKS = 3


@pytest.fixture
async def stored(fresh_database: Database) -> list[str]:
    """Ids of all notes of a study, as the whole list has them."""
    store = NotesStore(fresh_database)
    for number in range(INTERVIEWS):
        one = interview(number, CHUNKS)
        await store.store_transcript(one.ingested)
        for drafted in one.drafts:
            await store.store_notes(drafted)
    notes, _ = await ReadModelQueries(fresh_database).notes(NoteFilter(STUDY.study_id))
    return [str(one.note_id) for one in notes]


async def pages(office: Office, query: str = "") -> list[Sequence[dict[str, Any]]]:
    """Every page of the study's notes."""
    found = []
    cursor = ""
    while True:
        path = f"/v1/studies/{STUDY.study_id}/notes?{query}{cursor}"
        status, page = await office.ask("GET", path)
        assert status == 200
        found.append(page["notes"])
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("limit", [1, 2, 4, 1_000])
async def test_pages_have_every_note_once_and_in_order(
    office: Office, stored: list[str], limit: int
) -> None:
    found = await pages(office, f"limit={limit}")
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert [one["note_id"] for page in found for one in page] == stored
    assert len(stored) > INTERVIEWS * CHUNKS


async def test_a_page_has_the_words_that_the_list_has(
    office: Office, stored: list[str], fresh_database: Database
) -> None:
    notes, _ = await ReadModelQueries(fresh_database).notes(NoteFilter(STUDY.study_id))
    (page,) = await pages(office, "limit=1000")
    for shown, listed in zip(page, notes, strict=True):
        assert shown["statement"] == listed.statement
        assert shown["model_reading"] == listed.model_reading
        assert shown["standing"] == listed.standing
        assert [one["quote"] for one in shown["evidence"]] == [one.quote for one in listed.evidence]
        assert (shown["themes"], shown["questions"]) == ([*listed.themes], [*listed.questions])


@pytest.mark.parametrize("which", ["theme", "standing"])
async def test_pages_of_a_filter_have_what_the_list_has(
    office: Office, stored: list[str], fresh_database: Database, which: str
) -> None:
    theme = STUDY.themes[0].id
    standing = Standing.UNPROVEN
    wanted, value = (
        (NoteFilter(STUDY.study_id, theme=theme), theme)
        if which == "theme"
        else (NoteFilter(STUDY.study_id, standing=standing), standing.value)
    )
    notes, _ = await ReadModelQueries(fresh_database).notes(wanted)
    found = await pages(office, f"limit=2&{which}={value}")
    assert [one["note_id"] for page in found for one in page] == [str(one.note_id) for one in notes]
    assert 0 < len(notes) <= len(stored)


async def test_a_note_that_is_stored_meanwhile_moves_no_other(
    office: Office, stored: list[str], fresh_database: Database
) -> None:
    path = f"/v1/studies/{STUDY.study_id}/notes?limit=5"
    _, first = await office.ask("GET", path)
    earlier = interview(0, CHUNKS + 1)  # its title is that of the first
    await NotesStore(fresh_database).store_transcript(earlier.ingested)
    await NotesStore(fresh_database).store_notes(earlier.drafts[0])
    rest = await pages(office, f"limit=1000&cursor={first['next']}")
    seen = [one["note_id"] for one in (*first["notes"], *rest[0])]
    assert [one for one in seen if one in set(stored)] == stored


def cursor_of(position: Any) -> str:
    return urlsafe_b64encode(json.dumps(position).encode()).decode()


ID = str(derive_id("interview"))
POSITIONS: list[Any] = [
    [],
    None,
    ["a", "b", 1, 1, 1],
    ["a", ID, 1, 1],
    ["a", ID, 2**31, 1, 1],
    ["a", ID, 1, 1, 10**400],
    ["a\0", ID, 1, 1, 1],
    ["\ud800", ID, 1, 1, 1],
    ["2026-01-01", "x", 0, 0],
    ["0001-01-01T00:00:00+23:59", "x", 0, 0],
    ["2026-01-01T00:00:00Z", "x", 0, 2**63],
    ["2026-01-01T00:00:00Z", "\0", 0, 1],
]


@pytest.mark.parametrize("path", ["/v1/studies/x/notes", "/v1/letters"])
async def test_a_cursor_that_no_page_returned_is_refused(office: Office, path: str) -> None:
    for cursor in ["x", "%00", "é", "W" * 2_000, *map(cursor_of, POSITIONS)]:
        status, body = await office.ask("GET", f"{path}?cursor={cursor}")
        assert (status, "cursor" in body["detail"]) == (400, True), cursor


async def test_a_list_of_notes_tells_an_empty_study_from_one_that_nobody_knows(
    office: Office, fresh_database: Database
) -> None:
    path = f"/v1/studies/{STUDY.study_id}/notes"
    assert (await office.ask("GET", path))[0] == 404
    interview_alone = interview(0, 1)
    await NotesStore(fresh_database).store_transcript(interview_alone.ingested)
    assert await office.ask("GET", path) == (200, {"notes": [], "next": None})


async def test_letters_come_in_pages_the_latest_first(office: Office) -> None:
    letters = [str(await office.died(b"%d" % n, n)) for n in range(5)]
    found: list[str] = []
    query = "/v1/letters?limit=2"
    cursor = ""
    for size in (2, 2, 1):
        _, page = await office.ask("GET", query + cursor)
        assert len(page["letters"]) == size
        found += [one["letter_id"] for one in page["letters"]]
        cursor = f"&cursor={page['next']}"
    assert (found, page["next"]) == (letters[::-1], None)


async def test_a_page_may_end_behind_the_longest_title(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    for number, title in enumerate(["\N{GRINNING FACE}" * 500, "\x01" * 500, "字" * 500]):
        one = interview(number, 2)
        await store.store_transcript(one.ingested.model_copy(update={"title": title}))
        for drafted in one.drafts:
            await store.store_notes(drafted)
    notes, _ = await ReadModelQueries(fresh_database).notes(NoteFilter(STUDY.study_id))
    found = await pages(office, "limit=1")
    assert [one["note_id"] for page in found for one in page] == [str(one.note_id) for one in notes]
