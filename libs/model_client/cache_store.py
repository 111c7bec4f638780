"""Kept answers, and who is asking right now, in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal
from uuid import UUID, uuid4

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.notes import Usage
from database.errors import DatabaseUnavailableError
from database.lazy import LazyDatabase
from database.pool import Database, Record
from database.queries import load_queries
from database.text import without_nul

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "cache.sql")

LONGEST_NAME: Final = 200
"""Characters kept of what an endpoint calls itself: PostgreSQL indexes no texts of a few kB."""

ROW_BYTES: Final = 400
"""About what a row takes beside its content."""


class CacheSettings(BaseSettings):
    """What is kept of models' answers (``ONRECORD_CACHE``, ``ONRECORD_CACHE_*``)."""

    model_config = SettingsConfigDict(
        env_prefix="ONRECORD_CACHE_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        populate_by_name=True,
    )

    switch: Literal["on", "off"] = Field(
        "on",
        validation_alias="ONRECORD_CACHE",
        description="Whether answers are kept, and kept ones given: on or off.",
    )
    ttl_days: PositiveFloat = Field(30.0, description="How long an answer is given, in days.")
    max_mb: PositiveInt = Field(
        1024, description="Most that is kept, in MB; the least recently used answers go first."
    )
    fingerprint: Literal["any", "latest"] = Field(
        "any",
        description="Which kept answers are given: of any system fingerprint, or only of the one "
        "that the model gave last.",
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A model's answer as it is kept.

    Attributes:
        content: the answer in JSON; None: it was cut off, and would be so again.
        model: the model, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens it used.
        cost_usd: what it cost, in US dollars; None if nobody knows.
    """

    content: str | None
    model: str
    fingerprint: str
    usage: Usage
    cost_usd: Decimal | None


class AnswerStore:
    """The cache's tables. All methods raise as ``Database`` does.

    Args:
        lazy: the database.
        settings: what is kept, and what is given.
        clock: the time, by which answers grow old.
    """

    def __init__(
        self, lazy: LazyDatabase, settings: CacheSettings, clock: Callable[[], datetime]
    ) -> None:
        self._lazy = lazy
        self._settings = settings
        self._clock = clock
        self._claimant: UUID = uuid4()

    async def find(self, keys: Sequence[str]) -> tuple[str, Kept] | None:
        """The first of the keys that has an answer, with it; counts the hit."""
        latest = self._settings.fingerprint == "latest"
        async with self._database() as database:
            row = await database.fetchrow(
                _QUERIES.find_answer, keys, self._clock(), self._oldest(), latest
            )
        return None if row is None else (row["key"], _kept(row))

    async def count_hit(self, key: str, kept: Kept) -> None:
        """Count a use of an answer that came another way."""
        async with self._database() as database:
            await database.execute(_QUERIES.count_hit, key, _name(kept.fingerprint), self._clock())

    async def keep(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        content = None if kept.content is None else _text(kept.content)
        model, fingerprint, now = _name(kept.model), _name(kept.fingerprint), self._clock()
        async with self._database() as database, database.transaction() as connection:
            await connection.execute(
                _QUERIES.keep_answer,
                key,
                fingerprint,
                model,
                key.rpartition("/")[0],
                content,
                kept.usage.input_tokens,
                kept.usage.cached_tokens,
                kept.usage.output_tokens,
                kept.cost_usd,
                len((content or "").encode()) + ROW_BYTES,
                now,
            )
            if fingerprint:
                await connection.execute(_QUERIES.note_fingerprint, model, fingerprint, now)

    async def claim(self, key: str, lease_s: float) -> bool:
        """Whether it is for this process to ask; the claim has to be renewed within the lease."""
        async with self._database() as database:
            lease = timedelta(seconds=lease_s)
            return bool(await database.fetchval(_QUERIES.claim, key, self._claimant, lease))

    async def renew(self, keys: Collection[str], lease_s: float) -> None:
        """Go on holding claims."""
        async with self._database() as database:
            lease = timedelta(seconds=lease_s)
            await database.execute(_QUERIES.renew_claims, self._claimant, list(keys), lease)

    async def release(self, keys: Collection[str]) -> None:
        """Let others ask."""
        async with self._database() as database:
            await database.execute(_QUERIES.release_claims, self._claimant, list(keys))

    async def sweep(self) -> None:
        """Delete what is too old, or too much."""
        async with self._database() as database:
            await database.execute(_QUERIES.delete_expired, self._oldest())
            await database.execute(_QUERIES.delete_least_used, self._settings.max_mb * 1_000_000)
            await database.execute(_QUERIES.delete_dead_claims)

    def _oldest(self) -> datetime:
        return self._clock() - timedelta(days=self._settings.ttl_days)

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Database]:
        database = await self._lazy.database()
        try:
            yield database
        except DatabaseUnavailableError as error:
            self._lazy.failed(str(error))
            raise


def _kept(row: Record) -> Kept:
    usage = Usage(**{name: row[name] for name in Usage.model_fields})
    return Kept(row["content"], row["model"], row["fingerprint"], usage, row["cost_usd"])


def _text(told: str) -> str:
    """What PostgreSQL can hold of a text."""
    clean: str = without_nul(told)
    return clean.encode(errors="replace").decode()


def _name(told: str) -> str:
    """What it can hold and index of a name."""
    return _text(told[:LONGEST_NAME])
