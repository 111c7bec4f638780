"""Every request of control's API that changes something, with what it takes to be carried out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.ids import derive_id
from contracts.registry import CreateStudyRequest
from contracts.rehearsals import RehearsalRequest
from contracts.replay_plans import CreateReplayPlanRequest
from control.api.authorization import CSRF_HEADER
from control.api.idempotency import CHANGING
from control.pipeline.ports import open_stage_client
from database.pool import Database
from messaging.broker.operator_token import create_operator_token_file
from persistence.store import NotesStore
from support.api_pages import list_endpoints
from support.chunks import CHUNK
from support.control_office import Office, open_office
from support.http_client import http_client
from support.interviews import STUDY, TRANSCRIPT, ingested, note, validated
from support.resumable_service import ResumableService

STUDY_ID: Final = "shops"
OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}
INTERVIEW: Final = {
    "source": "ana.txt",
    "title": "Ana",
    "study": STUDY.model_dump(mode="json"),
    "content": "Ada: What do you pay?\nBo: Nothing.",
}
NOTE: Final = note("She would not recommend it")
TO_ERASE: Final = derive_id("to erase")
"""An interview that no other request is about."""

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
    ("PUT", "/studies/{study_id}/retention"): {"notes_days": 365},
    ("POST", "/transcripts/{transcript_id}/withdraw"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/restore"): {"revision": 1, "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/handover"): {"to": "/portal", "reason": "a test"},
    ("POST", "/transcripts/{transcript_id}/fix"): {"title": "Another"},
    ("POST", "/notes/{note_id}/decisions"): {"kind": "accepted"},
    ("POST", "/erasures"): {"transcript_id": str(TO_ERASE), "reason": "a test"},
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


@asynccontextmanager
async def open_office_and_stage(
    broker: str, database: Database, folder: Path
) -> AsyncIterator[Office]:
    """Open an office beside a service of the pipeline that can be resumed."""
    token_file = folder / "operator-token"
    create_operator_token_file(token_file)
    async with (
        ResumableService(token_file, "enrichment").serving() as url,
        open_stage_client({"enrichment": url}, token_file) as stages,
        open_office(broker, database, resume_service=stages.resume) as office,
    ):
        yield office


class ChangingRequests:
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
            "service": "enrichment",
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
            "note_id": str(NOTE.note_id),
        }
        for owned in (TRANSCRIPT, TO_ERASE):
            await context.database.execute(
                "INSERT INTO transcript_owners VALUES ($1, $2, '/a', 1)", owned, STUDY_ID
            )
        of_study = STUDY.model_copy(update={"study_id": STUDY_ID})
        store = NotesStore(context.database)
        await store.store_transcript(ingested(study=of_study))
        await store.store_notes(validated(NOTE))
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
        versioned = ("/edit", "/fix", "/retention", "/decisions")
        if method == "PATCH" or path == "/rules/{name}" or path.endswith(versioned):
            headers["If-Match"] = "*"
        return await self.office.client.request(method, url, json=body, headers=headers, timeout=60)


def changing() -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in list_endpoints() if method in CHANGING]
