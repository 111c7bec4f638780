"""What measures of the model client share: a simulator, questions, the client with a database."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any, Final

import httpx2
from openai import AsyncOpenAI
from pydantic import SecretStr

from bench.harness import ROOT
from contracts.events import ChunkReady
from contracts.ids import derive_chunk_id
from contracts.transcript import Role, Segment
from database.lazy import LazilyConnectedDatabase
from database.migrate import apply_migrations
from database.settings import PostgresSettings
from enrichment import domain
from enrichment.drafter import build_draft_request
from model_client import CostAttribution, ModelClient, ModelRequest, ModelSettings
from model_client.cache.response_cache import ResponseCache
from model_client.cache.store import CacheSettings
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from support.chunks import INTERVIEW, STUDY
from support.http_client import http_client
from support.postgres import EmbeddedServer, TestServer

MODEL: Final = "bench"
ACCOUNT: Final = CostAttribution("bench", "chunk")
_databases = count(1)


class Simulation:
    """A simulator in a process of its own, so that it takes no time of the clients'."""

    def __init__(self, origin: str, session: httpx2.AsyncClient) -> None:
        self._origin = origin
        self._session = session

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f"{self._origin}/v1"

    def settings(self, **more: Any) -> ModelSettings:
        """Settings of a client that asks it."""
        fields = {"base_url": self.url, "api_key": SecretStr("k"), "model": MODEL, **more}
        return ModelSettings(**fields)

    def bare(self) -> AsyncOpenAI:
        """The SDK as it comes, without retries."""
        return AsyncOpenAI(base_url=self.url, api_key="k", max_retries=0)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control endpoint under ``/simulator``."""
        url = f"{self._origin}/simulator/{path}"
        response = await self._session.request(method, url, json=body)
        return response.raise_for_status().json()

    async def counts(self) -> dict[str, Any]:
        """The model's sums since they were last begun anew."""
        fields: dict[str, Any] = (await self.control("GET", "counts"))["models"]
        return dict(fields.get(MODEL, {"calls": 0}))


@asynccontextmanager
async def simulation(**settings: Any) -> AsyncIterator[Simulation]:
    """A simulator with the given settings, of one model."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump({"models": {MODEL: {}}, **settings}, file)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulator", "--port", "0", "--config", file.name,
            stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = (await process.stdout.readline()).decode()
            origin = line.split()[-1].removesuffix("/v1")
            async with http_client() as session:
                yield Simulation(origin, session)
        finally:
            process.terminate()
            await process.wait()


def chunk(number: int) -> ChunkReady:
    """A chunk of about 300 words, unlike all others."""
    fields = " ".join(
        f"We pay {number + place} pounds a month for heating, and I would not recommend it."
        for place in range(20)
    )
    turn = Segment(number=1, speaker="Ben", role=Role.PARTICIPANT, text=fields)
    return ChunkReady(
        chunk_id=derive_chunk_id(INTERVIEW, 1, "0" * 64, number + 1),
        transcript_id=INTERVIEW,
        revision=1,
        index=number + 1,
        chunk_count=1_000_000,
        title="Interview 1",
        study=STUDY,
        segments=(turn,),
    )


def question(number: int) -> ModelRequest[domain.DraftAnswer]:
    """The question enrichment asks about a chunk."""
    return build_draft_request(chunk(number), attempt=1, feedback="")


def body(one: ModelRequest[Any], *, stream: bool) -> Mapping[str, Any]:
    """The same question as the bare SDK is asked it."""
    schema = {"name": "answer", "strict": True, "schema": dict(one.schema)}
    fields: dict[str, Any] = {
        "model": MODEL,
        "messages": list(one.messages),
        "max_completion_tokens": 4_000,
        "seed": 7,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return fields


@asynccontextmanager
async def server() -> AsyncIterator[TestServer]:
    """PostgreSQL for a measure."""
    running = await asyncio.to_thread(EmbeddedServer)
    try:
        yield running
    finally:
        await asyncio.to_thread(running.destroy)


async def fresh_postgres(running: TestServer) -> PostgresSettings:
    """A database of one run's own, with all migrations."""
    name = f"bench_model_{next(_databases)}"
    await running.arun(f"CREATE DATABASE {name}")
    settings = running.settings(name)
    await apply_migrations(settings)
    return settings


@asynccontextmanager
async def whole_client(
    settings: ModelSettings, postgres: PostgresSettings
) -> AsyncIterator[ModelClient]:
    """The client as enrichment has it: with cache, ledger and budgets."""
    async with AsyncExitStack() as everything:
        database = await everything.enter_async_context(LazilyConnectedDatabase(postgres))
        answers = await everything.enter_async_context(ResponseCache(database, CacheSettings()))
        ledger = await everything.enter_async_context(Ledger(database, BudgetSettings()))
        yield await everything.enter_async_context(
            ModelClient(settings, cache=answers, ledger=ledger)
        )
