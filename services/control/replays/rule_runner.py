"""Runner of rules, which replay dead letters by themselves, such as timeouts once they have ceased.

A rule replays letters that match its filter once none of them was set aside for a while and the
services that failed are known to be well, so many a second, and each message so often at most::

    a letter is set aside          ─▶ the while begins anew
    nothing is known of a service  ─▶ one letter is sent as a probe; the others wait for its outcome
    too many replays are unknown   ─▶ the next ones wait for their outcomes
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from contracts.errors import OnrecordError, OutageError
from contracts.ids import derive_id
from contracts.letter_rules import LetterRule
from contracts.topics import PIPELINE
from control.access.rights import Caller
from control.access.trail import AuditTrail
from control.background import running_in_background
from control.replays.rules import FIRST_PLACE, DeadLetterPlace, LetterRuleStore
from database.pool import Database

log = structlog.get_logger(__name__)

PERIOD_S: Final = 60.0
"""Seconds between two looks at the rules."""

PORTION_S: Final = 50
"""Seconds of replays that one look at a rule begins."""

Replay = Callable[[UUID], Awaitable[Any]]


class RuleRunner:
    """Background task that replays the dead letters which match enabled rules.

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
        self._places: dict[tuple[str, frozenset[str]], DeadLetterPlace] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the rules within the ``async with`` block."""
        async with running_in_background(self._run()):
            yield

    async def look(self) -> int:
        """Look at the rules that no replica has looked at for a period.

        Returns:
            How many letters were replayed.

        Raises:
            OutageError: PostgreSQL or Kafka is away; what was replayed until then stays so.
        """
        # A little less, so that a look which begins on time is not too early.
        period = timedelta(seconds=self._period_s * 0.8)
        seen: list[str] = []
        replayed = 0
        while (rule := await self._rules.claim(period, seen)) is not None:
            seen.append(rule.name)
            replayed += await self._fire(rule)
        return replayed

    async def _fire(self, rule: LetterRule) -> int:
        if not await self._rules.holds(rule):
            return 0
        letters = await self._choose_letters(rule)
        if not letters:
            return 0
        target = json.dumps({"rule": rule.name, "version": rule.version, "letters": len(letters)})
        async with self._trail.recording(_caller(rule), "rule.fire", target):
            replayed = await self._replay_letters(rule, letters)
        log.info("rule_fired", rule=rule.name, letters=replayed)
        return replayed

    async def _replay_letters(self, rule: LetterRule, letters: Sequence[UUID]) -> int:
        """Replay letters at a rule's rate, for a while; return how many."""
        replayed = 0
        try:
            for second in range(PORTION_S):
                # A letter that fails again, or somebody who disables it, ends it within a second.
                if not letters or (second and not await self._rules.holds(rule)):
                    break
                most = min(rule.rate_per_s, (await self._rules.count_replays(rule)).allowance)
                batch, letters = letters[:most], letters[most:]
                for letter_id in batch:
                    # The claim is renewed with each letter, so that no other replica fires it.
                    if not await self._rules.note_replay(rule, letter_id):
                        break
                    replayed += await self._replay_one(rule, letter_id)
                await asyncio.sleep(self._second_s)
        finally:
            await self._rules.note_firing(rule.name, replayed)
        return replayed

    async def _choose_letters(self, rule: LetterRule) -> Sequence[UUID]:
        """Choose letters of services that are known to be well; else one of another."""
        replays = await self._rules.count_replays(rule)
        if not replays.allowance:
            return ()
        well = await self._rules.well_services(rule, PIPELINE)
        # Letters of services that are not well do not stand before those of others.
        letters = await self._next(rule, rule.rate_per_s * PORTION_S, well) if well else []
        others = [service for service in PIPELINE if service not in well]
        if letters or replays.unknown_of_late or not others:
            return letters
        return await self._next(rule, 1, others)

    async def _next(
        self, rule: LetterRule, limit: int, services: Collection[str]
    ) -> Sequence[UUID]:
        place = (rule.name, frozenset(services))
        letters, self._places[place] = await self._rules.next_letters(
            rule, limit, self._places.get(place, FIRST_PLACE), services=services
        )
        return letters

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
