"""Budgets, costs and cached responses over HTTP, and entity tags where people edit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, ingested

BUDGET = f"/v1/budgets/studies/{STUDY.study_id}"


async def request(office: Office, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.request(method, office.url + path, json=body, headers=named)


async def test_what_the_client_has_is_not_sent_again(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    for path in (f"/v1/studies/{STUDY.study_id}", BUDGET, "/v1/budgets/day"):
        first = await request(office, "GET", path)
        etag = first.headers["etag"]
        assert (first.status_code, etag[0], etag[-1]) == (200, '"', '"')
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (etag, f'"x", W/{etag}', "*"):
            again = await request(office, "GET", path, If_None_Match=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
        assert (await request(office, "GET", path, If_None_Match='"x"')).status_code == 200


@pytest.mark.parametrize("path", [BUDGET, "/v1/budgets/day"])
async def test_a_budget_that_was_changed_meanwhile_is_not_overwritten(
    office: Office, path: str
) -> None:
    etag = (await request(office, "GET", path)).headers["etag"]
    set_ = await request(office, "PUT", path, {"limit_usd": "2.50"}, If_Match=etag)
    assert (set_.status_code, set_.json()["limit_usd"], set_.json()["set_by"]) == (
        *(200, "2.50"),
        "command",
    )
    late = await request(office, "PUT", path, {"limit_usd": "9"}, If_Match=etag)
    assert (late.status_code, late.json()["title"]) == (412, "Precondition Failed")
    late = await request(office, "DELETE", path, If_Match=etag)
    assert late.status_code == 412
    now = await request(office, "GET", path)
    assert (now.json()["limit_usd"], now.headers["etag"]) == ("2.50", set_.headers["etag"])
    reset = await request(office, "DELETE", path, If_Match=now.headers["etag"])
    assert (reset.status_code, reset.json()["limit_usd"]) == (200, None)
    entries = (await office.context.trail.page()).entries
    assert [one.target.split(": ")[1] for one in entries] == ["default", "2.50"]


@pytest.mark.parametrize("path", [BUDGET, "/v1/budgets/day"])
async def test_of_several_who_change_what_they_have_read_one_succeeds(
    office: Office, path: str
) -> None:
    etag = (await request(office, "GET", path)).headers["etag"]
    answers = await asyncio.gather(
        *(
            request(office, "PUT", path, {"limit_usd": str(usd)}, If_Match=etag)
            for usd in range(1, 9)
        )
    )
    (made,) = [one for one in answers if one.status_code == 200]
    assert {one.status_code for one in answers} == {200, 412}
    now = await request(office, "GET", path)
    assert (now.json()["limit_usd"], now.headers["etag"]) == (
        made.json()["limit_usd"],
        made.headers["etag"],
    )


@pytest.mark.parametrize("usd", ["-1", "nan", "1e30", "much"])
async def test_what_is_no_limit_is_refused(office: Office, usd: str) -> None:
    assert (await request(office, "PUT", BUDGET, {"limit_usd": usd})).status_code == 400
    assert (await request(office, "PUT", BUDGET, {})).status_code == 400
    assert (await office.context.trail.page()).entries == ()


async def test_costs_and_the_cache_are_there_before_any_call(office: Office) -> None:
    _, costs = await office.ask("GET", "/v1/costs?by=model&within_s=3600")
    assert (costs["rows"], costs["total"]["calls"]) == ([], 0)
    assert (await office.ask("GET", "/v1/cache"))[1] == []
    assert (await office.ask("GET", "/v1/cache/count?older_than_s=1"))[1] == {"answers": 0}
    assert (await office.ask("DELETE", "/v1/cache?model=small"))[1] == {"answers": 0}
    (entry,) = (await office.context.trail.page()).entries
    assert (entry.action, entry.target) == ("cache.clear", '{"model":"small"}')


async def test_answers_for_one_caller_are_kept_by_nobody(office: Office) -> None:
    for path in ("/v1/me", "/v1/studies", "/v1/letters", "/v1/nothing", "/v1/costs?by=hour"):
        assert (await request(office, "GET", path)).headers["cache-control"] == "no-store"
