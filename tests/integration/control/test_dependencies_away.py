"""Requests that change something, while PostgreSQL or Kafka is away: 503, and nothing is done."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx2
import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.control_api import DeadLetterState
from contracts.ids import derive_id
from contracts.registry import CreateStudyRequest
from contracts.rehearsals import RehearsalRequest
from contracts.replay_plans import CreateReplayPlanRequest
from control.api.authorization import CSRF_HEADER
from control.api.idempotency import CHANGING
from database.pool import Database
from messaging.kafka.admin import wait_for_broker
from support.api_pages import list_endpoints
from support.broker import RestartableBroker
from support.chunks import CHUNK
from support.control_office import Office, open_office
from support.http_client import http_client
from support.interviews import STUDY, TRANSCRIPT
from support.postgres import TestServer

STUDY_ID: Final = "shops"
OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}
INTERVIEW: Final = {
    "source": "ana.txt",
    "title": "Ana",
    "study": STUDY.model_dump(mode="json"),
    "content": "Ada: What do you pay?\nBo: Nothing.",
}
BODIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/transcripts"): INTERVIEW,
    ("POST", "/letters/replay"): {"service": "enrichment"},
    ("POST", "/letters/{letter_id}/discard"): {"reason": "a test"},
    ("POST", "/letters/{letter_id}/snooze"): {"snooze_until": None},
    ("PUT", "/letters/{letter_id}/edit"): {
        "value": CHUNK.model_dump(mode="json") | {"title": "Other"},
        "reason": "a test",
    },
    ("POST", "/letters/discard"): {"reason": "a test", "discard_id": str(derive_id("discard"))},
    ("POST", "/letters/restore"): {"discard_id": str(derive_id("discard"))},
    ("POST", "/letters/snooze"): {"snooze_until": None},
    ("POST", "/rules"): {"name": "new", "filter": {"service": "enrichment"}},
    ("PATCH", "/rules/{name}"): {"is_enabled": False},
    ("POST", "/studies"): STUDY.model_dump(mode="json", exclude_none=True) | {"study_id": "new"},
    ("PATCH", "/studies/{study_id}/registration"): {"archived": True},
    ("POST", "/transcripts/{transcript_id}/withdraw"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/restore"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/handover"): {"to": "/portal", "reason": "a test"},
    ("POST", "/studies/{study_id}/handover"): {"to": "/portal", "reason": "a test"},
    ("POST", "/studies/{study_id}/refresh"): {},
    ("POST", "/tokens"): {"name": "another", "grants": [{"role": "reader"}]},
    ("PATCH", "/causes/{cause_id}"): {"assignee": "ada"},
    ("POST", "/waiting/release"): {},
    ("POST", "/waiting/hold"): {},
    ("POST", "/waiting/give-up"): {"reason": "a test"},
    ("POST", "/plans"): {"which": {"service": "enrichment"}},
    ("POST", "/rehearsals"): {"code": "llm_timeout"},
    ("PUT", "/budgets/day"): {"limit_usd": "5"},
    ("PUT", "/budgets/studies/{study_id}"): {"limit_usd": "7"},
}
TAKE_KAFKA: Final = {
    ("POST", "/studies/{study_id}/refresh"),
    ("POST", "/transcripts"),
    ("POST", "/letters/replay"),
    ("POST", "/letters/reindex"),
    ("POST", "/letters/{letter_id}/replay"),
    ("POST", "/waiting/release"),
    ("POST", "/waiting/hold"),
    ("POST", "/waiting/give-up"),
    ("PUT", "/letters/{letter_id}/edit"),
    ("DELETE", "/letters/{letter_id}/edit"),
}
"""What cannot be done without Kafka; everything else goes on."""

CHANGED: Final = (
    *("trail", "changes", "idempotent_requests", "access_tokens", "sessions", "studies"),
    *(
        "transcript_owners",
        "withdrawn_revisions",
        "study_versions",
        "llm_budgets",
        "llm_answers",
        "dead_letters",
        "submissions",
    ),
    *(
        "letter_causes",
        "letter_edits",
        "letter_rules",
        "replay_plans",
        "rehearsals",
        "rehearsed_letters",
    ),
)
"""Tables that requests change."""

TOPICS_WRITTEN: Final = ("transcripts-submitted", "enrichment-retry-0")


class Prepared:
    """What requests are about, and how each is made."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.ids: dict[str, str] = {}
        self.session: dict[str, str] = {}
        self.secret = office.client.headers["Authorization"].removeprefix("Bearer ")

    async def begin(self) -> None:
        """Make a letter, a token, a session and a study that requests can change."""
        context = self.office.context
        wanted = CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.READER),))
        made = await context.tokens.create(wanted, "a test")
        opened = await context.sessions.open_with_token(made.token.token_id, "127.0.0.1")
        study = STUDY.model_dump(exclude_none=True) | {"study_id": STUDY_ID}
        await context.studies.create(CreateStudyRequest.model_validate(study), "a test")
        letter_id = await self.office.died_of(CHUNK, 1)
        begun = await context.rehearsals.begin(RehearsalRequest(), [], by="a test")
        self.ids = {
            "letter_id": str(letter_id),
            "name": "new",
            "plan_id": str(
                (await context.plans.create(CreateReplayPlanRequest(), "a test")).plan_id
            ),
            "cause_id": (await context.store.letter(letter_id)).cause_id,
            "rehearsal_id": str(begun.rehearsal_id),
            "token_id": str(made.token.token_id),
            "session_id": str(opened.session_id),
            "study_id": STUDY_ID,
            "transcript_id": str(TRANSCRIPT),
        }
        await context.database.execute(
            "INSERT INTO transcript_owners VALUES ($1, $2, '/a', 1)", TRANSCRIPT, STUDY_ID
        )
        async with http_client() as own:  # the page's own session, which DELETE /session ends
            answer = await own.post(
                f"{self.office.url}/v1/session", json={"token": self.secret}, headers=OWN_PAGE
            )
            assert answer.status_code == 201, answer.text
            (cookie,) = own.cookies.jar
        self.session = {
            **OWN_PAGE,
            "Cookie": f"{cookie.name}={cookie.value}",
            CSRF_HEADER: answer.json()["csrf_token"],
        }

    async def send(self, method: str, path: str, **headers: str) -> httpx2.Response:
        body = BODIES.get((method, path))
        url = f"{self.office.url}/v1{path.format(**self.ids)}"
        if path == "/session":  # of a browser, which sends no token
            headers |= self.session if method == "DELETE" else OWN_PAGE
            body = {"token": self.secret} if method == "POST" else None
            async with http_client() as browser:
                return await browser.request(method, url, json=body, headers=headers, timeout=60)
        if method == "PATCH" or path == "/rules/{name}" or path.endswith("/edit"):
            headers["If-Match"] = "*"
        return await self.office.client.request(method, url, json=body, headers=headers, timeout=60)


