"""Rules by which control replays dead letters by itself, such as timeouts once they have ceased.

A rule replays letters that match its filter once none of them was set aside for a while, so many a
second, and each message so often at most. If one of them fails again, the while begins anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from contracts.control_api import DeadLetterFilter
from contracts.errors import UNMENDABLE, OnrecordError, OutageError
from contracts.ids import derive_id
from contracts.letter_rules import CreateLetterRuleRequest, LetterRule
from control.access import Caller
from control.domain import ConcurrentChangeError, NotFoundError
from control.store import format_filter
from control.trail import AuditTrail
from database.pool import Database, Record
from database.queries import load_queries

log = structlog.get_logger(__name__)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "rules.sql")

PERIOD_S: Final = 60.0
"""Seconds between two looks at the rules."""

PORTION_S: Final = 50
"""Seconds of replays that one look at a rule begins, so that it ends before the next look."""

_UNMENDABLE: Final = sorted(code.value for code in UNMENDABLE)

Replay = Callable[[UUID], Awaitable[Any]]


class LetterRuleStore:
    """Store of the rules in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, wanted: CreateLetterRuleRequest, created_by: str) -> LetterRule:
        """Add a rule, which is not enabled.

        Raises:
            ConcurrentChangeError: there is a rule of this name.
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
            raise ConcurrentChangeError(f"there is a rule {wanted.name} already")
        return _rule(row)

    async def rules(self) -> list[LetterRule]:
        """Return all rules, by their names."""
        return [_rule(row) for row in await self._database.fetch(_QUERIES.select_rules, None)]

    async def rule(self, name: str) -> LetterRule:
        """Return the rule of a name.

        Raises:
            NotFoundError: there is none.
        """
        rows = await self._database.fetch(_QUERIES.select_rules, name)
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

    async def claim(self, period: timedelta) -> list[LetterRule]:
        """Return enabled rules that no replica has looked at for a period, and mark them."""
        return [_rule(row) for row in await self._database.fetch(_QUERIES.claim_rules, period)]

    async def holds(self, rule: LetterRule) -> bool:
        """Return whether a rule is enabled and its letters have ceased for its while."""
        meant = format_filter(rule.filter)
        return bool(
            await self._database.fetchval(
                _QUERIES.holds, rule.name, rule.version, meant, rule.quiet_s
            )
        )

    async def next_letters(self, rule: LetterRule, limit: int) -> list[UUID]:
        """Return the letters that a rule replays next, in the order of the DLQs."""
        rows = await self._database.fetch(
            _QUERIES.select_letters_of_rule,
            format_filter(rule.filter),
            rule.most_replays,
            limit,
            _UNMENDABLE,
        )
        return [row["letter_id"] for row in rows]

    async def note_firing(self, name: str, replayed: int) -> None:
        """Note that a rule replayed letters."""
        await self._database.execute(_QUERIES.note_firing, name, replayed)


class RuleRunner:
    """Runner that looks at the rules again and again, and replays what they say.

    Args:
        database: has the rules, the letters and the trail.
        replay: puts one letter back, by its id.
        period_s: seconds between two looks.
        second_s: how long a second of a rule's rate takes, in seconds.
    """

    def __init__(
        self,
        database: Database,
        replay: Replay,
        *,
        period_s: float = PERIOD_S,
        second_s: float = 1.0,
    ) -> None:
        self._rules = LetterRuleStore(database)
        self._trail = AuditTrail(database)
        self._replay = replay
        self._period_s = period_s
        self._second_s = second_s

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the rules within the ``async with`` block."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> int:
        """Look at the rules that no replica has looked at for a period.

        Returns:
            How many letters were replayed.

        Raises:
            OutageError: PostgreSQL or Kafka is away; what was replayed until then stays so.
        """
        # A little less, so that a look which begins on time is not too early.
        rules = await self._rules.claim(timedelta(seconds=self._period_s * 0.8))
        return sum([await self._fire(rule) for rule in rules])

    async def _fire(self, rule: LetterRule) -> int:
        if not await self._rules.holds(rule):
            return 0
        letters = await self._rules.next_letters(rule, rule.rate_per_s * PORTION_S)
        if not letters:
            return 0
        target = json.dumps({"rule": rule.name, "version": rule.version, "letters": len(letters)})
        await self._trail.record(_caller(rule), "rule.fire", target)
        replayed = 0
        try:
            for begin in range(0, len(letters), rule.rate_per_s):
                # A letter that fails again, or somebody who disables it, ends it within a second.
                if begin and not await self._rules.holds(rule):
                    break
                for letter_id in letters[begin : begin + rule.rate_per_s]:
                    replayed += await self._replay_one(rule, letter_id)
                await asyncio.sleep(self._second_s)
        finally:
            await self._rules.note_firing(rule.name, replayed)
        log.info("rule_fired", rule=rule.name, letters=replayed)
        return replayed

    async def _replay_one(self, rule: LetterRule, letter_id: UUID) -> bool:
        try:
            await self._replay(letter_id)
        except OutageError:
            raise
        except OnrecordError as error:  # replayed or discarded meanwhile, or gone
            log.info("rule_left_out", rule=rule.name, letter_id=str(letter_id), reason=str(error))
            return False
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except OnrecordError as error:
                log.warning("rules_not_evaluated", reason=str(error))
            except Exception:
                log.exception("rules_not_evaluated")
            await asyncio.sleep(self._period_s)


def _caller(rule: LetterRule) -> Caller:
    """Who fires a rule, as the trail names it."""
    return Caller(token_id=derive_id("rule", rule.name), name=f"rule:{rule.name}", grants=())


def _rule(row: Record) -> LetterRule:
    fields = dict(row) | {"filter": DeadLetterFilter.model_validate_json(row["filter"])}
    return LetterRule(**fields)
