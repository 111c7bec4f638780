"""A simulator on a free port of this machine, and the client everybody uses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from simulator import SimulatorSettings, create_runner

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


class Simulation:
    """A running simulator, seen from a client's side."""

    def __init__(self, url: str, client: AsyncOpenAI) -> None:
        self.url = url
        self.client = client

    async def ask(
        self, document: Any = None, *, patience: float = 20, **more: Any
    ) -> ChatCompletion:
        """Ask for notes as the enrichment service does."""
        content = document if isinstance(document, str) else json.dumps(document or DOCUMENT)
        request: dict[str, Any] = {"response_format": SCHEMA, **more}
        answer: ChatCompletion = await self.client.chat.completions.create(
            model="any-model",
            messages=[
                {"role": "system", "content": "Write notes."},
                {"role": "user", "content": content},
            ],
            timeout=patience,
            **request,
        )
        return answer

    async def notes(self, document: Any = None) -> list[dict[str, Any]]:
        answer = await self.ask(document)
        notes: list[dict[str, Any]] = json.loads(answer.choices[0].message.content or "")["notes"]
        return notes


@asynccontextmanager
async def running(settings: SimulatorSettings) -> AsyncIterator[Simulation]:
    runner = create_runner(settings)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            yield Simulation(url, client)
    finally:
        await runner.cleanup()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts simulators with the rules and settings given, and stops them after the test."""
    async with AsyncExitStack() as stack:

        async def started(*rules: dict[str, Any], **settings: Any) -> Simulation:
            chosen = SimulatorSettings.model_validate({"seed": 7, "rules": rules, **settings})
            return await stack.enter_async_context(running(chosen))

        yield started


@pytest.fixture
def document() -> dict[str, Any]:
    """A passage of an interview as the enrichment service sends it."""
    copied: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    return copied
