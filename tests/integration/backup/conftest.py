"""A database with interviews, letters and tokens in it, and an empty one to restore to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from contracts.topics import ALL_TOPICS
from database.pool import open_database
from database.settings import PostgresSettings
from persistence.store import NotesStore
from support.backups import ADDITIONS
from support.broker import Bench, bench_on
from support.many_interviews import interview
from support.postgres import TestServer

INTERVIEWS = 12


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, [replace(topic, partitions=1) for topic in ALL_TOPICS])


@pytest.fixture
async def filled(postgres_settings: PostgresSettings) -> PostgresSettings:
    """A database with something in nearly every kind of column."""
    async with open_database(postgres_settings) as database:
        store = NotesStore(database)
        for number in range(INTERVIEWS):
            made = interview(number, chunks=6)
            await store.store_transcript(made.ingested)
            for draft in made.drafts:
                await store.store_notes(draft)
        for addition in ADDITIONS:
            await database.execute(addition)
    return postgres_settings


@pytest.fixture
async def empty(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    """A database that was created a moment ago."""
    await postgres.arun(
        "DROP DATABASE IF EXISTS restored_copy WITH (FORCE)", "CREATE DATABASE restored_copy"
    )
    yield postgres.settings("restored_copy")
    postgres.start()
    await postgres.arun("DROP DATABASE restored_copy WITH (FORCE)")
