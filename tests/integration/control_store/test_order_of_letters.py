"""Letters of an interview go back in order, whatever ends or is away in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from random import Random
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.replay_plans import (
    CreateReplayPlanRequest,
    ReplayPlan,
    ReplayPlanFilter,
    ReplayPlanState,
)
from contracts.topics import ENRICHMENT, GUARDRAIL
from control.domain import DeadLetterPosition, LettersInHandError
from control.replays import claim_session, replayer
from control.replays.letters_in_hand import IN_HAND_S
from control.replays.plans import freezing
from control.replays.sender import DeadLetterSendResult
from database.pool import Database, open_connection_pool
from database.settings import PostgresSettings
from messaging import KafkaUnavailableError
from support.letter_history import is_within
from support.letter_stage import Fate, Stage
from support.replicas_with_faults import TIMINGS, BrokerInMemory, Interruption, Replica
from support.waiting import until

LETTERS = 40
RATE = 100.0
SLICE = 20
"""Letters that a plan of this rate claims at a time."""

TRANSCRIPT = UUID(int=7)
INTERVIEW = """
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, segment_count,
    chunk_count
)
VALUES ($1, 1, 'bikes', 'T', 'vtt', '', '{}', 1, 1)
"""
CHUNKS = """
INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
SELECT subject::uuid, $1, 1, row_number() OVER (ORDER BY dlq_offset), 1, 1
  FROM dead_letters
 WHERE letter_id = ANY ($2::uuid[])
"""
RUN = """
UPDATE replay_plans SET state = 'running', started_at = now(), claimed_by = $2 WHERE plan_id = $1
"""
ABOUT_INTERVIEW = "UPDATE dead_letters SET subject = $1::text WHERE letter_id = $2"


class World:
    """Replicas, stages and a broker."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings.model_copy(update={"pool_max_size": 10})
        self.broker = BrokerInMemory()
        self.replicas: list[Replica] = []

    async def open(self) -> None:
        self.pool = await open_connection_pool(self._settings)
        self.database = Database(self.pool)
        self.stage = Stage(self.broker, self.database)
        self.first, self.second = self.replica(), self.replica()

    async def close(self) -> None:
        for replica in self.replicas:
            await replica.end()
        await self.database.close()

    def replica(self, *, in_hand_s: float = IN_HAND_S) -> Replica:
        name = f"replica {len(self.replicas)}"
        timings = replace(TIMINGS, look_again_s=0.5, in_hand_s=in_hand_s)
        replica = Replica(self.pool, self.broker, name, timings)
        self.replicas.append(replica)
        return replica

    async def letters(self, number: int, *, partition: int = 0) -> list[UUID]:
        """Letters of one dead letter queue, in their order there."""
        found = [self.stage.set_aside(partition=partition) for _ in range(number)]
        await self.stage.index(self.second)
        return found

    async def plan(
        self, *, rate: float | None = None, canary: bool = False, starts: bool = True
    ) -> ReplayPlan:
        wanted = CreateReplayPlanRequest(canary=canary, rate=rate, step_wait_s=60)
        plan = await self.second.plans.create(wanted, "ada")
        return await self.second.plans.start(plan.plan_id) if starts else plan

    async def is_over(self, plan: ReplayPlan) -> bool:
        """Have all go through that was sent, and say whether the plan is over."""
        if self.first.process.is_dead:
            await self.first.end()  # its session ends with it
        while self.stage.taken < len(self.broker.sent):
            await self.stage.take(lambda _: Fate.THROUGH)
        await self.database.execute(
            "UPDATE dead_letters SET outcome = 'resolved' WHERE state = 'replayed'"
        )
        found = await self.second.plans.plan(plan.plan_id)
        return found.state is ReplayPlanState.FINISHED

    @property
    def sent(self) -> list[UUID]:
        """Letters in the order in which they were sent; each once."""
        return list(dict.fromkeys(one.letter_id for one in self.broker.sent))


@pytest.fixture
async def world(postgres_settings: PostgresSettings) -> AsyncIterator[World]:
    world = World(postgres_settings)
    await world.open()
    yield world
    await world.close()


def count_looks(replica: Replica) -> Counter[str]:
    """Count how often a replica looks for missing topics, as it does while it waits for letters."""
    looks = Counter[str]()
    sender = replica.replayer.sender
    find = sender.find_missing_topics

    async def count(services: Collection[str]) -> dict[str, str]:
        looks["find_missing_topics"] += 1
        return await find(services)

    sender.find_missing_topics = count  # type: ignore[method-assign]
    return looks


