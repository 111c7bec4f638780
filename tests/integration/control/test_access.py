"""Who may do what: every role at every endpoint, tokens' lives, and the trail of what they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from contracts.access import CreatedToken, CreateTokenRequest, Role, RoleGrant
from contracts.ids import derive_id
from control.access.tokens import (
    UnusableTokenError,
    generate_token_secret,
    store_admin_token_from_file,
)
from control.api import ControlApi
from control.api.limits import CredentialLimiter
from control.domain import IndexedSubmission
from database.errors import DatabaseConflictError, DatabaseTimeoutError, DatabaseUnavailableError
from database.pool import Database
from persistence.store import NotesStore
from support.api_pages import list_endpoints
from support.control_office import Office, open_office
from support.interviews import STUDY, TRANSCRIPT, ingested, note, validated

READER, EVIDENCE, RESEARCHER, OPERATOR, ADMIN = Role
READERS: Final = frozenset({READER, EVIDENCE, RESEARCHER, ADMIN})
EVIDENCE_READERS: Final = frozenset({EVIDENCE, ADMIN})
OPERATORS: Final = frozenset({OPERATOR, ADMIN})
EVERYBODY: Final = frozenset(Role)
ADMINS: Final = frozenset({ADMIN})

RESEARCHERS: Final = frozenset({RESEARCHER, ADMIN})

EXPECTED: Final[dict[tuple[str, str], frozenset[Role]]] = {
    ("POST", "/transcripts"): RESEARCHERS,
    ("GET", "/studies/{study_id}/submissions"): RESEARCHERS,
    ("GET", "/letters"): OPERATORS,
    ("GET", "/letters/counts"): OPERATORS,
    ("POST", "/letters/replay"): OPERATORS,
    ("GET", "/letters/replayable"): OPERATORS,
    ("GET", "/causes"): OPERATORS,
    ("GET", "/causes/{cause_id}"): OPERATORS,
    ("GET", "/causes/{cause_id}/background"): OPERATORS,
    ("PATCH", "/causes/{cause_id}"): OPERATORS,
    ("POST", "/plans"): OPERATORS,
    ("GET", "/plans"): OPERATORS,
    ("GET", "/plans/{plan_id}"): OPERATORS,
    ("GET", "/plans/{plan_id}/preview"): OPERATORS,
    ("GET", "/plans/{plan_id}/letters"): OPERATORS,
    ("POST", "/plans/{plan_id}/start"): OPERATORS,
    ("POST", "/plans/{plan_id}/pause"): OPERATORS,
    ("POST", "/plans/{plan_id}/resume"): OPERATORS,
    ("POST", "/plans/{plan_id}/cancel"): OPERATORS,
    ("POST", "/rehearsals"): OPERATORS,
    ("GET", "/rehearsals/{rehearsal_id}"): OPERATORS,
    ("GET", "/rehearsals/{rehearsal_id}/letters"): OPERATORS,
    ("POST", "/rehearsals/{rehearsal_id}/cancel"): OPERATORS,
    ("GET", "/letters/{letter_id}"): OPERATORS,
    ("GET", "/letters/{letter_id}/history"): OPERATORS,
    ("GET", "/letters/{letter_id}/value"): ADMINS,
    ("GET", "/letters/{letter_id}/edit"): ADMINS,
    ("PUT", "/letters/{letter_id}/edit"): ADMINS,
    ("DELETE", "/letters/{letter_id}/edit"): ADMINS,
    ("POST", "/letters/{letter_id}/replay"): OPERATORS,
    ("POST", "/letters/{letter_id}/discard"): OPERATORS,
    ("POST", "/letters/{letter_id}/restore"): OPERATORS,
    ("POST", "/letters/{letter_id}/snooze"): OPERATORS,
    ("POST", "/letters/discard"): OPERATORS,
    ("POST", "/letters/restore"): OPERATORS,
    ("POST", "/letters/snooze"): OPERATORS,
    ("GET", "/studies"): EVERYBODY,
    ("GET", "/studies/{study_id}"): READERS,
    ("GET", "/studies/{study_id}/notes"): READERS,
    ("GET", "/studies/{study_id}/coverage"): READERS,
    ("GET", "/studies/{study_id}/matrix"): READERS,
    ("GET", "/studies/{study_id}/disagreements"): READERS,
    ("POST", "/studies"): RESEARCHERS,
    ("GET", "/registrations"): EVERYBODY,
    ("GET", "/studies/{study_id}/registration"): READERS,
    ("PATCH", "/studies/{study_id}/registration"): RESEARCHERS,
    ("GET", "/studies/{study_id}/retention"): READERS,
    ("PUT", "/studies/{study_id}/retention"): RESEARCHERS,
    ("GET", "/studies/{study_id}/retention/preview"): READERS,
    ("POST", "/studies/{study_id}/refresh"): RESEARCHERS,
    ("GET", "/studies/{study_id}/transcripts"): READERS,
    ("GET", "/transcripts/{transcript_id}"): READERS,
    ("GET", "/transcripts/{transcript_id}/segments"): READERS,
    ("GET", "/transcripts/{transcript_id}/coverage"): READERS,
    ("GET", "/transcripts/{transcript_id}/reading-report"): READERS,
    ("POST", "/transcripts/{transcript_id}/withdraw"): RESEARCHERS,
    ("POST", "/transcripts/{transcript_id}/restore"): RESEARCHERS,
    ("POST", "/transcripts/{transcript_id}/handover"): RESEARCHERS,
    ("POST", "/transcripts/{transcript_id}/fix"): RESEARCHERS,
    ("POST", "/studies/{study_id}/handover"): RESEARCHERS,
    ("POST", "/erasures"): RESEARCHERS,
    ("GET", "/erasures"): RESEARCHERS,
    ("GET", "/erasures/key"): RESEARCHERS,
    ("GET", "/erasures/{erasure_id}"): RESEARCHERS,
    ("GET", "/erasures/{erasure_id}/receipt"): RESEARCHERS,
    ("GET", "/studies/{study_id}/notes/counts"): READERS,
    ("GET", "/studies/{study_id}/notes/rejected"): EVIDENCE_READERS,
    ("GET", "/studies/{study_id}/speakers"): READERS,
    ("GET", "/notes/{note_id}"): READERS,
    ("GET", "/notes/{note_id}/evidence"): READERS,
    ("GET", "/notes/{note_id}/decisions"): READERS,
    ("POST", "/notes/{note_id}/decisions"): RESEARCHERS,
    ("GET", "/studies/{study_id}/decisions"): READERS,
    ("GET", "/notes/{note_id}/explanation"): EVIDENCE_READERS,
    ("GET", "/search"): READERS,
    ("GET", "/costs"): OPERATORS,
    ("GET", "/budgets"): OPERATORS,
    ("GET", "/budgets/day"): OPERATORS,
    ("PUT", "/budgets/day"): OPERATORS,
    ("DELETE", "/budgets/day"): OPERATORS,
    ("GET", "/budgets/studies/{study_id}"): OPERATORS,
    ("PUT", "/budgets/studies/{study_id}"): OPERATORS,
    ("DELETE", "/budgets/studies/{study_id}"): OPERATORS,
    ("GET", "/cache"): OPERATORS,
    ("GET", "/cache/count"): OPERATORS,
    ("DELETE", "/cache"): OPERATORS,
    ("GET", "/me"): EVERYBODY,
    ("POST", "/tokens"): ADMINS,
    ("GET", "/tokens"): ADMINS,
    ("DELETE", "/tokens/{token_id}"): ADMINS,
    ("GET", "/trail"): ADMINS,
    ("GET", "/sessions"): ADMINS,
    ("DELETE", "/sessions/{session_id}"): ADMINS,
    ("GET", "/events"): EVERYBODY,
    ("GET", "/audit"): OPERATORS,
    ("GET", "/pipeline"): OPERATORS,
    ("GET", "/drift"): OPERATORS,
    ("POST", "/pipeline/{service}/resume"): OPERATORS,
    ("GET", "/waiting"): OPERATORS,
    ("POST", "/waiting/release"): OPERATORS,
    ("POST", "/waiting/hold"): OPERATORS,
    ("POST", "/waiting/give-up"): OPERATORS,
    ("GET", "/letters/retention"): OPERATORS,
    ("POST", "/letters/reindex"): OPERATORS,
    ("GET", "/rules"): OPERATORS,
    ("POST", "/rules"): OPERATORS,
    ("GET", "/rules/{name}"): OPERATORS,
    ("PATCH", "/rules/{name}"): OPERATORS,
    ("DELETE", "/rules/{name}"): OPERATORS,
}
"""Roles, granted for all studies, that each endpoint serves. An operator who is also an evidence
reader reads letters' values."""

