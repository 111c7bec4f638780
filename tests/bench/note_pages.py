"""Pages of a study of 100,000 notes through control's API, beside bare FastAPI with its query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, Final

from fastapi import FastAPI

import asgi_server
from bench.harness import Lab, Result, at_most, interleaved, paired, spread
from control.access.tokens import generate_token_secret
from control.api import ApiContext, ControlApi
from control.letters.store import DeadLetterStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from persistence.store import NotesStore
from read_model.notes import NoteFilter
from read_model.queries import ReadModelQueries
from support.http_client import http_client, serve_routes
from support.many_interviews import STUDY, interview
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
INTERVIEWS: Final = 1_000
CHUNKS: Final = 20
WRITERS: Final = 8
AT_ONCE: Final = 4
REQUESTS: Final = 200
WARM_UP: Final = 10 * AT_ONCE
PAGE: Final = 100
PATH: Final = f"/v1/studies/{STUDY.study_id}/notes"


async def measure(lab: Lab) -> Result:
    """Requests a second for one page, and the milliseconds of the first and of the last page."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            await fill(database, lab.scaled(INTERVIEWS, least=10))
            notes = await database.fetchval("SELECT count(*) FROM notes WHERE same_as IS NULL")
            return await _compare(lab, database, notes)
    finally:
        await asyncio.to_thread(server.destroy)


async def _compare(lab: Lab, database: Database, notes: int) -> Result:
    requests = lab.scaled(REQUESTS, least=20)
    async with ours(database, f"{PATH}?limit={PAGE}") as own, _bare(database) as bare:
        # PostgreSQL plans a statement anew for the first five times on each connection, which the
        # sides share: the first one would pay for both.
        for side in (own, bare):
            await requests_per_s(side, WARM_UP)
        found = await interleaved(
            lab.repeats,
            {
                "ours": lambda: requests_per_s(own, requests),
                "bare": lambda: requests_per_s(bare, requests),
            },
        )
        cursor = await _last_cursor(own)
        first = [await milliseconds(own, "") for _ in range(20)]
        last = [await milliseconds(own, f"&cursor={cursor}") for _ in range(20)]
    pages = {"first_page_ms": round(median(first), 1), "last_page_ms": round(median(last), 1)}
    return Result(
        figure=paired(found["ours"], found["bare"]),
        goal=0.7,
        better="higher",
        unit="of bare FastAPI with the same query, requests/s",
        sides={
            "ours": {**spread(found["ours"], "requests_per_s"), **pages},
            "bare FastAPI": spread(found["bare"], "requests_per_s"),
        },
        shortfalls=(
            *at_most("ms of the first page", pages["first_page_ms"], 100),
            *at_most("the last page's time of the first's", median(last) / median(first), 1.5),
        ),
        notes=(
            f"{notes:,} notes, {PAGE} a page, {AT_ONCE} clients in the server's own process",
            "bare FastAPI has no token, no roles, no models: it returns the rows as they come",
        ),
    )


async def fill(database: Database, number: int) -> None:
    """Store so many interviews with their notes."""
    store = NotesStore(database)
    numbers = iter(range(number))

    async def write() -> None:
        for one in numbers:
            made = interview(one, CHUNKS)
            await store.store_transcript(made.ingested)
            for drafted in made.drafts:
                await store.store_notes(drafted)

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    await database.execute("ANALYZE")


@asynccontextmanager
async def ours(
    database: Database, path: str, **options: Any
) -> AsyncIterator[Callable[[str], Any]]:
    """Control's API: asks it for a path, with what is appended to its query.

    ``options`` are further fields of ``ApiContext``.
    """
    api = ControlApi()
    unused: Any = None  # no letter is read here
    api.context = ApiContext(DeadLetterStore(database), unused, unused, database, **options)
    secret = generate_token_secret()
    await api.context.tokens.put_admin_token(secret)
    async with serve_routes(api.routes) as port, http_client() as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield lambda query: client.get(f"http://127.0.0.1:{port}{path}{query}")


@asynccontextmanager
async def _bare(database: Database) -> AsyncIterator[Callable[[str], Any]]:
    app = FastAPI()
    reading = ReadModelQueries(database)

    @app.get("/notes")
    async def notes() -> list[dict[str, Any]]:
        rows = await reading.fetch_notes_page(NoteFilter(STUDY.study_id), limit=PAGE)
        return [dict(row) for row in rows]

    async with asgi_server.serve(app, host="127.0.0.1", port=0) as port, http_client() as client:
        yield lambda _: client.get(f"http://127.0.0.1:{port}/notes")


async def requests_per_s(ask: Callable[[str], Any], number: int) -> float:
    """How many requests a second are answered, for so many."""
    left = iter(range(number))

    async def work() -> None:
        for _ in left:
            (await ask("")).raise_for_status()

    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return number / (time.perf_counter() - begin)


async def milliseconds(ask: Callable[[str], Any], query: str) -> float:
    """How long one request takes."""
    begin = time.perf_counter()
    (await ask(query)).raise_for_status()
    return (time.perf_counter() - begin) * 1_000


async def _last_cursor(ask: Callable[[str], Any]) -> str:
    """The cursor of the last page but one of the list."""
    cursor, found = "", ""
    while (page := (await ask(cursor)).json())["next"]:
        found, cursor = page["next"], f"&cursor={page['next']}"
    return found
