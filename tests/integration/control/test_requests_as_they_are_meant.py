"""What can be read in more than one way, or is misspelt, is refused and changes nothing."""

from __future__ import annotations

from typing import Any, Final

import pytest
from pydantic import BaseModel

from contracts.pages import PageRequest
from control.api.application import ROUTERS
from control.api.json_bodies import StrictJson
from control.api.malformed import SINGLE_HEADERS, is_model, list_query_parameters
from control.api.sessions import CALLBACK
from database.pool import Database
from support.api_pages import list_endpoints
from support.control_office import Office
from support.interviews import STUDY

NOBODY: Final = "5a0e8a5e-6c2c-5f3e-9c43-2f5f0b6e8d11"
TOKEN: Final = b'{"name": "a", "grants": [{"role": "reader"}]%b}'
LETTERS: Final = f"/letters/{NOBODY}"

CONFUSED: Final[tuple[tuple[str, str, bytes, str], ...]] = (
    ("POST", "/tokens", TOKEN % b', "expires_in_days": true', "expires_in_days"),
    ("POST", "/tokens", TOKEN % b', "expires_in_days": "5"', "expires_in_days"),
    ("POST", "/tokens", TOKEN % b', "expires_in_days": 5.0', "expires_in_days"),
    ("POST", "/tokens", TOKEN % b', "name": "b"', "name: is given more than once"),
    ("POST", "/tokens", TOKEN % b', "n\\u0061me": "b"', "name: is given more than once"),
    ("POST", "/tokens", b'{"name": "a", "grants": [{"role": "reader", "role": "admin"}]}', "role"),
    ("POST", "/tokens", b'{"name": 5, "grants": [{"role": "reader"}]}', "name"),
    ("POST", "/tokens", b'{"name": "a", "grants": {"role": "reader"}}', "grants"),
    ("POST", "/letters/snooze", b'{"snooze_until": 2000000000}', "snooze_until"),
    ("POST", "/letters/snooze", b'{"snooze_until": "2000000000"}', "snooze_until"),
    ("POST", "/letters/replay", b'{"limit": "1"}', "limit"),
    ("POST", "/letters/replay", b'{"limit": true}', "limit"),
    ("POST", "/letters/replay", b'{"min_attempts": true}', "min_attempts"),
    ("PUT", "/budgets/day", b'{"limit_usd": true}', "limit_usd"),
    ("PUT", "/budgets/day", b'{"limit_usd": NaN}', "limit_usd"),
    ("PUT", "/budgets/day", b'{"limit_usd": Infinity}', "limit_usd"),
    ("POST", "/transcripts", b'{"source": "a", "title": "A", "content": 5}', "content"),
)
"""Bodies that Python's and pydantic's defaults take for something else, and what is named."""

AS_BEFORE: Final[tuple[tuple[str, str, bytes], ...]] = (
    ("POST", "/tokens", TOKEN % b', "expires_in_days": 5'),
    ("POST", "/tokens", TOKEN % b', "expires_in_days": null'),
    (
        "POST",
        "/letters/snooze",
        b'{"snooze_until": "2033-05-18T03:33:20Z", "code": "x"}',
    ),
    ("PUT", "/budgets/day", b'{"limit_usd": 5}'),
    ("PUT", "/budgets/day", b'{"limit_usd": 5.25}'),
    ("PUT", "/budgets/day", b'{"limit_usd": "5.25"}'),
)
"""Forms that are documented: ids, times, enumerations and amounts are text in JSON."""


def list_routes() -> list[Any]:
    return [route for router in ROUTERS for route in router.routes]


async def count_what_changed(database: Database) -> int:
    tables = ("access_tokens", "trail", "llm_budgets")
    return sum([await database.fetchval(f"SELECT count(*) FROM {one}") for one in tables])


@pytest.mark.parametrize("request_", CONFUSED)
async def test_a_body_is_taken_as_it_was_written(
    office: Office, fresh_database: Database, request_: tuple[str, str, bytes, str]
) -> None:
    method, path, body, named = request_
    before = await count_what_changed(fresh_database)
    status, answer = await office.ask(method, f"/v1{path}", body)
    assert status == 400, answer
    assert named in answer["detail"]
    assert await count_what_changed(fresh_database) == before


