"""Control's API over a real database and broker, and dead letters for it to look after."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import httpx2
from starlette.types import ASGIApp

from asgi_server import RequestPolicy
from contracts import headers as h
from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.errors import ErrorCode, OnrecordError, RetryableError
from contracts.events import Event
from contracts.topics import (
    TRANSCRIPTS_SUBMITTED,
    WAITING_DECISIONS,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from control.access.tokens import generate_token_secret
from control.api import SUBMISSIONS, ApiContext, ControlApi
from control.api.application import NAVIGABLE_PATHS
from control.letters.indexing import build_indexed_dead_letter
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.replays.replayer import DeadLetterReplayer, ReplayTimings
from database.pool import Database
from messaging import Delivery, MessageOrigin, Publisher, Record
from messaging.codec import encode_event
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers
from support.broker import Bench, bench_on
from support.http_client import http_client, serve_routes

ODD: Headers = (("a", b"1"), ("a", b"\xff"), (h.ADDED, b"9"))
KEY: Final = b"\xfe"
_AT = datetime(2026, 1, 2, tzinfo=UTC)
TOPICS: Final = (
    build_dlq_topic("enrichment"),
    build_retry_topic("enrichment", 0),
    TRANSCRIPTS_SUBMITTED,
    WAITING_DECISIONS,
)


def delivery(offset: int, sent_ms: int = 0) -> Delivery:
    return Delivery(MessageOrigin("chunks-ready", 0, offset, sent_ms), attempts=1)


class TryAgainError(RetryableError):
    """What letters here died of: something that a replay may mend."""

    code = ErrorCode.LLM_TIMEOUT


def letter_bytes(
    offset: int,
    at: datetime = _AT,
    *,
    value: bytes | None = b"v",
    error: OnrecordError | None = None,
    sent_ms: int = 0,
    service: str = "enrichment",
    key: bytes = KEY,
    original: Headers = ODD,
) -> Headers:
    content = digest_record(key, value, original)
    failure = describe_failure(error or TryAgainError("why"), service)
    told = build_dead_letter_headers(
        failure, delivery(offset, sent_ms), content, service=service, group="g", at=at
    )
    return append_headers(original, told)


class Office:
    """A context, served over HTTP, and what tests do with it."""

    def __init__(self, bench: Bench, api: ControlApi, url: str, client: httpx2.AsyncClient) -> None:
        assert api.context is not None
        self.bench = bench
        self.api = api
        self.context = api.context
        self.url = url
        self.client = client

    async def set_aside(
        self, value: bytes | None, headers: Headers, key: bytes = KEY, service: str = "enrichment"
    ) -> UUID:
        """Put a record on the DLQ and index it, as the stage does; its letter's id."""
        dlq = build_dlq_topic(service).name
        place = await self.bench.size(dlq)
        await self.bench.send(dlq, value, key=key, headers=headers)
        record = Record(dlq, 0, place, key, value, headers, 1_000)
        letter = build_indexed_dead_letter(record)
        await self.context.store.index_letter(letter)
        return letter.letter_id

    async def died(
        self, value: bytes | None, offset: int, service: str = "enrichment", **why: Any
    ) -> UUID:
        """As ``set_aside``, of a message that a service read at an offset and set aside."""
        headers = letter_bytes(offset, value=value, service=service, **why)
        return await self.set_aside(value, headers, service=service)

    async def died_of(self, event: Event, offset: int, service: str = "enrichment") -> UUID:
        """As ``died``, of a message that is an event."""
        key, value, headers = encode_event(event, source="/test")
        added = letter_bytes(offset, value=value, service=service, key=key, original=tuple(headers))
        return await self.set_aside(value, added, key=key, service=service)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = (
            body
            if isinstance(body, bytes)
            else json.dumps(body).encode()
            if body is not None
            else None
        )
        headers = {"Content-Type": "application/json"} if data else {}
        answer = await self.client.request(method, self.url + path, content=data, headers=headers)
        kind = "json" if answer.is_success else "problem+json"
        assert answer.headers["content-type"].startswith(f"application/{kind}")
        return answer.status_code, answer.json()


async def as_role(office: Office, role: Role, study: str | None = None) -> None:
    """From now on the office is asked with a token of a role."""
    wanted = CreateTokenRequest(name="somebody", grants=(RoleGrant(role=role, study_id=study),))
    secret = (await office.context.tokens.create(wanted, "a test")).secret
    office.client.headers["Authorization"] = f"Bearer {secret}"


@asynccontextmanager
async def open_office(
    broker: str,
    database: Database,
    topics: Sequence[Topic] = TOPICS,
    store: DeadLetterStore | None = None,
    *,
    allowed_hosts: Iterable[str] = (),
    wrap: Callable[[ASGIApp], ASGIApp] | None = None,
    **options: Any,
) -> AsyncIterator[Office]:
    """An office of letters, by default of enrichment's, that an admin asks.

    ``options`` are further fields of ``ApiContext``.
    """
    bench = await bench_on(broker, topics)
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(open_dead_letter_reader(bench.kafka, 3.0))
        publisher = await stack.enter_async_context(Publisher(bench.kafka, source="/test"))
        api = ControlApi()
        store = store or DeadLetterStore(database)
        replayer = DeadLetterReplayer(store, reader, publisher, ReplayTimings(repair_pause_s=0.05))
        # As on the local stack: a submission may bring a study of its own.
        options = {"open_registration": True} | options
        api.context = ApiContext(store, reader, replayer, database, **options)
        secret = generate_token_secret()
        await api.context.tokens.put_admin_token(secret)
        policy = RequestPolicy(
            frozenset(allowed_hosts),
            larger_bodies={SUBMISSIONS: api.context.max_transcript_bytes},
            navigable_paths=NAVIGABLE_PATHS,
        )
        serving = serve_routes(api.routes, policy, wrap)
        port = await stack.enter_async_context(serving)
        client = await stack.enter_async_context(http_client())
        client.headers["Authorization"] = f"Bearer {secret}"
        stack.push_async_callback(api.context.changes.close)
        yield Office(bench, api, f"http://127.0.0.1:{port}", client)
