"""Store of the rules by which control replays dead letters by itself, and of what they replayed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from contracts.call_purposes import DRAFT, JUDGE
from contracts.control_api import DeadLetterFilter
from contracts.errors import UNMENDABLE, OnrecordError
from contracts.letter_rules import CreateLetterRuleRequest, LetterRule
from contracts.pages import MAX_PAGE
from contracts.topics import PIPELINE
from control.domain import ConcurrentChangeError, NotFoundError
from control.letters.hopeless import find_hopeless_letters
from control.letters.store import format_filter
from control.queries import load_control_queries
from database.pool import Database, Record

_QUERIES: Final = load_control_queries("rules.sql")

LEAST_EVIDENCE_S: Final = 600
"""Shortest time, in seconds, for which a message that went through shows that a service is well."""

LATEST: Final = 1_000
"""Latest replays of a rule that are looked at for how many have no outcome yet."""

MOST_UNKNOWN: Final = 20
"""Replays of a rule without an outcome with which it goes on, however few it made so far."""

MOST_UNKNOWN_SHARE: Final = 0.1
"""The same as a share of its latest replays, if that is more."""

PAGE: Final = 2_000
"""Letters that are looked through at a time for those that a replay may mend."""

MOST_PAGES: Final = 50
"""Most such pages in one look at a rule: of 1,000,000 hopeless letters, ten looks pass over all."""

DeadLetterPlace = tuple[str, int, int]
"""Place of a letter: its DLQ, partition and offset."""

FIRST_PLACE: Final[DeadLetterPlace] = ("", -1, -1)
"""Place before that of every letter."""

KEPT: Final = timedelta(days=1)
"""How long it is kept which letters a rule replayed."""

_UNMENDABLE: Final = sorted(code.value for code in UNMENDABLE)


class RuleExistsError(OnrecordError):
    """Raised when a rule is created under a name that is already taken (HTTP 409)."""


@dataclass(frozen=True, slots=True)
class RuleReplayCounts:
    """Counts of a rule's latest replays: how many have an outcome, and how many have none yet.

    Attributes:
        known: have an outcome.
        unknown: have none yet.
        unknown_of_late: of those, replayed within the last hour.
    """

    known: int
    unknown: int
    unknown_of_late: int

    @property
    def allowance(self) -> int:
        """How many more the rule may send before it has to wait for outcomes."""
        share = int(MOST_UNKNOWN_SHARE * (self.known + self.unknown))
        return max(0, max(MOST_UNKNOWN, share) - self.unknown)


class LetterRuleStore:
    """Store of the rules for automatic replays of dead letters, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, wanted: CreateLetterRuleRequest, created_by: str) -> LetterRule:
        """Add a rule, which is not enabled.

        Raises:
            RuleExistsError: there is a rule of this name.
        """
        row = await self._database.fetchrow(
            _QUERIES.insert_rule,
            wanted.name,
            format_filter(wanted.filter),
            wanted.quiet_s,
            wanted.rate_per_s,
            wanted.most_replays,
            created_by,
        )
        if row is None:
            raise RuleExistsError(
                f"there is a rule {wanted.name} already: choose another name, or delete it first"
            )
        return _rule(row)

    async def rules(self, *, limit: int = MAX_PAGE, after: str | None = None) -> list[LetterRule]:
        """Return rules, by their names.

        Args:
            limit: at most so many.
            after: only those whose names come behind this one.
        """
        rows = await self._database.fetch(_QUERIES.select_rules, None, after, limit)
        return [_rule(row) for row in rows]

    async def rule(self, name: str) -> LetterRule:
        """Return the rule of a name.

        Raises:
            NotFoundError: there is none.
        """
        rows = await self._database.fetch(_QUERIES.select_rules, name, None, 1)
        if not rows:
            raise NotFoundError(f"there is no rule {name}: `onrecord dlq rule list` names them")
        return _rule(rows[0])

    async def enable(self, name: str, version: int | None, *, is_enabled: bool) -> LetterRule:
        """Enable or disable a rule.

        Args:
            name: of the rule.
            version: of the rule as it was read; None: whatever it is now.
            is_enabled: whether it is to be enabled.

        Raises:
            NotFoundError: there is no such rule.
            ConcurrentChangeError: it was changed since it was read.
        """
        row = await self._database.fetchrow(_QUERIES.enable_rule, name, version, is_enabled)
        if row is None:
            await self.rule(name)
            raise ConcurrentChangeError("it was changed since it was read: read it again")
        return _rule(row)

    async def delete(self, name: str, version: int | None) -> None:
        """Delete a rule.

        Raises:
            NotFoundError: there is no such rule.
            ConcurrentChangeError: it was changed since it was read.
        """
        if await self._database.fetchval(_QUERIES.delete_rule, name, version) is None:
            await self.rule(name)
            raise ConcurrentChangeError("it was changed since it was read: read it again")

    async def claim(self, period: timedelta, but: Collection[str]) -> LetterRule | None:
        """Return an enabled rule that no replica has looked at for a period, and mark it.

        Args:
            period: how long a claim lasts unless it is renewed.
            but: names of rules that are left out.
        """
        row = await self._database.fetchrow(_QUERIES.claim_rule, period, list(but))
        return None if row is None else _rule(row)

    async def holds(self, rule: LetterRule) -> bool:
        """Return whether a rule is enabled as it was and its letters have ceased for its while.

        Renews the claim of it.
        """
        if not await self._renew(rule):
            return False
        meant = format_filter(rule.filter)
        return bool(await self._database.fetchval(_QUERIES.have_ceased, meant, rule.quiet_s))

    async def _renew(self, rule: LetterRule) -> bool:
        renewed = await self._database.fetchval(_QUERIES.renew_rule_claim, rule.name, rule.version)
        return renewed is not None

    async def next_letters(
        self,
        rule: LetterRule,
        limit: int,
        after: DeadLetterPlace = FIRST_PLACE,
        *,
        services: Collection[str] = PIPELINE,
    ) -> tuple[list[UUID], DeadLetterPlace]:
        """Return the letters that a rule replays next, in the DLQs' order.

        Renews the claim of the rule.

        Args:
            rule: the rule.
            limit: at most so many.
            after: only letters behind this place.
            services: only letters of these.

        Returns:
            The letters, and the place behind which the next look goes on. Letters that a replay
            cannot mend are passed over, ``MOST_PAGES`` pages at most in one look: the next one goes
            on behind them, and at the end begins anew.
        """
        found: list[UUID] = []
        size, goes_on = max(limit, PAGE), after
        for page in range(MOST_PAGES):
            # A page may take a while: of two replicas one goes on.
            if page and not await self._renew(rule):
                return [], goes_on
            rows = await self._database.fetch(
                _QUERIES.select_letters_of_rule,
                format_filter(rule.filter),
                rule.most_replays,
                size,
                _UNMENDABLE,
                *after,
                list(services),
            )
            hopeless = await find_hopeless_letters(
                self._database, [row["letter_id"] for row in rows]
            )
            found += [row["letter_id"] for row in rows if row["letter_id"] not in hopeless]
            if len(rows) < size:
                return found[:limit], goes_on if found else FIRST_PLACE
            if len(found) >= limit:
                break
            last = rows[-1]
            after = (last["dlq_topic"], last["dlq_partition"], last["dlq_offset"])
            goes_on = goes_on if found else after
        return found[:limit], goes_on

    async def well_services(self, rule: LetterRule, services: Collection[str]) -> set[str]:
        """Return which of some services are known to be well since the rule's while began.

        A model answered a call of theirs, notes that came through them were stored, or a message
        that the rule replayed went through. That nothing fails proves nothing: in an outage
        messages wait.
        """
        since_s = max(rule.quiet_s, LEAST_EVIDENCE_S)
        rows = await self._database.fetch(
            _QUERIES.select_well_services, list(services), since_s, rule.name, DRAFT, JUDGE
        )
        return {row["service"] for row in rows}

    async def note_replay(self, rule: LetterRule, letter_id: UUID) -> bool:
        """Note that a letter is about to be replayed; False if the rule is not enabled any more."""
        noted = await self._database.fetchval(
            _QUERIES.note_replay, rule.name, rule.version, letter_id
        )
        return noted is not None

    async def count_replays(self, rule: LetterRule) -> RuleReplayCounts:
        """Count what is known of the latest replays of a rule."""
        row = await self._database.fetchrow(_QUERIES.count_replays, rule.name, LATEST)
        assert row is not None
        return RuleReplayCounts(**row)

    async def note_firing(self, name: str, replayed: int) -> None:
        """Note that a rule replayed letters, and forget replays that are a day old."""
        await self._database.execute(_QUERIES.note_firing, name, replayed)
        await self._database.execute(_QUERIES.delete_old_replays, name, KEPT)


def _rule(row: Record) -> LetterRule:
    fields = dict(row) | {"filter": DeadLetterFilter.model_validate_json(row["filter"])}
    return LetterRule(**fields)