@pytest.mark.parametrize(("method", "path", "body"), AS_BEFORE)
async def test_documented_forms_are_taken(
    office: Office, method: str, path: str, body: bytes
) -> None:
    status, answer = await office.ask(method, f"/v1{path}", body)
    assert status in {200, 201}, answer


def test_every_body_is_taken_as_it_was_written() -> None:
    for route in list_routes():
        for field in route.dependant.body_params:
            metadata = field.field_info.metadata
            assert any(isinstance(one, StrictJson) for one in metadata), route.path


async def test_a_parameter_that_an_endpoint_does_not_know_is_refused_everywhere(
    office: Office,
) -> None:
    names = {"letter_id": NOBODY, "plan_id": NOBODY, "study_id": STUDY.study_id, "name": "a"}
    for method, path, _ in list_endpoints():
        if path == CALLBACK:  # issuers may add what they like
            continue
        for one in (
            *("transcript_id", "note_id", "token_id", "session_id", "rehearsal_id"),
            "erasure_id",
        ):
            names[one] = NOBODY
        names |= {"cause_id": "0" * 16, "service": "ingestion"}
        answer = await office.client.request(
            method, f"{office.url}/v1{path.format(**names)}?forec=true"
        )
        assert answer.status_code == 400, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_stands_for_all_parameters_refuses_others() -> None:
    models = {
        field.field_info.annotation
        for route in list_routes()
        for field in list_query_parameters(route.dependant)
        if is_model(field) and route.path != CALLBACK
    }
    assert PageRequest in models
    for one in models:
        assert isinstance(one, type)
        assert issubclass(one, BaseModel)
        assert one.model_config.get("extra") == "forbid", one


async def test_a_header_that_comes_twice_is_refused(office: Office) -> None:
    for name in SINGLE_HEADERS:
        headers = [*office.client.headers.items(), (name, "1"), (name, "2")]
        answer = await office.client.get(f"{office.url}/v1/me", headers=headers)
        assert answer.status_code == 400, name
        assert answer.json()["detail"] == f"{name}: is sent more than once"


async def test_head_answers_as_get_does_without_a_body(office: Office) -> None:
    for path in ("/me", "/studies", f"/studies/{STUDY.study_id}", "/nothing", "/letters?limit=x"):
        got = await office.client.get(f"{office.url}/v1{path}")
        head = await office.client.head(f"{office.url}/v1{path}")
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("content-type", "content-length", "cache-control", "etag"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
    without_token = await office.client.head(f"{office.url}/v1/me", headers={"Authorization": "x"})
    assert without_token.status_code == 401


async def test_a_method_that_a_path_does_not_take_is_told_all_that_it_takes(
    office: Office,
) -> None:
    for path, allowed in (
        ("/me", "GET, HEAD"),
        ("/budgets/day", "DELETE, GET, HEAD, PUT"),
        ("/studies/a/registration", "GET, HEAD, PATCH"),
        (f"{LETTERS}/replay", "POST"),
        ("/events", "GET"),
    ):
        for method in {"OPTIONS", "TRACE", "HEAD", "PATCH"} - set(allowed.split(", ")):
            answer = await office.client.request(method, f"{office.url}/v1{path}")
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)


async def test_a_key_with_another_if_match_is_another_request(office: Office) -> None:
    study = {"study_id": "a-study", "name": "A study", "themes": [{"id": "a", "name": "A"}]}
    created = await office.client.post(f"{office.url}/v1/studies", json=study)
    assert created.status_code == 201, created.text
    url = f"{office.url}/v1/studies/a-study/registration"

    async def edit(etag: str) -> tuple[int, bool]:
        headers = {"If-Match": etag, "Idempotency-Key": "k"}
        answer = await office.client.patch(url, json={"name": "Another"}, headers=headers)
        return answer.status_code, "idempotency-replayed" in answer.headers

    first = created.headers["etag"]
    assert await edit(first) == (200, False)
    assert await edit(first) == (200, True)
    assert await edit("*") == (422, False)
