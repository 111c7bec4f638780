"""Requests with an Idempotency-Key: carried out once, answered again, and no secret is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from contracts.access import CreatedToken, CreateTokenRequest, Role, RoleGrant
from contracts.topics import TRANSCRIPTS_SUBMITTED
from control.access.tokens import TokenStore
from control.access.trail import AuditTrail
from control.api.application import build_openapi_document
from control.idempotency import IdempotentRequestStore
from database.errors import DatabaseUnavailableError
from database.pool import Database
from support.control_office import Office
from support.interviews import STUDY
from support.waiting import until

TOKEN = {"name": "another", "grants": [{"role": "reader"}]}
INTERVIEW = {
    "source": "ana.txt",
    "title": "Ana",
    "study": STUDY.model_dump(mode="json"),
    "content": "Ada: What do you pay?\nBo: Nothing.",
}


async def send(
    office: Office, method: str, path: str, key: str, body: Any = None, **headers: str
) -> httpx2.Response:
    return await office.client.request(
        method, f"{office.url}/v1{path}", json=body, headers={"Idempotency-Key": key, **headers}
    )


def replayed(answer: httpx2.Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


async def test_a_request_that_is_sent_again_is_answered_again_and_not_carried_out(
    office: Office, fresh_database: Database
) -> None:
    letter, another = await office.died(b"v", 1), await office.died(b"v", 2)
    made = await office.context.tokens.create(
        CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.READER),)), "a test"
    )
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/transcripts", INTERVIEW),
        ("POST", f"/letters/{letter}/replay", None),
        ("POST", f"/letters/{another}/discard", {"reason": "a test"}),
        ("POST", "/letters/replay", {"service": "enrichment"}),
        ("POST", "/tokens", TOKEN),
        ("DELETE", f"/tokens/{made.token.token_id}", None),
    ]
    for number, (method, path, body) in enumerate(requests):
        first = await send(office, method, path, f"key-{number}", body)
        assert first.is_success, (path, first.text)
        assert not replayed(first)
        again = await send(office, method, path, f'"key-{number}"', body)
        assert (again.status_code, again.json(), replayed(again)) == (
            first.status_code,
            first.json(),
            True,
        ), path
        assert again.headers["content-type"] == first.headers["content-type"]
        await fresh_database.execute("DELETE FROM idempotent_requests")
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 1
    assert await office.bench.size("enrichment-retry-0") == 1
    assert len((await office.context.trail.page()).entries) == len(requests)


async def test_a_key_of_another_request_is_refused(office: Office) -> None:
    assert (await send(office, "POST", "/tokens", "k", TOKEN)).status_code == 201
    for path, body in (
        ("/tokens", TOKEN | {"name": "third"}),
        ("/letters/replay", None),
        ("/transcripts", INTERVIEW),
    ):
        answer = await send(office, "POST", path, "k", body)
        assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert len(await office.context.tokens.list_tokens()) == 2
    other = (
        await office.context.tokens.create(
            CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.ADMIN),)), "a test"
        )
    ).secret
    answer = await send(
        office, "POST", "/tokens", "k", TOKEN | {"name": "third"}, Authorization=f"Bearer {other}"
    )
    assert answer.status_code == 201  # keys are each token's own


async def test_of_the_same_request_twice_at_once_one_is_carried_out(office: Office) -> None:
    answers = await asyncio.gather(
        *(send(office, "POST", "/tokens", "k", TOKEN) for _ in range(20))
    )
    assert {one.status_code for one in answers} <= {201, 409}
    assert len(await office.context.tokens.list_tokens()) == 2
    secrets = {one.json()["secret"] for one in answers if one.is_success}
    assert len(secrets) == 1
    assert (await send(office, "POST", "/tokens", "k", TOKEN)).json()["secret"] in secrets


async def test_the_secret_of_a_new_token_is_derived_again_and_kept_nowhere(
    office: Office, fresh_database: Database
) -> None:
    made = (await send(office, "POST", "/tokens", "the-key", TOKEN)).json()
    again = (await send(office, "POST", "/tokens", "the-key", TOKEN)).json()
    assert again == made
    me = await office.client.get(
        f"{office.url}/v1/me", headers={"Authorization": f"Bearer {again['secret']}"}
    )
    assert me.json()["name"] == "another"
    rows = await fresh_database.fetch("SELECT * FROM idempotent_requests")
    kept = " ".join(str(bytes(one) if isinstance(one, bytes) else one) for one in rows[0].values())
    assert made["secret"] not in kept
    assert made["secret"].removeprefix("onrecord_")[:20] not in kept
    assert "the-key" not in kept


@pytest.mark.parametrize("lost", ["the answer", "the commit's answer"])
async def test_a_token_is_made_once_whatever_is_lost_after_it_was_made(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    create = TokenStore.create

    async def crash(*_: Any, **__: Any) -> None:
        return None

    async def create_and_lose_it(*args: Any, **options: Any) -> None:
        await create(*args, **options)
        raise DatabaseUnavailableError("the connection was lost")

    with monkeypatch.context() as patch:
        if lost == "the answer":
            patch.setattr(IdempotentRequestStore, "store", crash)
            first = await send(office, "POST", "/tokens", "k", TOKEN)
        else:
            patch.setattr(TokenStore, "create", create_and_lose_it)
            failed = await send(office, "POST", "/tokens", "k", TOKEN)
            assert failed.status_code == 503
            first = None
    await fresh_database.execute("UPDATE idempotent_requests SET locked_until = now()")
    again = await send(office, "POST", "/tokens", "k", TOKEN)
    assert (again.status_code, replayed(again)) == (201, True)
    assert first is None or again.json() == first.json()
    me = {"Authorization": f"Bearer {again.json()['secret']}"}
    assert (await office.client.get(f"{office.url}/v1/me", headers=me)).status_code == 200
    assert len(await office.context.tokens.list_tokens()) == 2


async def test_a_token_whose_request_was_taken_over_is_not_made(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim lapsed while it ran: another one makes the token."""
    create = TokenStore.create

    async def create_late(*args: Any, **options: Any) -> CreatedToken:
        await fresh_database.execute(
            "UPDATE idempotent_requests SET claim_id = gen_random_uuid(), locked_until = now()"
        )
        return await create(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TokenStore, "create", create_late)
        assert (await send(office, "POST", "/tokens", "k", TOKEN)).status_code == 409
    assert len(await office.context.tokens.list_tokens()) == 1
    assert (await send(office, "POST", "/tokens", "k", TOKEN)).status_code == 201


