"""Notes, search, matrix and coverage of 1,000 interviews over control's API: pages and wholes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench import note_pages
from bench.harness import Lab, Result, at_most
from database.migrate import apply_migrations
from database.pool import Database, open_database
from support.compared_interviews import STUDY, store_compared_interviews
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
INTERVIEWS: Final = 1_000
CHUNKS: Final = 20
TIMES: Final = 10
WHOLES: Final = 3
FIRST_MS: Final = 100
WHOLE_MS: Final = 1_000
DIMENSIONS: Final = 384
"""Numbers of a vector, as all-MiniLM-L6-v2 has them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a first page, and all pages of the whole.

    Attributes:
        whole: path of the largest pages; each names the next one's cursor.
        first: path of the first page; None where the answer is not paged.
        is_endless: whether the whole is all texts there are: its first page is measured for it.
    """

    whole: str
    first: str | None = None
    is_endless: bool = False


async def measure(lab: Lab) -> Result:
    """Milliseconds of first pages and of wholes of what researchers ask."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            await store_compared_interviews(database, lab.scaled(INTERVIEWS, least=10), CHUNKS)
            await _store_vectors(database)
            return await measure_reading(database)
    finally:
        await asyncio.to_thread(server.destroy)


async def measure_reading(database: Database) -> Result:
    """The same, of a database that is filled."""
    notes = await database.fetchval("SELECT count(*) FROM notes WHERE same_as IS NULL")
    firsts: dict[str, float] = {}
    wholes: dict[str, float] = {}
    async with note_pages.ours(database, "/v1", embedding_model=_AnyModel()) as ask:
        for name, question in (await _build_questions(database)).items():
            if question.first is not None:
                # PostgreSQL plans a statement anew for the first five times on each connection.
                for _ in range(TIMES):
                    await note_pages.milliseconds(ask, question.first)
                times = [await note_pages.milliseconds(ask, question.first) for _ in range(TIMES)]
                firsts[name] = round(median(times), 1)
            wholes[name] = round(
                median([await _read_whole(ask, question) for _ in range(WHOLES)]), 1
            )
    return Result(
        figure=max(firsts.values()),
        goal=FIRST_MS,
        better="lower",
        unit="ms of the slowest first page",
        sides={"first page, ms": firsts, "whole, ms": wholes},
        shortfalls=(
            *(one for name in firsts for one in at_most(f"{name}: ms", firsts[name], FIRST_MS)),
            *(
                one
                for name in wholes
                for one in at_most(f"{name}, whole: ms", wholes[name], WHOLE_MS)
            ),
        ),
        notes=(f"{notes:,} notes; a client in the server's own process reads page after page",),
    )


class _AnyModel:
    """Stands for a model: a query's vector takes milliseconds, which are not PostgreSQL's."""

    name = "made up"
    dimensions = DIMENSIONS

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [[DIMENSIONS**-0.5] * DIMENSIONS for _ in texts]


async def _store_vectors(database: Database) -> None:
    """Give each text a vector: one of a thousand made-up ones."""
    await database.execute("CREATE EXTENSION vector")
    await database.execute(
        "CREATE TABLE made_up AS SELECT number, (SELECT array_agg((random() - 0.5)::real) "
        f"FROM generate_series(1, {DIMENSIONS}) WHERE number = number) AS embedding "
        "FROM generate_series(0, 999) AS number"
    )
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(
            "INSERT INTO search_embeddings SELECT document_id, 'made up', embedding "
            "FROM search_documents JOIN made_up ON number = document_id % 1000",
            timeout=600,
        )
    await database.execute("ANALYZE search_embeddings")


async def _build_questions(database: Database) -> dict[str, Question]:
    study = f"/studies/{STUDY.study_id}"
    theme, question = STUDY.themes[0].id, STUDY.questions[0].id
    interview = await database.fetchval("SELECT transcript_id FROM transcripts LIMIT 1")
    asked = {
        "notes by theme": (f"{study}/notes?theme={theme}", 100, 1_000),
        "notes by question": (f"{study}/notes?question={question}", 100, 1_000),
        "notes since": (f"{study}/notes?since=2020-01-01T00:00:00Z&theme={theme}", 100, 1_000),
        "search": ("/search?q=42", 20, 100),
        "matrix by theme": (f"{study}/matrix?by=theme", 20, 200),
        "matrix by question": (f"{study}/matrix?by=question", 20, 200),
        "turns": (f"/transcripts/{interview}/coverage?exact=true", 20, 200),
    }
    found = {
        name: Question(f"{path}&limit={largest}", f"{path}&limit={page}")
        for name, (path, page, largest) in asked.items()
    }
    like = "/search?q=words&like=true"
    return {
        **found,
        "search like": Question(f"{like}&limit=100", f"{like}&limit=20", is_endless=True),
        "counts by theme": Question(f"{study}/notes/counts?theme={theme}"),
        "coverage": Question(f"{study}/coverage"),
        "disagreements": Question(f"{study}/disagreements?question={question}"),
    }


async def _read_whole(ask: Callable[[str], Any], question: Question) -> float:
    begin = time.perf_counter()
    cursor: str | None = ""
    while cursor is not None:
        answer = await ask(f"{question.whole}{cursor}")
        answer.raise_for_status()
        following = answer.json().get("next")
        is_over = following is None or question.is_endless
        cursor = None if is_over else f"&cursor={following}"
    return (time.perf_counter() - begin) * 1_000
