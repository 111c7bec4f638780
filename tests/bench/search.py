"""Searches of 100,000 notes through control's API, beside bare FastAPI with the same search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from statistics import median
from typing import Any, Final

from fastapi import FastAPI

import asgi_server
from bench import note_pages
from bench.harness import Lab, Result, at_most, interleaved, paired, spread
from database.migrate import apply_migrations
from database.pool import Database, open_database
from read_model.search import SearchFilter, SearchQueries
from support.http_client import http_client
from support.many_interviews import STUDY
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
REQUESTS: Final = 200
PAGE: Final = 20
TIMES: Final = 20
FREQUENT: Final = "42"
"""Number that about one sentence in ninety has."""

LIMIT_MS: Final = 100


async def measure(lab: Lab) -> Result:
    """Searches a second for a rare word, and milliseconds of pages of a frequent one."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            await note_pages.fill(database, lab.scaled(note_pages.INTERVIEWS, least=10))
            notes = await database.fetchval("SELECT count(*) FROM notes WHERE same_as IS NULL")
            statement = await database.fetchval("SELECT statement FROM notes LIMIT 1")
            return await _compare(lab, database, notes, rare=statement.split()[2])
    finally:
        await asyncio.to_thread(server.destroy)


async def _compare(lab: Lab, database: Database, notes: int, rare: str) -> Result:
    requests = lab.scaled(REQUESTS, least=20)
    path = f"/v1/search?study={STUDY.study_id}&limit={PAGE}"
    async with note_pages.ours(database, path) as ours, _bare(database) as bare:

        async def ask_ours(query: str) -> Any:
            return await ours(query or f"&q={rare}")

        async def ask_bare(_: str) -> Any:
            return await bare(rare)

        for side in (ask_ours, ask_bare):
            await note_pages.requests_per_s(side, note_pages.WARM_UP)
        found = await interleaved(
            lab.repeats,
            {
                "ours": lambda: note_pages.requests_per_s(ask_ours, requests),
                "bare": lambda: note_pages.requests_per_s(ask_bare, requests),
            },
        )
        later, matches = await _read_to_the_end(ours)
        pages = {
            name: [await note_pages.milliseconds(ours, query) for _ in range(TIMES)]
            for name, query in (("first", f"&q={FREQUENT}"), ("last", later))
        }
    ms = {f"{name}_page_ms": round(median(times), 1) for name, times in pages.items()}
    return Result(
        figure=paired(found["ours"], found["bare"]),
        goal=0.7,
        better="higher",
        unit="of bare FastAPI with the same search, searches/s for a rare word",
        sides={
            "ours": {**spread(found["ours"], "requests_per_s"), **ms},
            "bare FastAPI": spread(found["bare"], "requests_per_s"),
        },
        shortfalls=(
            *at_most("ms of a frequent word's first page", ms["first_page_ms"], LIMIT_MS),
            *at_most("ms of a frequent word's last page", ms["last_page_ms"], LIMIT_MS),
        ),
        notes=(
            f"{notes:,} notes with their quotes and segments; the frequent word is in {matches:,}",
            f"{note_pages.AT_ONCE} clients in the server's own process, {PAGE} results a page",
        ),
    )


async def _read_to_the_end(ask: Callable[[str], Any]) -> tuple[str, int]:
    """The query of the last page of a frequent word, and how many texts have it."""
    query = last = f"&q={FREQUENT}"
    matches = 0
    while query:
        page = (await ask(query)).json()
        matches += len(page["results"])
        last = query
        query = f"&q={FREQUENT}&cursor={page['next']}" if page["next"] else ""
    return last, matches


@asynccontextmanager
async def _bare(database: Database) -> AsyncIterator[Callable[[str], Any]]:
    app = FastAPI()
    searching = SearchQueries(database)
    studies = SearchFilter(frozenset({STUDY.study_id}))

    @app.get("/search")
    async def search(q: str) -> list[dict[str, Any]]:
        results, _ = await searching.search(q, studies, limit=PAGE)
        return [asdict(one) for one in results]

    async with asgi_server.serve(app, host="127.0.0.1", port=0) as port, http_client() as client:
        yield lambda word: client.get(f"http://127.0.0.1:{port}/search?q={word}")
