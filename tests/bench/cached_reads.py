"""Reads that a client has already (`If-None-Match`), answered 304 by control on one core."""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median
from typing import Any, Final

from bench.harness import Lab, Result
from control.access.tokens import generate_token_secret
from control.api import ApiContext, ControlApi
from control.letters.store import DeadLetterStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from persistence.store import NotesStore
from support.http_client import http_client, serve_routes
from support.many_interviews import STUDY, interview
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
REQUESTS: Final = 4_000
AT_ONCE: Final = 8
GOAL: Final = 500
PATH: Final = f"/v1/studies/{STUDY.study_id}"

CLIENT: Final = """
import asyncio, sys

port, path, secret, etag, number, at_once = sys.argv[1:]
lines = [
    f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {secret}",
    f"If-None-Match: {etag}", "", "",
]
request = "\\r\\n".join(lines).encode()

async def ask(times):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        assert head.startswith(b"HTTP/1.1 304 "), head
    writer.close()
    await writer.wait_closed()

async def main():
    await asyncio.gather(*(ask(int(number) // int(at_once)) for _ in range(int(at_once))))

asyncio.run(main())
"""
"""Clients, in a process of their own: what they take is not control's."""


async def measure(lab: Lab) -> Result:
    """Requests a second of the time that control is on a core, and by the clock."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            await NotesStore(database).store_transcript(interview(0, 2).ingested)
            runs = await _serve(database, lab)
    finally:
        await asyncio.to_thread(server.destroy)
    on_core = [number / cpu_s for number, cpu_s, _ in runs]
    by_clock = [number / clock_s for number, _, clock_s in runs]
    return Result(
        figure=round(median(on_core)),
        goal=GOAL,
        better="higher",
        unit="requests/s of control's time on one core",
        sides={
            "control": {
                "on_one_core": round(median(on_core)),
                "least": round(min(on_core)),
                "by_the_clock": round(median(by_clock)),
            }
        },
        notes=(
            f"GET {PATH} with If-None-Match, {AT_ONCE} clients in a process of their own",
            "each request's token and study are looked up in PostgreSQL",
            "by the clock, clients and PostgreSQL share the machine's cores with control",
        ),
    )


async def _serve(database: Database, lab: Lab) -> list[tuple[int, float, float]]:
    """Take the repeats: requests, seconds of CPU of this process, and seconds by the clock."""
    api = ControlApi()
    unused: Any = None  # no letter is read here
    api.context = ApiContext(DeadLetterStore(database), unused, unused, database)
    secret = generate_token_secret()
    await api.context.tokens.put_admin_token(secret)
    number = lab.scaled(REQUESTS, least=200)
    async with serve_routes(api.routes) as port, http_client() as client:
        headers = {"Authorization": f"Bearer {secret}"}
        first = await client.get(f"http://127.0.0.1:{port}{PATH}", headers=headers)
        arguments = [str(port), PATH, secret, first.headers["etag"], str(number), str(AT_ONCE)]
        await _ask(arguments)  # what is done once, such as preparing statements
        return [(number, *(await _ask(arguments))) for _ in range(lab.repeats)]


async def _ask(arguments: list[str]) -> tuple[float, float]:
    cpu_s, clock_s = time.process_time(), time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, *arguments)
    assert await process.wait() == 0, "a request was not answered 304"
    return time.process_time() - cpu_s, time.perf_counter() - clock_s
