"""Tables of cached responses, and of the processes that are asking a model right now."""

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
from database.group_commit import GroupCommitter
from database.lazy import LazilyConnectedDatabase
from database.pool import Record
from database.queries import load_queries, transpose_rows
from database.text import make_storable_text

_QUERIES: Final = load_queries(Path(__file__).parent / "cache.sql")

LONGEST_NAME: Final = 200
"""Characters kept of an endpoint's name or fingerprint: PostgreSQL indexes no texts of a few kB."""

ROW_BYTES: Final = 400
"""About what a row takes beside its content, in bytes."""


class CacheSettings(BaseSettings):
    """Settings of the response cache (``ONRECORD_CACHE``, ``ONRECORD_CACHE_*``)."""

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
        description="Whether responses are cached, and cached ones used: on or off.",
    )
    ttl_days: PositiveFloat = Field(30.0, description="How long a response is used, in days.")
    max_mb: PositiveInt = Field(
        1024, description="Size limit, in MB; the least recently used responses are deleted first."
    )
    fingerprint: Literal["any", "latest"] = Field(
        "any",
        description="Which responses are used: of any system fingerprint, or only of the one "
        "that the model returned last.",
    )


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """Model response as the cache stores it, with its token counts and cost.

    Attributes:
        content: the answer in JSON; None: it was truncated, for callers that can split the
            request.
        model: the model, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens it used.
        cost_usd: what it cost, in US dollars; None if not known.
    """

    content: str | None
    model: str
    fingerprint: str
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class CacheQuery:
    """Lookup in the response cache: the keys, and whether to claim the call of a missing one.

    Attributes:
        keys: of answers, the best first.
        accepts_truncated: whether it counts as found that an answer was cut off.
        claims: whether the first key is to be claimed where nothing is found.
        since: answers kept earlier count as none; None: any that is not too old counts.
        subject: id of what is asked about, such as a chunk's; an answer goes with it, when that is
            erased.
    """

    keys: Sequence[str]
    accepts_truncated: bool = False
    claims: bool = False
    since: datetime | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class CacheLookupResult:
    """Result of a cache lookup: a cached response, the claim to make the call, or neither.

    Attributes:
        answer: the key that has an answer, with it; None if none has.
        is_claimed: whether it is for this process to ask.
        is_new: whether nobody has held that claim lately, so that no response can have been
            stored while the lookup was on its way.
    """

    answer: tuple[str, CachedResponse] | None
    is_claimed: bool
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class CacheClaimRelease:
    """Release of the claim to make a model call, with the response to cache, if any.

    Attributes:
        claimed: the key that others may claim again.
        answer: the key that the answer is for, with it; None if there is none.
        replaced: keys of which the answer takes the place of those kept before ``since``.
        since: see there.
        subject: id of what the answer is about.
    """

    claimed: str
    answer: tuple[str, CachedResponse] | None
    replaced: Sequence[str] = ()
    since: datetime | None = None
    subject: str = ""