def changing() -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in list_endpoints() if method in CHANGING]


def require_try_again(answer: httpx2.Response, where: tuple[str, str]) -> None:
    assert answer.status_code == 503, (where, answer.status_code, answer.text)
    assert int(answer.headers["retry-after"]) > 0, where
    assert answer.headers["content-type"] == "application/problem+json", where


async def snapshot(office: Office, database: Database) -> dict[str, Any]:
    """Everything that requests change, in PostgreSQL and in Kafka."""
    found: dict[str, Any] = {}
    for table in CHANGED:
        rows = await database.fetch(f"SELECT to_jsonb(t) - 'last_used_at' AS row FROM {table} t")
        found[table] = sorted(row["row"] for row in rows)
    for topic in TOPICS_WRITTEN:
        found[topic] = await office.bench.size(topic)
    return found


@pytest.mark.timeout(300)
async def test_without_postgresql_nothing_is_changed_and_all_is_to_be_tried_again(
    postgres: TestServer, broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database) as office:
        prepared = Prepared(office)
        await prepared.begin()
        before = await snapshot(office, fresh_database)
        await asyncio.to_thread(postgres.stop)
        try:
            for number, (method, path) in enumerate(changing()):
                for headers in ({}, {"Idempotency-Key": f"key-{number}"}):
                    answer = await prepared.send(method, path, **headers)
                    require_try_again(answer, (method, path))
                    assert "PostgreSQL" in answer.json()["detail"], (method, path)
        finally:
            await asyncio.to_thread(postgres.start)
        assert await snapshot(office, fresh_database) == before
        for number, (method, path) in enumerate(changing()):  # and then it is done
            answer = await prepared.send(method, path, **{"Idempotency-Key": f"key-{number}"})
            done = answer.is_success or answer.status_code in {404, 409}
            assert done, (method, path, answer.status_code, answer.text)


@pytest.mark.timeout(300)
async def test_without_kafka_what_takes_it_is_to_be_tried_again_and_all_else_goes_on(
    own_broker: RestartableBroker, fresh_database: Database
) -> None:
    async with open_office(own_broker.servers, fresh_database) as office:
        prepared = Prepared(office)
        await prepared.begin()
        before = await snapshot(office, fresh_database)
        await asyncio.to_thread(own_broker.stop)
        # What takes no Kafka is done last: it ends the session and discards the letter.
        for method, path in sorted(changing(), key=lambda one: one not in TAKE_KAFKA):
            answer = await prepared.send(method, path, **{"Idempotency-Key": f"{method}{path}"})
            if (method, path) in TAKE_KAFKA:
                require_try_again(answer, (method, path))
                assert "Kafka" in answer.json()["detail"], (method, path)
                if (method, path) == max(TAKE_KAFKA):
                    (letter,) = await office.context.store.letters()
                    assert letter.state is DeadLetterState.OPEN
            else:
                assert answer.is_success, (method, path, answer.status_code, answer.text)
        assert not await fresh_database.fetchval(
            "SELECT count(*) FROM idempotent_requests WHERE status IS NULL"
        )
        await asyncio.to_thread(own_broker.start)
        await wait_for_broker(office.bench.kafka, 30)
        after = {topic: await office.bench.size(topic) for topic in TOPICS_WRITTEN}
        assert after == {topic: before[topic] for topic in TOPICS_WRITTEN}
        answer = await prepared.send("POST", "/transcripts")
        assert answer.status_code == 202, answer.text
