"""Studies over HTTP: registered once, changed by who has read them, with versions and a trail."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx2
import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from database.pool import Database
from support.control_office import Office

STUDY: dict[str, Any] = {
    "study_id": "repairs",
    "name": "Repairs",
    "themes": [{"id": "price", "name": "Price"}],
    "questions": [{"id": "cost", "text": "What does it cost?"}],
    "personal_data": "mask",
    "daily_budget_usd": 12.5,
    "producers": ["/portal"],
}
PATH = "/studies/repairs/registration"
SPEED = {"themes": [{"id": "speed", "name": "Speed"}]}


class Researcher:
    """Somebody who may edit studies, and the API."""

    def __init__(self, office: Office, secret: str) -> None:
        self._office = office
        self._secret = secret

    async def ask(
        self, method: str, path: str, body: Any = None, match: str | None = None
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._secret}"}
        if match is not None:
            headers["If-Match"] = match
        return await self._office.client.request(
            method, f"{self._office.url}/v1{path}", json=body, headers=headers
        )


async def somebody(office: Office, *grants: RoleGrant) -> Researcher:
    office.client.headers.pop("Authorization", None)
    wanted = CreateTokenRequest(name="ada", grants=grants)
    return Researcher(office, (await office.context.tokens.create(wanted, "a test")).secret)


@pytest.fixture
async def ada(office: Office) -> Researcher:
    return await somebody(office, RoleGrant(role=Role.RESEARCHER))


async def test_a_study_is_registered_once(ada: Researcher) -> None:
    made = await ada.ask("POST", "/studies", STUDY)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    found = made.json()
    assert {name: found[name] for name in STUDY} == STUDY | {
        "themes": [{"id": "price", "name": "Price", "description": ""}]
    }
    assert (found["version"], found["registered_by"]) == (1, "ada")
    assert found["archived_at"] is None
    again = await ada.ask("POST", "/studies", STUDY)
    assert again.status_code == 409
    assert "there is a study repairs" in again.json()["detail"]
    read = await ada.ask("GET", PATH)
    assert (read.json(), read.headers["etag"]) == (found, '"1"')


@pytest.mark.parametrize(
    "wrong",
    [
        {"study_id": "no blanks"},
        {"themes": []},
        {"themes": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]},
        {"daily_budget_usd": -1},
        {"daily_budget_usd": "NaN"},
        {"statements": "some"},
        {"retention_days": 0},
        {"colour": "red"},
        {"producers": [""]},
        {"name": "a\0b"},
    ],
)
async def test_what_is_no_study_is_refused(ada: Researcher, wrong: dict[str, Any]) -> None:
    answer = await ada.ask("POST", "/studies", STUDY | wrong)
    assert answer.status_code == 400, answer.text
    assert next(iter(wrong)) in answer.json()["detail"]
    assert (await ada.ask("GET", "/registrations")).json() == {"studies": [], "next": None}


async def test_other_themes_are_a_new_version_and_other_policies_are_not(
    ada: Researcher, fresh_database: Database
) -> None:
    await ada.ask("POST", "/studies", STUDY)
    changed = await ada.ask("PATCH", PATH, {"statements": "quotes"}, match='"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["version"], changed.json()["statements"]) == (1, "quotes")
    changed = await ada.ask("PATCH", PATH, SPEED, match='"2"')
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"3"')
    assert changed.json()["questions"] == STUDY["questions"]
    same = await ada.ask("PATCH", PATH, SPEED, match='"3"')
    assert (same.status_code, same.headers["etag"]) == (200, '"3"'), "nothing was changed"
    versions = await fresh_database.fetch(
        "SELECT version, inputs -> 'themes' -> 0 ->> 'id' AS theme, created_by FROM study_versions "
        "ORDER BY version"
    )
    assert [tuple(row) for row in versions] == [(1, "price", "ada"), (2, "speed", "ada")]


async def test_nobodys_change_is_lost(ada: Researcher) -> None:
    await ada.ask("POST", "/studies", STUDY)
    missing = await ada.ask("PATCH", PATH, SPEED)
    assert missing.status_code == 428
    assert "If-Match" in missing.json()["detail"]
    for tag in ("1", 'W/"1"', '"x"', '"1", "2"', ""):
        assert (await ada.ask("PATCH", PATH, SPEED, match=tag)).status_code == 400, tag
    assert (await ada.ask("PATCH", PATH, SPEED, match='"1"')).status_code == 200
    stale = await ada.ask("PATCH", PATH, {"name": "Mine"}, match='"1"')
    assert stale.status_code == 412
    assert "changed meanwhile" in stale.json()["detail"]
    assert (await ada.ask("GET", PATH)).json()["name"] == "Repairs"
    assert (await ada.ask("PATCH", PATH, {"name": "Mine"}, match="*")).status_code == 200


async def test_of_changes_at_the_same_time_one_is_made(ada: Researcher) -> None:
    await ada.ask("POST", "/studies", STUDY)
    edits = [ada.ask("PATCH", PATH, {"name": f"Name {n}"}, match='"1"') for n in range(8)]
    results = await asyncio.gather(*edits)
    assert sorted(one.status_code for one in results) == [200, *[412] * 7]
    assert (await ada.ask("GET", PATH)).headers["etag"] == '"2"'


async def test_a_registered_study_without_interviews_is_one(ada: Researcher) -> None:
    for path in ("", "/notes", "/notes/counts", "/speakers", "/transcripts", "/coverage"):
        missing = await ada.ask("GET", f"/studies/repairs{path}")
        assert missing.status_code == 404, path
    await ada.ask("POST", "/studies", STUDY | {"questions": [{"id": "why", "text": "Why?"}]})
    summaries = (await ada.ask("GET", "/studies")).json()["studies"]
    assert [(one["study_id"], one["interviews"]) for one in summaries] == [("repairs", 0)]
    found = (await ada.ask("GET", "/studies/repairs")).json()
    assert (found["study"]["study_id"], found["interviews"]) == ("repairs", 0)
    assert (await ada.ask("GET", "/studies/repairs/notes")).json() == {"notes": [], "next": None}
    for path in ("/notes/counts", "/speakers", "/transcripts"):
        assert (await ada.ask("GET", f"/studies/repairs{path}")).status_code == 200, path
    coverage = (await ada.ask("GET", "/studies/repairs/coverage")).json()
    # Nothing proves that nobody says why.
    assert [one["finding"] for one in coverage["questions"]] == ["unknown"]
    await ada.ask("PATCH", PATH, {"archived": True}, match="*")
    assert (await ada.ask("GET", "/studies")).json() == {"studies": [], "next": None}


@pytest.mark.parametrize(
    "wrong",
    [{"name": None}, {"themes": None}, {"study_id": "x"}, {"version": 3}, {"archived": None}],
)
async def test_what_cannot_be_changed_is_refused(ada: Researcher, wrong: dict[str, Any]) -> None:
    await ada.ask("POST", "/studies", STUDY)
    assert (await ada.ask("PATCH", PATH, wrong, match="*")).status_code == 400
    assert (await ada.ask("GET", PATH)).headers["etag"] == '"1"'


async def test_null_resets_what_may_be_unset(ada: Researcher) -> None:
    await ada.ask("POST", "/studies", STUDY)
    reset = {"personal_data": None, "daily_budget_usd": None, "retention_days": None}
    found = (await ada.ask("PATCH", PATH, reset, match="*")).json()
    assert {name: found[name] for name in reset} == reset


async def test_an_archived_study_stays_and_can_be_reopened(ada: Researcher) -> None:
    await ada.ask("POST", "/studies", STUDY)
    archived = (await ada.ask("PATCH", PATH, {"archived": True}, match="*")).json()
    again = (await ada.ask("PATCH", PATH, {"archived": True}, match="*")).json()
    assert archived["archived_at"]
    assert archived["archived_at"] == again["archived_at"]
    (listed,) = (await ada.ask("GET", "/registrations")).json()["studies"]
    assert listed == archived
    reopened = (await ada.ask("PATCH", PATH, {"archived": False}, match="*")).json()
    assert reopened["archived_at"] is None


async def test_researchers_of_one_study_see_and_change_that_one(
    office: Office, ada: Researcher
) -> None:
    for study_id in ("repairs", "another"):
        await ada.ask("POST", "/studies", STUDY | {"study_id": study_id})
    own = await somebody(office, RoleGrant(role=Role.RESEARCHER, study_id="repairs"))
    (listed,) = (await own.ask("GET", "/registrations")).json()["studies"]
    assert listed["study_id"] == "repairs"
    assert (await own.ask("PATCH", PATH, SPEED, match="*")).status_code == 200
    other = PATH.replace("repairs", "another")
    assert (await own.ask("PATCH", other, SPEED, match="*")).status_code == 403
    assert (await own.ask("GET", other)).status_code == 403
    assert (await own.ask("POST", "/studies", STUDY | {"study_id": "x"})).status_code == 403
    reader = await somebody(office, RoleGrant(role=Role.READER))
    assert (await reader.ask("PATCH", PATH, SPEED, match="*")).status_code == 403


LOOSENED: Final = 'repairs: daily_budget_usd=7.5, personal_data="allow", producers=["/portal"]'
"""Of policies the trail has the values: who loosened one is not to be guessed."""


async def test_changes_are_in_the_trail(ada: Researcher, fresh_database: Database) -> None:
    await ada.ask("POST", "/studies", STUDY)
    await ada.ask("PATCH", PATH, SPEED | {"name": "New"}, match="*")
    for is_archived in (True, False):
        await ada.ask("PATCH", PATH, {"archived": is_archived}, match="*")
    loosened = {"personal_data": "allow", "producers": ["/portal"], "daily_budget_usd": "7.5"}
    await ada.ask("PATCH", PATH, loosened, match="*")
    rows = await fresh_database.fetch(
        "SELECT actor, action, target, study_id FROM trail ORDER BY entry_id"
    )
    assert [tuple(row) for row in rows] == [
        ("ada", "study.create", "repairs", "repairs"),
        ("ada", "study.edit", "repairs: name, themes", "repairs"),
        ("ada", "study.archive", "repairs", "repairs"),
        ("ada", "study.reopen", "repairs", "repairs"),
        ("ada", "study.edit", LOOSENED, "repairs"),
    ]


async def test_a_study_that_is_not_registered_is_not_found(ada: Researcher) -> None:
    assert (await ada.ask("GET", PATH)).status_code == 404
    assert (await ada.ask("PATCH", PATH, SPEED, match="*")).status_code == 404


async def test_a_study_that_registered_itself_is_its_editors_from_then_on(
    ada: Researcher, fresh_database: Database
) -> None:
    await ada.ask("POST", "/studies", STUDY)
    await fresh_database.execute("UPDATE studies SET is_self_registered = true")
    assert (await ada.ask("GET", PATH)).json()["is_self_registered"]
    edited = await ada.ask("PATCH", PATH, {"statements": "quotes"}, "*")
    assert edited.json()["is_self_registered"] is False