OF_BROWSERS: Final = {
    ("GET", "/session/login"),
    ("GET", "/session/callback"),
    ("POST", "/session"),
    ("GET", "/session"),
    ("DELETE", "/session"),
}
"""Endpoints by which a browser's session begins and ends (``test_sessions.py``)."""

BODIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/transcripts"): {
        "source": "ana.txt",
        "title": "Ana",
        "study": STUDY.model_dump(mode="json"),
        "content": "Ada: What do you pay?",
    },
    ("POST", "/letters/{letter_id}/discard"): {"reason": "a test"},
    ("POST", "/waiting/release"): {},
    ("POST", "/waiting/hold"): {},
    ("POST", "/waiting/give-up"): {"reason": "a test"},
    ("POST", "/letters/{letter_id}/snooze"): {"snooze_until": None},
    ("PUT", "/letters/{letter_id}/edit"): {"value": {}, "reason": "a test"},
    ("POST", "/letters/discard"): {"reason": "a test"},
    ("POST", "/letters/restore"): {"discard_id": str(derive_id("nobody"))},
    ("POST", "/letters/snooze"): {"snooze_until": None},
    ("POST", "/rules"): {"name": "new", "filter": {"service": "enrichment"}},
    ("PATCH", "/rules/{name}"): {"is_enabled": False},
    ("POST", "/studies/{study_id}/refresh"): {"dry_run": True},
    ("POST", "/transcripts/{transcript_id}/withdraw"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/restore"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/handover"): {"to": "/portal", "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/fix"): {"title": "x", "dry_run": True},
    ("POST", "/notes/{note_id}/decisions"): {"kind": "accepted"},
    ("POST", "/erasures"): {
        "transcript_id": str(TRANSCRIPT),
        "reason": "a test",
        "dry_run": True,
    },
    ("POST", "/studies/{study_id}/handover"): {"to": "/portal", "reason": "a test"},
    ("PATCH", "/causes/{cause_id}"): {"assignee": "ada"},
    ("POST", "/plans"): {"which": {"service": "enrichment"}},
    ("POST", "/rehearsals"): {},
    ("POST", "/studies"): {
        "study_id": "new",
        "name": "New",
        "themes": [{"id": "a", "name": "A"}],
    },
    ("PATCH", "/studies/{study_id}/registration"): {"archived": True},
    ("PUT", "/studies/{study_id}/retention"): {"notes_days": 365},
    ("POST", "/tokens"): {"name": "another", "grants": [{"role": "reader"}]},
    ("PUT", "/budgets/day"): {"limit_usd": "5"},
    ("PUT", "/budgets/studies/{study_id}"): {"limit_usd": None},
}
QUERIES: Final = {
    ("GET", "/studies/{study_id}/submissions"): "?source=ana.txt",
    ("GET", "/search"): f"?q=recommend&study={STUDY.study_id}",
    ("GET", "/studies/{study_id}/disagreements"): "?question=churn",
}
OF_THE_NAMED_STUDY: Final = frozenset({("POST", "/transcripts"), ("GET", "/search")})
"""Endpoints that take a role in the study that the body or the query names."""

