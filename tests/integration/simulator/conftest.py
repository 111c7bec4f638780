"""A simulator on a free port of this machine, and the client everybody uses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from simulator import SimulatorClock, SimulatorSettings, run_server
from support.http_client import http_client

DOCUMENT: dict[str, Any] = {
    "study": {
        "name": "Warm homes",
        "language": "en",
        "themes": [
            {"id": "cost", "name": "Cost", "description": "Prices, bills, what people can afford"},
            {"id": "trust", "name": "Trust", "description": "Whether installers are believed"},
        ],
        "questions": [{"id": "q1", "text": "What do people pay for heating each month?"}],
    },
    "context": [],
    "segments": [
        {"number": 4, "speaker": "Ann", "role": "interviewer", "text": "What do you pay for it?"},
        {
            "number": 5,
            "speaker": "Ben",
            "role": "participant",
            "text": "Um, so our bill is, is sixty pounds a month for heating. "
            "It was never that much.",
        },
        {
            "number": 6,
            "speaker": "Ben",
            "role": "participant",
            "text": "I don't trust the installer, because he came twice and didn't fix it. " * 30
            + "And I never believed the quote he gave us.",
        },
    ],
}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {"name": "notes", "strict": True, "schema": {"type": "object"}},
}

Start = Callable[..., Awaitable["Simulation"]]


class ManualClock:
    """Manual clock, from noon on the first of January 2026."""

    def __init__(self) -> None:
        self.passed = 0.0
        begin = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
        self.clock = SimulatorClock(lambda: self.passed, lambda: begin + self.passed)


class Simulation:
    """A running simulator, seen from a client's side."""

    def __init__(self, url: str, client: AsyncOpenAI) -> None:
        self.url = url
        self.client = client

    async def ask(
        self, document: Any = None, *, patience: float = 20, **more: Any
    ) -> ChatCompletion:
        """Ask for notes as the enrichment service does."""
        answer: ChatCompletion = await self._create(document, patience, more)
        return answer

    async def chunks(
        self, document: Any = None, *, patience: float = 20, **more: Any
    ) -> AsyncIterator[ChatCompletionChunk]:
        """Ask for notes in pieces."""
        async for chunk in await self._create(document, patience, {"stream": True, **more}):
            yield chunk

    async def headers(self, document: Any = None) -> dict[str, str]:
        """Ask for notes; the response's headers."""
        raw = await self.client.chat.completions.with_raw_response.create(
            model="any-model", messages=[{"role": "user", "content": document or "Hello"}]
        )
        return dict(raw.headers)

    async def admin(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Call one of the simulator's own endpoints."""
        async with http_client() as http:
            response = await http.request(method, f"{self.url}/simulator/{path}", json=document)
        return response.status_code, response.json()

    async def counts(self, model: str = "any-model") -> dict[str, Any]:
        """What was counted for a model."""
        counted: dict[str, Any] = (await self.admin("GET", "counts"))[1]["models"][model]
        return counted

    async def _create(self, document: Any, patience: float, more: dict[str, Any]) -> Any:
        content = document if isinstance(document, str) else json.dumps(document or DOCUMENT)
        messages = [
            {"role": "system", "content": "Write notes."},
            {"role": "user", "content": content},
        ]
        request = {"model": "any-model", "response_format": SCHEMA, "messages": messages, **more}
        return await self.client.chat.completions.create(**request, timeout=patience)

    async def notes(self, document: Any = None) -> list[dict[str, Any]]:
        answer = await self.ask(document)
        notes: list[dict[str, Any]] = json.loads(answer.choices[0].message.content or "")["notes"]
        return notes


@asynccontextmanager
async def simulation_of(
    settings: SimulatorSettings, clock: SimulatorClock | None = None
) -> AsyncIterator[Simulation]:
    async with run_server(settings, clock) as port:
        url = f"http://127.0.0.1:{port}"
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            yield Simulation(url, client)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts simulators with the rules and settings given, and stops them after the test."""
    async with AsyncExitStack() as stack:

        async def started(
            *rules: dict[str, Any], clock: SimulatorClock | None = None, **settings: Any
        ) -> Simulation:
            chosen = SimulatorSettings.model_validate({"seed": 7, "rules": rules, **settings})
            return await stack.enter_async_context(simulation_of(chosen, clock))

        yield started


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock for a simulator to go by."""
    return ManualClock()


@pytest.fixture
def document() -> dict[str, Any]:
    """A passage of an interview as the enrichment service sends it."""
    copied: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    return copied
