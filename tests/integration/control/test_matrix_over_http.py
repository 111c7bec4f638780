"""A study's matrix over HTTP: each interview's notes by theme and by question, in pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.access import Role
from contracts.study import Theme
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office, as_role
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, validated

PATH = f"/v1/studies/{STUDY.study_id}/matrix"
SILENT = UUID(int=77)


async def matrix(office: Office, query: str = "") -> dict[str, Any]:
    status, page = await office.ask("GET", f"{PATH}?{query}")
    assert status == 200
    found: dict[str, Any] = page
    return found


async def fill(database: Database) -> None:
    """An interview with notes, half read, and one that was asked for another theme, unread."""
    store = NotesStore(database)
    await store.store_transcript(ingested())
    other = STUDY.model_copy(update={"themes": (Theme(id="tools", name="Tools"),)})
    await store.store_transcript(
        ingested(transcript_id=SILENT, title="Interview 2", study=other, chunks=())
    )
    pays = note("They pay", evidence("We pay 40 dollars"), themes=("price", "trust"), **VOUCHED)
    doubts = note("They doubt it", themes=("trust",), questions=())
    await store.store_notes(validated(pays, doubts))


async def test_findings_and_unproven_notes_are_counted_apart(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    page = await matrix(office)
    first, second = page["interviews"]
    assert first["cells"] == [
        {"topic": "price", "findings": 1, "unproven": 0},
        {"topic": "trust", "findings": 1, "unproven": 1},
    ]
    assert (first["chunks"], first["stored"]) == (2, 1)
    assert (second["title"], second["cells"]) == ("Interview 2", [])


async def test_topics_without_notes_are_there_and_so_is_what_was_not_asked(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    page = await matrix(office)
    assert {one["id"] for one in page["topics"]} == {"price", "trust", "tools"}
    first, second = page["interviews"]
    assert (first["not_asked"], sorted(second["not_asked"])) == (["tools"], ["price", "trust"])
    page = await matrix(office, "by=question")
    assert page["topics"] == [{"id": "churn", "text": "Why do people leave?"}]
    assert page["interviews"][0]["cells"] == [{"topic": "churn", "findings": 1, "unproven": 0}]


async def test_notes_that_say_the_same_count_once(office: Office, fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    cited = evidence("We pay 40 dollars")
    said = note("They pay 40.", cited, themes=("price",), **VOUCHED)
    again = note("They pay 40!", cited, themes=("price", "trust"))
    await store.store_notes(validated(said, again))
    page = await matrix(office)
    assert page["interviews"][0]["cells"] == [
        {"topic": "price", "findings": 1, "unproven": 0},
        {"topic": "trust", "findings": 1, "unproven": 0},
    ]


async def test_interviews_come_in_pages_and_only_their_latest_revision(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    await NotesStore(fresh_database).store_transcript(ingested(2, title="Interview 3"))
    page = await matrix(office, "limit=1")
    assert [one["title"] for one in page["interviews"]] == ["Interview 2"]
    page = await matrix(office, f"limit=1&cursor={page['next']}")
    assert [(one["title"], one["cells"]) for one in page["interviews"]] == [("Interview 3", [])]
    assert page["next"] is None


async def test_a_page_has_no_more_interviews_than_are_built_at_once(office: Office) -> None:
    assert (await office.ask("GET", f"{PATH}?limit=201"))[0] == 400


async def test_topics_that_were_added_to_a_registered_study_have_a_column(
    office: Office, fresh_database: Database
) -> None:
    registered = STUDY.model_dump(mode="json", include={"study_id", "name", "themes", "questions"})
    assert (await office.ask("POST", "/v1/studies", registered))[0] == 201
    await fill(fresh_database)
    added = [*registered["themes"], {"id": "speed", "name": "Speed"}]
    answer = await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json={"themes": added},
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200
    page = await matrix(office)
    assert page["topics"][-1] == {"id": "speed", "text": "Speed"}
    assert all("speed" in one["not_asked"] for one in page["interviews"])


async def test_a_cursor_of_themes_is_none_of_questions(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    page = await matrix(office, "limit=1")
    status, _ = await office.ask("GET", f"{PATH}?by=question&limit=1&cursor={page['next']}")
    assert status == 400


async def test_a_study_of_others_and_one_that_is_not_there_have_no_matrix(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    assert (await office.ask("GET", "/v1/studies/nowhere/matrix"))[0] == 404
    await as_role(office, Role.READER, "elsewhere")
    assert (await office.ask("GET", PATH))[0] == 403