async def test_a_request_that_failed_may_be_sent_again_with_its_key(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = await send(office, "POST", "/letters/00000000/discard", "k", {"reason": "x"})
    assert unknown.status_code == 404
    assert await fresh_database.fetchval("SELECT count(*) FROM idempotent_requests") == 0
    with monkeypatch.context() as patch:

        async def away(*_: Any, **__: Any) -> None:
            raise DatabaseUnavailableError("away")

        patch.setattr(AuditTrail, "record", away)
        assert (await send(office, "POST", "/letters/replay", "k")).status_code == 503
    assert (await send(office, "POST", "/letters/replay", "k")).status_code == 200


async def test_what_a_crash_left_is_not_done_twice_at_once_but_later(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def crash(*_: Any, **__: Any) -> None:
            return None

        patch.setattr(IdempotentRequestStore, "store", crash)
        assert (await send(office, "POST", "/letters/replay", "k")).status_code == 200
    answer = await send(office, "POST", "/letters/replay", "k")
    assert answer.status_code == 409
    await fresh_database.execute("UPDATE idempotent_requests SET locked_until = now()")
    assert (await send(office, "POST", "/letters/replay", "k")).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, '"', "é", "a\\b", '"a"b"'])
async def test_what_is_no_key_is_refused(office: Office, key: str) -> None:
    answer = await office.client.post(
        f"{office.url}/v1/letters/replay", headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )
    assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True)
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await office.client.post(f"{office.url}/v1/letters/replay", headers=two)
    assert answer.status_code == 400