FOUND_BY_ID: Final = ("{transcript_id}", "{note_id}")
"""What is of a study that is known only once it is found."""

NOTE: Final = note("She would not recommend it")
IDS: Final = {
    "service": "enrichment",
    "name": "nothing",
    "letter_id": str(derive_id("nobody")),
    "plan_id": str(derive_id("nobody")),
    "cause_id": "0123456789abcdef",
    "rehearsal_id": str(derive_id("nobody")),
    "token_id": str(derive_id("nobody")),
    "session_id": str(derive_id("nobody")),
    "erasure_id": str(derive_id("nobody")),
    "study_id": STUDY.study_id,
    "transcript_id": str(TRANSCRIPT),
    "note_id": str(NOTE.note_id),
}


async def token(office: Office, *grants: RoleGrant, **more: Any) -> CreatedToken:
    wanted = CreateTokenRequest(name="somebody", grants=grants, **more)
    return await office.context.tokens.create(wanted, "a test")


async def ask(
    office: Office, method: str, path: str, secret: str | None, body: Any = None
) -> tuple[int, Any]:
    """The status and the body of an answer to whoever has a secret."""
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    if path.endswith("/decisions"):
        headers["If-Match"] = "*"
    office.client.headers.pop("Authorization", None)
    query = QUERIES.get((method, path), "")
    url = f"{office.url}/v1{path.format(**IDS)}{query}"
    async with office.client.stream(method, url, json=body, headers=headers) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, None  # it has no end
        content = await answer.aread()
    return answer.status_code, json.loads(content) if content else None


