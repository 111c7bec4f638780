"""Asks a question that is never answered: ``asker.py DSN LEASE_S``; prints a line once it asks."""

from __future__ import annotations

import asyncio
import sys

from pydantic import SecretStr

from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from model_client.cache.response_cache import CachedResponse, CacheSettings, ResponseCache


async def ask(dsn: str, lease_s: float) -> None:
    """Claim the question, and hold on to it."""

    async def make() -> tuple[str, CachedResponse]:
        sys.stdout.write("asking\n")
        sys.stdout.flush()
        return await asyncio.Future()

    settings = PostgresSettings(dsn=SecretStr(dsn))
    async with (
        LazilyConnectedDatabase(settings) as database,
        ResponseCache(database, CacheSettings(), lease_s=lease_s) as answers,
    ):
        await answers.get_or_create(["notes-2/one"], make)


asyncio.run(ask(sys.argv[1], float(sys.argv[2])))