class CacheStore:
    """Store of cached model responses in PostgreSQL.

    Concurrent lookups and completions share one statement (``GroupCommitter``).

    Args:
        lazy: the database.
        settings: what is stored, for how long, and which responses count as hits.
        clock: the time, by which answers grow old.
        lease_s: how long a claim holds that is not renewed, in seconds.
    """

    def __init__(
        self,
        lazy: LazilyConnectedDatabase,
        settings: CacheSettings,
        clock: Callable[[], datetime],
        lease_s: float = 10.0,
    ) -> None:
        self._lazy = lazy
        self._settings = settings
        self._clock = clock
        self._lease = timedelta(seconds=lease_s)
        self._claimant: UUID = uuid4()
        self._searches: GroupCommitter[CacheQuery, CacheLookupResult] = GroupCommitter(
            self._search_all
        )
        self._endings: GroupCommitter[CacheClaimRelease, None] = GroupCommitter(self._end_all)

    async def search(self, search: CacheQuery) -> CacheLookupResult:
        """Return the cached response, counting a hit, or claim the request for this process."""
        return await self._searches.submit(search)

    async def complete(self, ending: CacheClaimRelease) -> None:
        """Store a response and release its claim, both or neither."""
        await self._endings.submit(ending)

    async def find(self, keys: Sequence[str]) -> tuple[str, CachedResponse] | None:
        """Return the first of the keys that has a response, with it; count the hit."""
        return (await self.search(CacheQuery(keys, accepts_truncated=True))).answer

    async def peek(
        self, keys: Sequence[str], *, accepts_truncated: bool, since: datetime | None = None
    ) -> CachedResponse | None:
        """Return the response of the first of the keys that has one; count no hit."""
        async with self._lazy.use() as database:
            row = await database.fetchrow(
                _QUERIES.peek_answer,
                list(keys),
                accepts_truncated,
                self._oldest(since),
                self._settings.fingerprint == "latest",
            )
        return None if row is None else _kept(row)

    async def store(self, key: str, response: CachedResponse) -> None:
        """Store a response under a key."""
        await self.complete(CacheClaimRelease(key, (key, response)))

    async def count_hit(self, key: str, response: CachedResponse, subject: str = "") -> None:
        """Count a use of a response that was shared within this process, for a subject."""
        async with self._lazy.use() as database:
            await database.execute(
                _QUERIES.count_hit, key, _name(response.fingerprint), self._clock(), subject
            )

    async def renew(self, keys: Collection[str]) -> None:
        """Extend the lease of this process's claims."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.renew_claims, self._claimant, list(keys), self._lease)

    async def evict(self) -> None:
        """Delete responses that are too old or exceed the size limit, and abandoned claims."""
        async with self._lazy.use() as database:
            await database.execute(_QUERIES.delete_expired, self._oldest())
            await database.execute(_QUERIES.delete_least_used, self._settings.max_mb * 1_000_000)
            await database.execute(_QUERIES.delete_dead_claims)
            await database.execute(_QUERIES.delete_subjects_without_answers)

    async def _search_all(self, searches: Sequence[CacheQuery]) -> Sequence[CacheLookupResult]:
        asked = [
            (
                request,
                place,
                key,
                search.accepts_truncated,
                search.claims,
                self._oldest(search.since),
                search.subject,
            )
            for request, search in enumerate(searches)
            for place, key in enumerate(search.keys, start=1)
        ]
        async with self._lazy.use() as database:
            rows = await database.fetch(
                _QUERIES.find_answers,
                *transpose_rows(7, asked),
                self._clock(),
                self._settings.fingerprint == "latest",
                self._claimant,
                self._lease,
            )
        found = {row["request"]: row for row in rows}
        return [_found(found[request]) for request in range(len(searches))]

    async def _end_all(self, endings: Sequence[CacheClaimRelease]) -> Sequence[None]:
        # Of two answers for one place the later one stays: a statement writes no row twice.
        answers = {
            (key, _name(response.fingerprint)): (key, response)
            for key, response in (one.answer for one in endings if one.answer is not None)
        }
        now = self._clock()
        # An answer is newer than those it replaces, whatever the clock here says.
        kept_at = {
            one.answer[0]: max(now, one.since + timedelta(microseconds=1))
            for one in endings
            if one.answer is not None and one.since is not None
        }
        rows = [_row(key, response, kept_at.get(key, now)) for key, response in answers.values()]
        claimed = [one.claimed for one in endings]
        subjects = [(one.answer[0], one.subject) for one in endings if one.answer is not None]
        async with self._lazy.use() as database:
            await database.execute(
                _QUERIES.keep_answers,
                self._claimant,
                claimed,
                *transpose_rows(11, rows),
                *transpose_rows(2, subjects),
            )
            for one in endings:
                if one.replaced:
                    # Of other models of the chain and other fingerprints, too.
                    await database.execute(_QUERIES.delete_replaced, [*one.replaced], one.since)
        return [None] * len(endings)

    def _oldest(self, since: datetime | None = None) -> datetime:
        oldest = self._clock() - timedelta(days=self._settings.ttl_days)
        return oldest if since is None else max(oldest, since)


def _row(key: str, response: CachedResponse, now: datetime) -> tuple[Any, ...]:
    """Return a response as a row of ``keep_answers``."""
    content = None if response.content is None else make_storable_text(response.content)
    return (
        key,
        _name(response.fingerprint),
        _name(response.model),
        key.rpartition("/")[0],
        content,
        response.usage.input_tokens,
        response.usage.cached_tokens,
        response.usage.output_tokens,
        response.cost_usd,
        len((content or "").encode()) + ROW_BYTES,
        now,
    )


def _found(row: Record) -> CacheLookupResult:
    answer = None if row["key"] is None else (row["key"], _kept(row))
    return CacheLookupResult(answer, row["is_claimed"], row["is_new"])


def _kept(row: Record) -> CachedResponse:
    usage = Usage(**{name: row[name] for name in Usage.model_fields})
    return CachedResponse(row["content"], row["model"], row["fingerprint"], usage, row["cost_usd"])


def _name(text: str) -> str:
    """Return a name as PostgreSQL can store and index it."""
    return make_storable_text(text, max_length=LONGEST_NAME)
