"""Pages of lists: all of it once, in order, whatever is stored meanwhile."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.control_api import ListDeadLettersRequest, Moment
from contracts.ids import derive_id
from contracts.notes import Standing
from contracts.pages import PageRequest
from control.api.notes import ListNotesRequest
from control.api.pagination import CHECKSUM_BYTES, ListCursors
from database.pool import Database
from persistence.store import NotesStore
from read_model.notes import NoteFilter
from read_model.queries import ReadModelQueries
from support.control_office import Office, TryAgainError
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


async def test_a_cursor_goes_on_with_the_filters_of_its_page_alone(
    office: Office, stored: list[str]
) -> None:
    path = f"/v1/studies/{STUDY.study_id}/notes"
    _, first = await office.ask("GET", f"{path}?limit=5")
    cursor = f"cursor={first['next']}"
    for other in ("theme=pricing", "speaker=a", f"transcript={ID}", "exact=true"):
        status, body = await office.ask("GET", f"{path}?{cursor}&{other}")
        assert (status, body["detail"].startswith("cursor:")) == (400, True), other
    _, narrowed = await office.ask("GET", f"{path}?limit=1&exact=true")
    status, _ = await office.ask("GET", f"{path}?cursor={narrowed['next']}")
    assert status == 400
    assert (await office.ask("GET", f"{path}?limit=1000&{cursor}"))[0] == 200


ID = str(derive_id("interview"))
LISTS = (
    "/plans",
    f"/plans/{ID}/letters",
    f"/rehearsals/{ID}/letters",
    "/letters",
    "/causes",
    "/sessions",
    "/studies",
    "/registrations",
    "/studies/x/transcripts",
    f"/transcripts/{ID}/segments",
    "/studies/x/notes",
    "/studies/x/notes/rejected",
    "/studies/x/speakers",
    "/search?q=rent",
    "/budgets",
    "/tokens",
    "/trail",
    "/waiting",
    "/rules",
)
"""Every list of the API."""

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
ANY = TypeAdapter(Any)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def cursor_of(position: Any, of: str, request: PageRequest, scope: object = "") -> str:
    """A cursor with a checksum that is right for a list, whatever it holds."""
    content = json.dumps(position).encode()
    filters = request.model_dump(exclude={"cursor", "limit"})
    named = f"{of}\0{scope}\0{filters!r}\0".encode() + content
    checksum = blake2b(named, digest_size=CHECKSUM_BYTES).digest()
    return urlsafe_b64encode(checksum + content).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "of", "request_", "scope"),
    [
        ("/v1/studies/x/notes", "notes", ListNotesRequest(), "x"),
        ("/v1/letters", "letters", ListDeadLettersRequest(), ""),
    ],
)
async def test_a_cursor_that_no_page_returned_is_refused(
    office: Office, path: str, of: str, request_: PageRequest, scope: str
) -> None:
    right = cursor_of(["2026-01-01T00:00:00Z", "x", 0, 0], "letters", ListDeadLettersRequest())
    assert (await office.ask("GET", f"/v1/letters?cursor={right}"))[0] == 200
    forged = [cursor_of(position, of, request_, scope) for position in POSITIONS]
    for cursor in ["x", "%00", "é", "W" * 2_000, *forged]:
        status, body = await office.ask("GET", f"{path}?cursor={cursor}")
        assert (status, "cursor" in body["detail"]) == (400, True), cursor


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_refuses_what_is_no_cursor_of_its_own(office: Office, path: str) -> None:
    another = ListCursors("another list", ANY)
    own = ListCursors("tokens", TypeAdapter(tuple[Moment, UUID])).encode(
        (AT, UUID(ID)), PageRequest()
    )
    assert own is not None
    given = {"x", own[:-4], own[:-1], "A" + own[1:], own + "AAAA"}
    for position in ([1], ["a"], [ID], [1, 1], ["a", ID], [0.5, 1], [1, AT.isoformat(), "a"]):
        if (cursor := another.encode(position, PageRequest())) is not None:
            given.add(cursor)
    if path != "/tokens":
        given.add(own)
    mark = "&" if "?" in path else "?"
    for cursor in given:
        status, body = await office.ask("GET", f"/v1{path}{mark}cursor={cursor}")
        assert (status, body["detail"].startswith("cursor:")) == (400, True), (cursor, body)


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_names_what_replaces_its_earlier_parameters(
    office: Office, path: str
) -> None:
    mark = "&" if "?" in path else "?"
    for name in ("before", "after", "begin"):
        if (path, name) == ("/letters", "before"):  # when they failed
            continue
        status, body = await office.ask("GET", f"/v1{path}{mark}{name}=1")
        assert (status, "cursor" in body["detail"]) == (400, True), (name, body)


async def read_pages(office: Office, path: str, entries: str, limit: int = 2) -> list[Any]:
    """All entries of a list, by its pages."""
    found: list[Any] = []
    cursor = ""
    while True:
        mark = "&" if "?" in path else "?"
        status, page = await office.ask("GET", f"/v1{path}{mark}limit={limit}{cursor}")
        assert status == 200, page
        found += page[entries]
        if page["next"] is None:
            assert page[entries] or not found
            return found
        assert len(page[entries]) == limit
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("number", [0, 1, 4, 5])
async def test_small_lists_have_every_entry_once(
    office: Office, fresh_database: Database, number: int
) -> None:
    for one in range(number):
        study = STUDY.model_dump(mode="json", exclude={"version", "study_id"})
        body = study | {"study_id": f"study-{one}", "daily_budget_usd": "1"}
        assert (await office.ask("POST", "/v1/studies", body))[0] == 201
        rule = {"name": f"rule-{one}", "filter": {"service": "enrichment"}}
        assert (await office.ask("POST", "/v1/rules", rule))[0] == 201
        wanted = CreateTokenRequest(name="ann", grants=(RoleGrant(role=Role.READER),))
        made = await office.context.tokens.create(wanted, "a test")
        answer = await office.client.post(f"{office.url}/v1/session", json={"token": made.secret})
        assert answer.status_code == 201
    ids = [f"study-{one}" for one in range(number)]
    assert [one["study_id"] for one in await read_pages(office, "/studies", "studies")] == ids
    assert [one["study_id"] for one in await read_pages(office, "/registrations", "studies")] == ids
    rules = [one["name"] for one in await read_pages(office, "/rules", "rules")]
    assert rules == [f"rule-{one}" for one in range(number)]
    sessions = await read_pages(office, "/sessions", "sessions")
    assert len({one["session_id"] for one in sessions}) == len(sessions) == number
    tokens = await read_pages(office, "/tokens", "tokens")
    assert len({one["token_id"] for one in tokens}) == len(tokens) == number + 1
    trail = await read_pages(office, "/trail", "entries")
    assert len({one["entry_id"] for one in trail}) == len(trail) == 3 * number
    budgets = [
        (one["scope"], one["name"]) for one in await read_pages(office, "/budgets", "budgets")
    ]
    assert [scope for scope, _ in budgets] == ["day", *["study_day"] * number]
    assert [name for scope, name in budgets if scope != "day"] == ids


async def test_causes_come_in_pages_and_are_counted_with_the_first(office: Office) -> None:
    for number in range(7):
        for one in range(number % 3 + 1):
            why = TryAgainError(f"cause {chr(97 + number) * 3}")
            await office.died(b"%d %d" % (number, one), 100 * number + one, error=why)
    _, whole = await office.ask("GET", "/v1/causes")
    (muted, *shown) = whole["causes"]
    ids = [one["cause_id"] for one in whole["causes"]]
    assert len(ids) == 7
    assert await read_pages(office, "/causes", "causes", 3) == whole["causes"]
    until = {"muted_until": "2100-01-01T00:00:00Z"}
    answer = await office.client.patch(
        f"{office.url}/v1/causes/{muted['cause_id']}", json=until, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200
    status, page = await office.ask("GET", "/v1/causes?limit=2")
    assert (status, page["causes"], page["muted"]) == (200, shown[:2], 1)
    _, rest = await office.ask("GET", f"/v1/causes?limit=2&cursor={page['next']}")
    assert (rest["causes"], rest["muted"]) == (shown[2:4], 0)
    refused = await office.ask("GET", f"/v1/causes?state=all&cursor={page['next']}")
    assert refused[0] == 400


async def test_speakers_come_in_pages(office: Office, fresh_database: Database) -> None:
    for number in range(3):
        one = interview(number, CHUNKS)
        await NotesStore(fresh_database).store_transcript(one.ingested)
    path = f"/studies/{STUDY.study_id}/speakers"
    _, whole = await office.ask("GET", f"/v1{path}")
    assert whole["speakers"] == sorted(set(whole["speakers"]))
    assert whole["speakers"]
    assert await read_pages(office, path, "speakers", 1) == whole["speakers"]


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