async def test_whoever_may_not_claims_no_key(office: Office, fresh_database: Database) -> None:
    reader = await office.context.tokens.create(
        CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.READER),)), "a test"
    )
    for path, body in (("/letters/replay", None), ("/tokens", TOKEN), ("/transcripts", INTERVIEW)):
        answer = await send(
            office, "POST", path, "k", body, Authorization=f"Bearer {reader.secret}"
        )
        assert answer.status_code == 403
    assert await fresh_database.fetchval("SELECT count(*) FROM idempotent_requests") == 0


async def test_answers_are_kept_for_a_day(office: Office, fresh_database: Database) -> None:
    await send(office, "POST", "/letters/replay", "old")
    await fresh_database.execute(
        "UPDATE idempotent_requests SET started_at = now() - interval '25 hours'"
    )
    await send(office, "POST", "/letters/replay", "new")
    await office.context.requests.delete_old()
    assert await fresh_database.fetchval("SELECT count(*) FROM idempotent_requests") == 1


async def test_an_answer_that_is_sent_again_has_its_entity_tag(office: Office) -> None:
    """Without it, a client that lost the first answer could not go on editing."""
    study = STUDY.model_dump(mode="json", exclude_none=True) | {"study_id": "shops"}
    created = [await send(office, "POST", "/studies", "a", study) for _ in range(2)]
    edit = {"If-Match": created[0].headers["etag"]}
    edited = [
        await send(office, "PATCH", "/studies/shops/registration", "b", {"name": "x"}, **edit)
        for _ in range(2)
    ]
    budget = [
        await send(office, "PUT", "/budgets/studies/shops", "c", {"limit_usd": "5"})
        for _ in range(2)
    ]
    for first, again in (created, edited, budget):
        assert first.is_success, first.text
        assert (replayed(first), replayed(again)) == (False, True)
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.json() == first.json()


async def test_a_request_whose_answer_is_too_large_to_be_kept_is_not_carried_out_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.api.idempotency.MAX_ANSWER_BYTES", 10)
    letter = await office.died(b"v", 1)
    path = f"/letters/{letter}/replay"
    assert (await send(office, "POST", path, "k")).status_code == 200
    again = await send(office, "POST", path, "k")
    assert (again.status_code, replayed(again)) == (409, True)
    assert "was carried out" in again.json()["detail"]
    assert await office.bench.size("enrichment-retry-0") == 1


async def test_a_request_that_takes_long_keeps_its_key(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replay of 10,000 letters does where the broker is slow."""
    monkeypatch.setattr("control.api.idempotency._RENEW_S", 0.05)
    record, recorded, slow = AuditTrail.record, asyncio.Event(), asyncio.Event()

    async def record_slowly(*args: Any, **options: Any) -> None:
        await record(*args, **options)
        recorded.set()
        await slow.wait()

    monkeypatch.setattr(AuditTrail, "record", record_slowly)
    first = asyncio.create_task(send(office, "POST", "/letters/replay", "k"))
    async with asyncio.timeout(10):
        await recorded.wait()
    await fresh_database.execute("UPDATE idempotent_requests SET locked_until = now()")

    async def is_renewed() -> bool:
        return bool(
            await fresh_database.fetchval(
                "SELECT bool_and(locked_until > now()) FROM idempotent_requests"
            )
        )

    await until(is_renewed)
    assert (await send(office, "POST", "/letters/replay", "k")).status_code == 409
    slow.set()
    assert (await first).status_code == 200


def test_the_document_promises_keys_where_they_count() -> None:
    document = build_openapi_document()
    promised = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    }
    changing = {
        (method, path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in {"post", "put", "patch", "delete"}
    }
    assert changing - promised == {("post", "/session"), ("delete", "/session")}