async def count_entries(database: Database) -> int:
    return int(await database.fetchval("SELECT count(*) FROM trail"))


def cells() -> Iterator[tuple[Role, str, str]]:
    for role in Role:
        for method, path in EXPECTED:
            yield role, method, path


def test_every_endpoint_is_in_the_table() -> None:
    assert {(method, path) for method, path, _ in list_endpoints()} == (
        EXPECTED.keys() | OF_BROWSERS
    )
    tokens = {(method, path) for method, path, _ in list_endpoints(of_tokens=True)}
    assert tokens == EXPECTED.keys()


async def test_each_role_is_served_what_it_may_and_nothing_else(
    office: Office, fresh_database: Database
) -> None:
    for role, method, path in cells():
        secret = (await token(office, RoleGrant(role=role))).secret
        before = await count_entries(fresh_database)
        status, body = await ask(office, method, path, secret, BODIES.get((method, path)))
        assert status not in {400, 401, 405} | set(range(500, 600)), (role, method, path, body)
        assert (status != 403) == (role in EXPECTED[method, path]), (role, method, path, body)
        if status == 403:
            assert "role" in body["detail"]
            assert await count_entries(fresh_database) == before


async def test_nobody_is_served_without_a_valid_token(
    broker: str, fresh_database: Database
) -> None:
    # More guesses than an address may make: each is to get its own answer here.
    limiter = CredentialLimiter(10_000.0)
    async with open_office(broker, fresh_database, credentials=limiter) as office:
        await _refuses_who_has_no_valid_token(office, fresh_database)


async def _refuses_who_has_no_valid_token(office: Office, fresh_database: Database) -> None:
    revoked = await token(office, RoleGrant(role=ADMIN))
    await office.context.tokens.revoke(revoked.token.token_id)
    expired = await token(office, RoleGrant(role=ADMIN))
    await fresh_database.execute(
        "UPDATE access_tokens SET expires_at = now() WHERE token_id = $1", expired.token.token_id
    )
    wrong = [None, "x", "x" * 8_000, generate_token_secret(), revoked.secret, expired.secret]
    for method, path in EXPECTED:
        for secret in wrong:
            status, body = await ask(office, method, path, secret, BODIES.get((method, path)))
            assert (status, body["status"]) == (401, 401), (method, path, secret)
    assert await count_entries(fresh_database) == 0


@pytest.mark.parametrize("role", [READER, EVIDENCE, RESEARCHER, OPERATOR, ADMIN])
async def test_a_role_in_one_study_is_none_in_another_nor_in_all(
    office: Office, fresh_database: Database, role: Role
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(NOTE))
    for study, is_own in ((STUDY.study_id, True), ("another", False)):
        secret = (await token(office, RoleGrant(role=role, study_id=study))).secret
        for (method, path), roles in EXPECTED.items():
            if roles == EVERYBODY:
                continue
            status, _ = await ask(office, method, path, secret, BODIES.get((method, path)))
            if path.startswith("/erasures") and method == "GET":  # those of the studies that it has
                assert (status != 403) == (role in roles), (method, path, study)
                continue
            if any(one in path for one in FOUND_BY_ID) or path == "/erasures":
                may = role in roles
                expected = {200} if may and is_own else {404} if may else {403}
                assert status in expected, (method, path, study)
                continue
            is_of_study = "{study_id}" in path or (method, path) in OF_THE_NAMED_STUDY
            may = is_own and role in roles and is_of_study
            assert (status != 403) == may, (method, path, study)