async def claim_and_die(world: World, plan: ReplayPlan, number: int) -> None:
    """Have a replica run a plan until it has claimed letters, and end it."""
    dying = world.replica()
    async with dying.letters.hold_claims_lock():
        await world.database.execute(RUN, plan.plan_id, dying.letters.claimant)
        claimed = await dying.plans.slices.claim(plan.plan_id, 0, number)
        assert claimed is not None
        assert len(claimed.letters) == number


async def leave_behind(world: World) -> list[UUID]:
    """Have a replica die with the first letters of a plan, which is cancelled then; all letters."""
    letters = await world.letters(LETTERS)
    plan = await world.plan(rate=RATE)
    await claim_and_die(world, plan, SLICE)
    await world.second.plans.cancel(plan.plan_id)
    return letters


async def test_who_goes_on_with_a_plan_sends_first_what_was_claimed_before(world: World) -> None:
    """Another replica sees sooner that nobody runs the plan than that claims are nobody's."""
    letters = await world.letters(LETTERS)
    plan = await world.plan(rate=RATE, starts=False)
    await world.second.start()
    await until(lambda: not world.second.replayer.is_repair_due)
    await claim_and_die(world, plan, SLICE)
    await until(lambda: world.is_over(plan), within_s=30)
    assert world.sent == letters


async def test_a_plan_waits_for_what_a_third_replica_took_over(world: World) -> None:
    letters = await world.letters(LETTERS)
    plan = await world.plan(rate=RATE)
    await claim_and_die(world, plan, SLICE)
    third = world.replica()
    async with third.letters.hold_claims_lock():
        taken = await third.letters.take_over_interrupted([])
        assert len(taken) == SLICE
        looks = count_looks(world.second)
        await world.second.start()
        await until(lambda: looks["find_missing_topics"] > 0)
        assert world.sent == []
        sent = await third.replayer.sender.send(taken)
        assert sent.outage is None
        await third.letters.mark_many_replayed([one.letter_id for one in taken])
        await until(lambda: world.is_over(plan), within_s=30)
    assert world.sent == letters


async def test_a_replay_of_many_sends_first_what_a_crash_left_behind(world: World) -> None:
    letters = await leave_behind(world)
    await world.second.replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
    assert world.sent == letters


async def test_a_replay_of_many_waits_for_a_repair_that_is_under_way(world: World) -> None:
    """Repair, woken by a replica's death, has taken what that one left, and has yet to send it."""
    letters = await leave_behind(world)
    sender, has_taken = world.second.replayer.sender, asyncio.Event()
    send = sender.send

    async def send_late(letters: Sequence[DeadLetterPosition]) -> DeadLetterSendResult:
        if not has_taken.is_set():
            has_taken.set()
            await asyncio.sleep(0.5)
        return await send(letters)

    sender.send = send_late  # type: ignore[method-assign]
    async with world.second.replayer.repairing():
        await has_taken.wait()
        await world.second.replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
    assert world.sent == letters


async def test_a_replay_of_many_waits_for_what_a_third_replica_took_over(world: World) -> None:
    letters = await leave_behind(world)
    third = world.replica()
    async with third.letters.hold_claims_lock():
        taken = await third.letters.take_over_interrupted([])
        looks = count_looks(world.second)
        replaying = asyncio.create_task(
            world.second.replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
        )
        await until(lambda: looks["find_missing_topics"] > 1)
        assert world.sent == []
        await third.replayer.sender.send(taken)
        await third.letters.mark_many_replayed([one.letter_id for one in taken])
        await replaying
    assert world.sent == letters


async def test_a_replay_of_many_is_refused_while_others_send_what_comes_before(
    world: World,
) -> None:
    letters = await world.letters(LETTERS)
    await world.first.letters.claim_for_replay(letters[0])
    hasty = world.replica(in_hand_s=0.2)
    async with world.first.letters.hold_claims_lock():
        with pytest.raises(LettersInHandError, match="try again"):
            await hasty.replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
        assert world.sent == []
        others = ReplayPlanFilter(letter_ids=tuple(letters[1:]))
        await hasty.replayer.replay_many(others, limit=LETTERS)
    assert world.sent == letters[1:]


