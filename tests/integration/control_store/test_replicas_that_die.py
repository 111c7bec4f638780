"""Letters that a replica of control had in hand when it ended go back by one that lives on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.letter_rules import CreateLetterRuleRequest, RuleFilter
from contracts.topics import GUARDRAIL
from control.replays import claim_session
from control.replays.rules import LetterRuleStore
from database.pool import Database, open_connection_pool
from database.settings import PostgresSettings
from messaging import KafkaUnavailableError
from support.letter_stage import Fate, Stage
from support.replicas_with_faults import TIMINGS, BrokerInMemory, Crash, Interruption, Replica
from support.waiting import until

WITHDRAW = """
WITH known AS (UPDATE dead_letters SET revision = 1 WHERE letter_id = $1 RETURNING subject)
INSERT INTO withdrawn_revisions (transcript_id, revision) SELECT subject::uuid, 1 FROM known
"""


class World:
    """Two replicas, a stage and a broker."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings.model_copy(update={"pool_max_size": 10})
        self.broker = BrokerInMemory()

    async def open(self) -> None:
        self.pool = await open_connection_pool(self._settings)
        self.database = Database(self.pool)
        self.stage = Stage(self.broker, self.database)
        self.first = Replica(self.pool, self.broker, "first")
        self.second = Replica(self.pool, self.broker, "second")

    async def letters(self, number: int) -> list[UUID]:
        for _ in range(number):
            self.stage.set_aside()
        await self.stage.index(self.second)
        found = await self.second.letters.letters()
        return sorted(one.letter_id for one in found)

    async def states(self) -> set[DeadLetterState]:
        return {one.state for one in await self.second.letters.letters()}

    async def are_sent(self) -> bool:
        return await self.states() == {DeadLetterState.REPLAYED}

    @property
    def sent(self) -> list[UUID]:
        return [one.letter_id for one in self.broker.sent]


async def start(*replicas: Replica) -> None:
    """Start replicas, and wait until each has looked for what was left."""
    for replica in replicas:
        await replica.start()
        await until(partial(_has_looked, replica))


def _has_looked(replica: Replica) -> bool:
    return not replica.replayer.is_repair_due


@pytest.fixture
async def world(
    postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(claim_session, "CLAIMS_CHECKED_S", 0.05)
    monkeypatch.setattr(claim_session, "CLAIMS_PAUSE_S", 0.02)
    world = World(postgres_settings)
    await world.open()
    yield world
    await world.first.end()
    await world.second.end()
    await world.database.close()


async def test_a_replica_that_lives_on_sends_the_letters_of_one_that_died(world: World) -> None:
    letters = await world.letters(3)
    await start(world.first, world.second)
    until_now = datetime.now(UTC)
    await world.first.letters.claim_many_for_replay(DeadLetterFilter(), until=until_now, limit=10)
    # Several looks at which replicas live: this one does.
    await asyncio.sleep(0.3)
    assert (await world.states(), world.sent) == ({DeadLetterState.REPLAYING}, [])
    await world.first.end()
    await until(world.are_sent, within_s=10)
    assert sorted(world.sent) == letters


async def test_letters_of_a_replica_that_nobody_saw_are_found_later(world: World) -> None:
    letters = await world.letters(1)
    third = Replica(world.pool, world.broker, "third", replace(TIMINGS, look_again_s=0.2))
    await start(third)
    assert await world.first.letters.claim_for_replay(letters[0])
    try:
        await until(world.are_sent, within_s=10)
    finally:
        await third.end()
    assert world.sent == letters


async def test_a_replica_opens_no_letter_that_another_one_took_over(world: World) -> None:
    (letter_id,) = await world.letters(1)
    assert await world.first.letters.claim_for_replay(letter_id)
    assert await world.second.letters.take_over_interrupted(())
    await world.first.letters.release_claims([letter_id])
    assert await world.states() == {DeadLetterState.REPLAYING}, "the other one is sending it"
    await world.second.letters.release_claims([letter_id])
    assert await world.states() == {DeadLetterState.OPEN}


async def test_a_letter_that_is_given_back_is_not_sent_by_repair_meanwhile(world: World) -> None:
    (letter_id,) = await world.letters(1)
    world.broker.loses_reports = True

    async def look() -> None:
        world.broker.loses_reports = False
        await world.first.replayer.finish_interrupted()

    release = world.first.letters.release_claims

    async def release_slowly(*args: object, **options: object) -> None:
        await look()
        await release(*args, **options)  # type: ignore[arg-type]

    world.first.letters.release_claims = release_slowly  # type: ignore[method-assign]
    with pytest.raises(KafkaUnavailableError):
        await world.first.replayer.replay(letter_id)
    assert await world.states() == {DeadLetterState.OPEN}
    assert world.sent == [letter_id]


async def test_a_rule_counts_replays_of_a_message_whose_place_is_not_known(world: World) -> None:
    """A letter that names no place where its message was read, as one of another program."""
    wanted = CreateLetterRuleRequest(
        name="timeouts", filter=RuleFilter(code="llm_timeout"), quiet_s=0, most_replays=2
    )
    rules = LetterRuleStore(world.database)
    rule = await rules.create(wanted, "ada")
    await world.letters(1)
    await world.database.execute("UPDATE dead_letters SET source_partition = NULL")
    for replays in range(3):
        found, _ = await rules.next_letters(rule, 10)
        assert len(found) == (1 if replays < 2 else 0)
        if found:
            await world.second.replayer.replay(found[0])
            await world.stage.take(lambda _: Fate.AGAIN)
            await world.stage.index(world.second)


@pytest.mark.parametrize("step", range(1, 13))
async def test_a_crash_sends_no_letter_that_a_replay_of_many_would_not(
    world: World, step: int
) -> None:
    """Whoever takes over what was claimed looks no more at what a replay can mend."""
    letters = await world.letters(2)
    await world.database.execute(WITHDRAW, letters[0])
    await start(world.first, world.second)
    world.first.process.interrupt(Interruption(step))
    with suppress(Crash):
        await world.first.process.run(replay_all(world.first))
    await world.first.end()
    await until(partial(_has_looked, world.second))
    await world.second.replayer.replay_many(DeadLetterFilter(), limit=10)

    async def is_at_rest() -> bool:
        return await world.states() == {DeadLetterState.OPEN, DeadLetterState.REPLAYED}

    await until(is_at_rest, within_s=10)
    assert {*world.sent} == {letters[1]}


async def replay_all(replica: Replica) -> None:
    """Put back all open letters."""
    await replica.replayer.replay_many(DeadLetterFilter(), limit=10)


@pytest.mark.parametrize("fate", [Fate.AGAIN, Fate.NEXT_DRAFT, Fate.NO_DRAFT])
async def test_a_letter_that_was_sent_and_then_discarded_has_failed_again_once_its_message_did(
    world: World, fate: Fate
) -> None:
    """Undone, the discard would open it beside the letter that it became."""
    letter_id = world.stage.set_aside(GUARDRAIL)
    await world.stage.index(world.second)
    world.broker.loses_reports = True
    with pytest.raises(KafkaUnavailableError):
        await world.first.replayer.replay(letter_id)
    assert await world.first.letters.discard(letter_id, "an outage")
    await world.stage.take(lambda _: fate)
    await world.stage.index(world.second)
    assert not await world.first.bulk.restore_letter(letter_id)
    letter = await world.first.letters.letter(letter_id)
    (became,) = world.stage.caused[letter_id]
    assert (letter.state, letter.became) == (DeadLetterState.FAILED_AGAIN, became)
    assert (await world.first.letters.letter(became)).state is DeadLetterState.OPEN