async def test_studies_are_listed_for_those_who_may_read_them(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    for grants, sees in (
        ((RoleGrant(role=READER),), True),
        ((RoleGrant(role=READER, study_id=STUDY.study_id),), True),
        ((RoleGrant(role=READER, study_id="another"),), False),
        ((RoleGrant(role=OPERATOR),), False),
    ):
        secret = (await token(office, *grants)).secret
        status, body = await ask(office, "GET", "/studies", secret)
        assert (status, [one["study_id"] for one in body["studies"]]) == (
            *(200, [STUDY.study_id] * sees),
        )


async def test_letters_show_their_values_to_operators_who_may_read_evidence(
    office: Office, fresh_database: Database
) -> None:
    letter = await office.died(b"an interview", 1)
    operator = (await token(office, RoleGrant(role=OPERATOR))).secret
    _, body = await ask(office, "GET", f"/letters/{letter}", operator)
    assert (body["value"], "evidence_reader" in body["gone"]) == (None, True)
    assert (await ask(office, "GET", f"/letters/{letter}/value", operator))[0] == 403
    assert await count_entries(fresh_database) == 0
    both = (await token(office, RoleGrant(role=OPERATOR), RoleGrant(role=EVIDENCE))).secret
    _, body = await ask(office, "GET", f"/letters/{letter}", both)
    assert body["value"] == "YW4gaW50ZXJ2aWV3"
    assert await count_entries(fresh_database) == 1


async def test_exact_words_take_their_right_and_leave_a_trace(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("She would not recommend it")))
    own = STUDY.study_id
    reader = (await token(office, RoleGrant(role=READER, study_id=own))).secret
    path = "/studies/{study_id}/notes?exact=true"
    assert (await ask(office, "GET", path, reader))[0] == 403
    assert await count_entries(fresh_database) == 0
    evidence = (await token(office, RoleGrant(role=EVIDENCE, study_id=own))).secret
    status, body = await ask(office, "GET", path, evidence)
    assert (status, len(body["notes"])) == (200, 1)
    (entry,) = (await office.context.trail.page()).entries
    assert (entry.actor, entry.action, entry.target, entry.study_id, entry.address) == (
        *("somebody", "notes.read_exact", own, own),
        "127.0.0.1",
    )


async def test_what_changes_something_is_in_the_trail_with_its_reason(office: Office) -> None:
    letter = await office.died(b"v", 1)
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    await ask(office, "POST", f"/letters/{letter}/discard", admin, {"reason": "a test"})
    office.client.headers["Onrecord-Reason"] = "they left"
    _, made = await ask(office, "POST", "/tokens", admin, BODIES["POST", "/tokens"])
    await ask(office, "DELETE", f"/tokens/{made['token']['token_id']}", admin)
    await ask(office, "POST", "/letters/replay", admin)
    _, page = await ask(office, "GET", "/trail", admin)
    assert [(one["action"], one["reason"]) for one in page["entries"]] == [
        ("letters.replay", "they left"),
        ("token.revoke", "they left"),
        ("token.create", "they left"),
        ("letter.discard", "a test"),
    ]
    assert made["secret"] not in str(page)
    _, first = await ask(office, "GET", "/trail?limit=3", admin)
    _, rest = await ask(office, "GET", f"/trail?limit=3&cursor={first['next']}", admin)
    assert first["entries"] + rest["entries"] == page["entries"]
    assert rest["next"] is None
    _, letters = await ask(office, "GET", "/trail?action=letter", admin)
    assert [one["action"] for one in letters["entries"]] == ["letter.discard"]