async def test_an_interrupted_letter_that_raises_is_opened_and_the_others_go_back(
    world: World,
) -> None:
    letters = await leave_behind(world)
    sender = world.second.replayer.sender
    send, spoiled = sender.send, letters[7]

    async def send_or_raise(letters: Sequence[DeadLetterPosition]) -> DeadLetterSendResult:
        if spoiled in {one.letter_id for one in letters}:
            raise RuntimeError("a bug")
        return await send(letters)

    sender.send = send_or_raise  # type: ignore[method-assign]
    with capture_logs() as logs:
        assert await world.second.replayer.finish_interrupted() == SLICE - 1
    (told,) = [one for one in logs if one["event"] == "not_replayed"]
    assert (told["letter_id"], told["log_level"]) == (str(spoiled), "error")
    assert world.sent == [one for one in letters[:SLICE] if one != spoiled]
    found = await world.second.letters.letter(spoiled)
    assert found.state is DeadLetterState.OPEN
    others = ReplayPlanFilter(letter_ids=tuple(letters[SLICE:]))
    await world.second.replayer.replay_many(others, limit=LETTERS)
    assert world.sent == [one for one in letters if one != spoiled]


async def test_a_plan_sends_no_later_letter_while_an_outage_keeps_earlier_ones(
    world: World,
) -> None:
    """The broker is away in the middle of a slice, and says late what it has of the rest."""
    letters = await world.letters(LETTERS)
    world.broker.fails_at = {SLICE // 2}
    world.broker.reports_after_s = 0.5
    plan = await world.plan(rate=RATE)
    await world.second.start()
    await until(lambda: world.is_over(plan), within_s=30)
    assert world.sent == letters


async def test_a_replay_of_many_that_an_outage_cuts_short_sends_nothing_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replayer, "BATCH", SLICE)
    letters = await world.letters(2 * SLICE)
    world.broker.fails_at = {SLICE // 2}
    with pytest.raises(KafkaUnavailableError):
        await world.second.replayer.replay_many(DeadLetterFilter(), limit=2 * SLICE)
    assert world.sent == letters[: SLICE // 2 - 1]
    await world.second.replayer.replay_many(DeadLetterFilter(), limit=2 * SLICE)
    assert world.sent == letters


async def test_a_letter_about_an_interview_goes_in_one_step_with_those_about_its_chunks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "STEPS", (0.25, 0.5, 0.75, 1.0))
    of_chunks = await world.letters(4)
    (of_interview,) = await world.letters(1)
    await world.letters(15)
    await world.database.execute(INTERVIEW, TRANSCRIPT)
    await world.database.execute(CHUNKS, TRANSCRIPT, of_chunks)
    await world.database.execute(ABOUT_INTERVIEW, str(TRANSCRIPT), of_interview)
    for _ in range(8):  # each plan has a seed of its own
        wanted = CreateReplayPlanRequest(canary=True)
        plan = await world.second.plans.create(wanted, "ada")
        shown, _ = await world.second.plans.letters(plan.plan_id)
        steps = {
            sum(number >= end for end in plan.steps)
            for number, one in enumerate(shown)
            if one.letter_id in {*of_chunks, of_interview}
        }
        assert len(steps) == 1


@pytest.mark.parametrize("seed", range(12))
async def test_letters_of_several_dlqs_keep_their_order_through_crashes_and_outages(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Two services, two partitions each; a canary at a rate; a crash and an outage anywhere."""
    monkeypatch.setattr(claim_session, "CLAIMS_CHECKED_S", 0.05)
    monkeypatch.setattr(claim_session, "CLAIMS_PAUSE_S", 0.02)
    random = Random(seed)
    places: dict[tuple[str, int], list[UUID]] = {}
    for _ in range(2 * LETTERS):
        service, partition = random.choice((ENRICHMENT, GUARDRAIL)), random.randrange(2)
        letter = world.stage.set_aside(service, partition=partition)
        places.setdefault((service, partition), []).append(letter)
    await world.stage.index(world.second)
    await world.first.start()
    await world.second.start()
    world.broker.fails_at = {random.randrange(1, LETTERS)}
    world.broker.reports_after_s = random.choice((0.0, 0.2))
    plan = await world.plan(rate=random.choice((RATE, 4 * RATE, None)), canary=True)
    world.first.process.interrupt(Interruption(random.randrange(1, 150)))
    await until(lambda: world.is_over(plan), within_s=15)
    shown, _ = await world.second.plans.letters(plan.plan_id)
    begins = [0, *plan.steps]
    for begin, end in zip(begins, plan.steps, strict=False):
        of_step = {one.letter_id for one in shown[begin:end]}
        for letters in places.values():
            expected = [one for one in letters if one in of_step]
            assert is_within(expected, [one.letter_id for one in world.broker.sent])
