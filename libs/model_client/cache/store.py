"""Kept answers, and who is asking right now, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.notes import Usage
from database.group_commit import GroupCommit
from database.lazy import LazyDatabase
from database.pool import Record
from database.queries import load_queries, transpose_rows
from database.text import replace_nul

_QUERIES: Final = load_queries(Path(__file__).parent / "cache.sql")

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
        content: the answer in JSON; None: it was cut off, which helps whoever can ask for less.
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


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in the cache.

    Attributes:
        keys: of answers, the best first.
        takes_cut_off: whether it counts as found that an answer was cut off.
        claims: whether the first key is to be claimed where nothing is found.
    """

    keys: Sequence[str]
    takes_cut_off: bool = False
    claims: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a search.

    Attributes:
        answer: the key that has an answer, with it; None if none has.
        is_claimed: whether it is for this process to ask.
    """

    answer: tuple[str, Kept] | None
    is_claimed: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """What is written when a question has been answered, or given up.

    Attributes:
        claimed: the key that others may claim again.
        answer: the key that the answer is for, with it; None if there is none.
    """

    claimed: str
    answer: tuple[str, Kept] | None


class AnswerStore:
    """The cache's tables. All methods raise as ``Database`` does.

    What many tasks want at once goes to the server in groups.

    Args:
        lazy: the database.
        settings: what is kept, and what is given.
        clock: the time, by which answers grow old.
        lease_s: how long a claim holds that is not renewed, in seconds.
    """

    def __init__(
        self,
        lazy: LazyDatabase,
        settings: CacheSettings,
        clock: Callable[[], datetime],
        lease_s: float = 10.0,
    ) -> None:
        self._lazy = lazy
        self._settings = settings
        self._clock = clock
        self._lease = timedelta(seconds=lease_s)
        self._claimant: UUID = uuid4()
        self._searches: GroupCommit[Search, Found] = GroupCommit(self._search_all)
        self._endings: GroupCommit[Ending, None] = GroupCommit(self._end_all)

    async def search(self, search: Search) -> Found:
        """Look for an answer, which counts as a hit, or claim the question."""
        return await self._searches.submit(search)

    async def end(self, ending: Ending) -> None:
        """Keep an answer and let others ask, both or neither."""
        await self._endings.submit(ending)

    async def find(self, keys: Sequence[str]) -> tuple[str, Kept] | None:
        """The first of the keys that has an answer, with it; counts the hit."""
        return (await self.search(Search(keys, takes_cut_off=True))).answer

    async def keep(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        await self.end(Ending(key, (key, kept)))

    async def count_hit(self, key: str, kept: Kept) -> None:
        """Count a use of an answer that came another way."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.count_hit, key, _name(kept.fingerprint), self._clock())

    async def renew(self, keys: Collection[str]) -> None:
        """Go on holding claims."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.renew_claims, self._claimant, list(keys), self._lease)

    async def sweep(self) -> None:
        """Delete what is too old, or too much."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.delete_expired, self._oldest())
            await database.execute(_QUERIES.delete_least_used, self._settings.max_mb * 1_000_000)
            await database.execute(_QUERIES.delete_dead_claims)

    async def _search_all(self, searches: Sequence[Search]) -> Sequence[Found]:
        asked = [
            (request, place, key, search.takes_cut_off, search.claims)
            for request, search in enumerate(searches)
            for place, key in enumerate(search.keys, start=1)
        ]
        async with self._lazy.use() as database:
            rows = await database.fetch(
                _QUERIES.find_answers,
                *transpose_rows(5, asked),
                self._clock(),
                self._oldest(),
                self._settings.fingerprint == "latest",
                self._claimant,
                self._lease,
            )
        found = {row["request"]: row for row in rows}
        return [_found(found[request]) for request in range(len(searches))]

    async def _end_all(self, endings: Sequence[Ending]) -> Sequence[None]:
        # Of two answers for one place the later one stays: a statement writes no row twice.
        answers = {
            (key, _name(kept.fingerprint)): (key, kept)
            for key, kept in (one.answer for one in endings if one.answer is not None)
        }
        rows = [_row(key, kept, self._clock()) for key, kept in answers.values()]
        claimed = [one.claimed for one in endings]
        async with self._lazy.use() as database:
            await database.execute(
                _QUERIES.keep_answers, self._claimant, claimed, *transpose_rows(11, rows)
            )
        return [None] * len(endings)

    def _oldest(self) -> datetime:
        return self._clock() - timedelta(days=self._settings.ttl_days)


def _row(key: str, kept: Kept, now: datetime) -> tuple[Any, ...]:
    """An answer as ``keep_answers`` takes it."""
    content = None if kept.content is None else _text(kept.content)
    return (
        key,
        _name(kept.fingerprint),
        _name(kept.model),
        key.rpartition("/")[0],
        content,
        kept.usage.input_tokens,
        kept.usage.cached_tokens,
        kept.usage.output_tokens,
        kept.cost_usd,
        len((content or "").encode()) + ROW_BYTES,
        now,
    )


def _found(row: Record) -> Found:
    answer = None if row["key"] is None else (row["key"], _kept(row))
    return Found(answer, row["is_claimed"])


def _kept(row: Record) -> Kept:
    usage = Usage(**{name: row[name] for name in Usage.model_fields})
    return Kept(row["content"], row["model"], row["fingerprint"], usage, row["cost_usd"])


def _text(told: str) -> str:
    """What PostgreSQL can hold of a text."""
    clean: str = replace_nul(told)
    return clean.encode(errors="replace").decode()


def _name(told: str) -> str:
    """What it can hold and index of a name."""
    return _text(told[:LONGEST_NAME])