async def test_entries_of_the_trail_are_neither_changed_nor_deleted(
    office: Office, fresh_database: Database
) -> None:
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    await ask(office, "POST", "/letters/replay", admin)
    for statement in ("UPDATE trail SET actor = ''", "DELETE FROM trail", "TRUNCATE trail CASCADE"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fresh_database.execute(statement)
    assert await count_entries(fresh_database) == 1


async def test_tokens_come_in_pages_that_miss_none(office: Office) -> None:
    for _ in range(6):
        await token(office, RoleGrant(role=READER))
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    _, every = await ask(office, "GET", "/tokens", admin)
    found: list[Any] = []
    cursor = ""
    while True:
        _, page = await ask(office, "GET", f"/tokens?limit=3{cursor}", admin)
        found += page["tokens"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == every["tokens"]
    assert len(found) == 8


async def test_a_secret_is_shown_once_and_kept_as_a_hash(
    office: Office, fresh_database: Database
) -> None:
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    status, made = await ask(office, "POST", "/tokens", admin, BODIES["POST", "/tokens"])
    assert status == 201
    _, listed = await ask(office, "GET", "/tokens", admin)
    stored = await fresh_database.fetchval("SELECT string_agg(t::text, '') FROM access_tokens t")
    assert made["secret"] not in str(listed) + stored
    assert made["token"] in listed["tokens"]
    _, me = await ask(office, "GET", "/me", made["secret"])
    assert (me["name"], me["grants"]) == ("another", [{"role": "reader", "study_id": None}])
    _, listed = await ask(office, "GET", "/tokens", admin)
    assert [
        one["last_used_at"] is not None for one in listed["tokens"] if one["name"] == "another"
    ] == [True]


async def test_the_installations_own_token_replaces_the_one_before(office: Office) -> None:
    first, second = generate_token_secret(), generate_token_secret()
    for secret in (first, first, second, second):
        await office.context.tokens.put_admin_token(secret)
        assert (await ask(office, "GET", "/trail", secret))[0] == 200
    assert (await ask(office, "GET", "/trail", first))[0] == 401


async def test_a_revoked_token_does_not_come_back_and_revokes_no_other(office: Office) -> None:
    first, second = generate_token_secret(), generate_token_secret()
    for secret in (first, second):
        await office.context.tokens.put_admin_token(secret)
    with pytest.raises(UnusableTokenError, match="was revoked"):
        await office.context.tokens.put_admin_token(first)
    assert (await ask(office, "GET", "/trail", second))[0] == 200
    reader = (await token(office, RoleGrant(role=READER))).secret
    with pytest.raises(UnusableTokenError, match="no admin's"):
        await office.context.tokens.put_admin_token(reader)
    assert (await ask(office, "GET", "/trail", second))[0] == 200
    assert (await ask(office, "GET", "/trail", reader))[0] == 403


@pytest.mark.parametrize("text", ["", "short", "x" * 201, "é" * 40, "two words " * 8, b"\xff" * 40])
async def test_a_file_without_a_token_is_logged_and_stops_nothing(
    office: Office, tmp_path: Path, text: str | bytes
) -> None:
    secret = generate_token_secret()
    await office.context.tokens.put_admin_token(secret)
    file = tmp_path / "token"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    for broken in (file, tmp_path, tmp_path / "token" / "below"):
        with capture_logs() as logs:
            await store_admin_token_from_file(office.context.tokens, broken)
        assert [(one["event"], one["file"]) for one in logs] == [
            ("admin_token_unusable", str(broken))
        ]
    assert (await ask(office, "GET", "/trail", secret))[0] == 200


async def test_the_file_of_the_admins_token_is_made_once_for_its_owner(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "token"
    for _ in range(2):
        await store_admin_token_from_file(office.context.tokens, file)
        assert (await ask(office, "GET", "/trail", file.read_text().strip()))[0] == 200
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one.name for one in file.parent.iterdir()] == ["token"]


@pytest.mark.parametrize("name", ["a%00b", "%ED%A0%80", "a b", "x" * 65, "%0A", "-"])
async def test_what_is_no_studys_id_is_refused(office: Office, name: str) -> None:
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    for rest in ("", "/notes", "/notes?exact=true", "/coverage"):
        assert (await ask(office, "GET", f"/studies/{name}{rest}", admin))[0] in {400, 404}
    wanted = {"name": "x", "grants": [{"role": "reader", "study_id": "a\0b"}]}
    assert (await ask(office, "POST", "/tokens", admin, wanted))[0] == 400
    assert (await office.context.trail.page()).entries == ()


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\x9bb", "a\nb", " ", ""])
async def test_a_name_that_would_mislead_is_refused(office: Office, name: str) -> None:
    admin = (await token(office, RoleGrant(role=ADMIN))).secret
    wanted = {"name": name, "grants": [{"role": "reader"}]}
    assert (await ask(office, "POST", "/tokens", admin, wanted))[0] == 400


async def test_a_reason_is_kept_as_it_was_written(office: Office) -> None:
    office.client.headers["Onrecord-Reason"] = "für Ünal"  # sent in UTF-8
    answer = await office.client.post(f"{office.url}/v1/letters/replay")
    assert answer.status_code == 200
    (entry,) = (await office.context.trail.page()).entries
    assert entry.reason == "für Ünal"


async def test_submissions_of_all_studies_are_counted_for_those_who_read_all(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    submission = IndexedSubmission(
        topic="t", partition=0, offset=0, transcript_id=uuid4(), submitted_at=datetime.now(UTC)
    )
    await office.context.store.index_submission(submission)
    for study, seen in ((None, 1), (STUDY.study_id, None)):
        secret = (await token(office, RoleGrant(role=READER, study_id=study))).secret
        _, body = await ask(office, "GET", "/studies/{study_id}/coverage", secret)
        assert body["unread_submissions"] == seen


async def test_the_document_is_built_once(office: Office) -> None:
    api = ControlApi().application
    assert api.openapi() is api.openapi()


@pytest.mark.parametrize(
    "error",
    [DatabaseTimeoutError("why"), DatabaseConflictError("why"), DatabaseUnavailableError("x")],
)
async def test_a_database_that_is_busy_or_away_is_no_bug(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Their causes, a lock or a long query, take longer than a test may."""

    async def fetchrow(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(office.context.database, "fetchrow", fetchrow)
    answer = await office.client.get(f"{office.url}/v1/me")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "why" not in answer.text
