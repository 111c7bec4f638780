"""What people and control do with dead letters and plans, on replicas that may end at any step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID, uuid4

import asyncpg

from contracts.call_purposes import DRAFT
from contracts.control_api import DeadLetterFilter
from contracts.errors import OnrecordError
from contracts.letter_edits import LetterChange
from contracts.letter_rules import CreateLetterRuleRequest, RuleFilter
from contracts.replay_plans import CreateReplayPlanRequest
from control.access.rights import Caller
from control.letters.bulk_changes import BulkChangePart
from control.letters.dlq_topics import DlqPartition
from control.letters.indexing import build_indexed_dead_letter
from control.letters.retention import LetterRetentionSweeper, RetentionPeriods
from control.replays.claim_session import CLAIMS_LOCK
from control.replays.rules import LetterRuleStore
from database.pool import Database
from messaging import KafkaSettings
from support.letter_stage import Stage
from support.replicas_with_faults import (
    TIMINGS,
    BrokerInMemory,
    Crash,
    Interruption,
    Place,
    Replica,
)
from support.waiting import until

REPLICAS: Final = 2
MOST_REPLAYS: Final = 2
"""How often the rule replays a message at most."""

ADA: Final = Caller(token_id=UUID(int=1), name="ada", grants=())
ALL: Final = DeadLetterFilter()

_WELL = """
INSERT INTO llm_calls (
    call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at,
    settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens, output_tokens,
    estimated, latency_s
)
VALUES (gen_random_uuid(), 's', 'c', $1, 'p', 'e', 'm', current_date, now(), now(), 'answered',
        'm', '', 1, 0, 1, false, 1)
"""
_IN_HAND = """
SELECT letter_id FROM dead_letters WHERE state = 'replaying' AND claimed_by = $1
"""
_PLACE = "SELECT dlq_topic, dlq_partition, dlq_offset FROM dead_letters WHERE letter_id = $1"
_AGE = """
UPDATE dead_letters SET indexed_at = now() - interval '181 days'
 WHERE letter_id = $1 AND state = 'open'
"""
_REPLAYING = "SELECT letter_id FROM dead_letters WHERE state = 'replaying'"
_SESSIONS = """
  FROM pg_locks
 WHERE locktype = 'advisory' AND granted AND classid = $1::int::oid AND objid = $2::int::oid
"""
# With a limit in milliseconds it returns when the session has ended; without one, before.
_END_SESSION = f"SELECT pg_terminate_backend(pid, 20000) {_SESSIONS}"
_IS_HELD = f"SELECT count(*) > 0 {_SESSIONS}"


async def read_dlqs_in_memory(
    kafka: KafkaSettings,
) -> tuple[tuple[DlqPartition, ...], tuple[str, ...]]:
    """``read_dlq_partitions`` of a broker in memory, which is given in place of settings."""
    broker = cast(BrokerInMemory, kafka)
    broker.require()
    return broker.partitions(), ()


async def delete_in_memory(kafka: KafkaSettings, offsets: Mapping[Place, int]) -> None:
    """``delete_records_before`` of a broker in memory, which is given in place of settings."""
    broker = cast(BrokerInMemory, kafka)
    broker.require()
    broker.deleted |= offsets


class LetterActs:
    """Letters, plans and a rule, and what is done with them.

    Letters and plans are named by any number: the remainder by how many there are counts.

    Args:
        pool: reaches an index without letters.

    Attributes:
        broker: has what was sent, and the dead letter queue.
        stage: sets messages aside, and takes what is sent back.
        doubtful: letters that a replica had in hand while it was not seen to live: it may send them
            as well as the one that took them over, however late.
        beside_others: how many replicas act while another one is at something.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self.database = Database(pool)
        self.broker = BrokerInMemory()
        self.stage = Stage(self.broker, self.database)
        self.doubtful: set[UUID] = set()
        self.beside_others = 0
        self._replicas: dict[int, Replica] = {}
        self._number = 0
        self._letters: list[UUID] = []
        self._plans: list[UUID] = []
        self._discards: list[UUID] = []

    async def begin(self) -> None:
        """Enable the rule, with services that are well, and start the replicas."""
        await self.database.execute(_WELL, DRAFT)
        rules = LetterRuleStore(self.database)
        wanted = CreateLetterRuleRequest(
            name="timeouts",
            filter=RuleFilter(code="llm_timeout"),
            quiet_s=0,
            rate_per_s=100,
            most_replays=MOST_REPLAYS,
        )
        await rules.create(wanted, "ada")
        await rules.enable("timeouts", None, is_enabled=True)
        for place in range(REPLICAS):
            await self.restart(place)

    async def end(self) -> None:
        """End all replicas."""
        for replica in self._replicas.values():
            await replica.end()

    async def run(
        self,
        place: int,
        act: Callable[[Replica], Coroutine[Any, Any, None]],
        interruption: Interruption | None = None,
    ) -> None:
        """Have a replica act, unless it is dead; what it refuses is refused.

        Args:
            place: of the replica.
            act: what it does.
            interruption: what happens meanwhile, if the act has so many steps.
        """
        replica = self._replicas[place]
        if replica.process.is_dead:
            return
        replica.process.interrupt(interruption)
        with suppress(OnrecordError, Crash):
            await replica.process.run(act(replica))
        replica.process.interrupt(None)
        for one in self._replicas.values():
            if one.process.is_dead:
                await self._bury(one)

    async def beside(self, place: int, act: Callable[[Replica], Coroutine[Any, Any, None]]) -> None:
        """Have a replica act while another one is at something; nothing happens if it is dead."""
        replica = self._replicas[place]
        if replica.process.is_dead:
            return
        # Any task of the other one may stand at the step: it may go on while that one rests.
        self.beside_others += 1
        try:
            with suppress(OnrecordError, Crash):
                await replica.process.run(act(replica))
        finally:
            self.beside_others -= 1

    async def restart(self, place: int) -> None:
        """End a replica, whatever it is at, and start another one in its place."""
        before = self._replicas.get(place)
        if before is not None:
            before.process.end()
            await self._bury(before)
        self._number += 1
        # Others may stand at a step until a replay of many ends, which must not wait for them.
        timings = replace(TIMINGS, look_again_s=0.5, in_hand_s=0.0)
        replica = Replica(self._pool, self.broker, f"replica {self._number}", timings)
        self._replicas[place] = replica
        await replica.start()

    async def break_session(self, place: int) -> None:
        """End the session by which a replica is seen to live; it opens another one."""
        replica = self._replicas[place]
        if replica.process.is_dead:
            return
        claimant = replica.letters.claimant
        before = len(self.broker.sent)
        await self._doubt()
        await self.database.execute(_END_SESSION, CLAIMS_LOCK, claimant)

        async def is_held() -> bool:
            return replica.process.is_dead or bool(
                await self.database.fetchval(_IS_HELD, CLAIMS_LOCK, claimant)
            )

        await until(is_held, within_s=20)
        # In this order: what another one sends and marks before the look is no longer in hand then.
        await self._doubt()
        for sent in self.broker.sent[before:]:
            sent.is_excused = True

    def living(self) -> Replica | None:
        """A replica that lives; None if there is none."""
        return next((one for one in self._replicas.values() if not one.process.is_dead), None)

    async def index(self, replica: Replica) -> None:
        """Index what is in the dead letter queue."""
        await self.stage.index(replica)
        rows = await self.database.fetch("SELECT letter_id FROM dead_letters ORDER BY failed_at")
        self._letters = [row["letter_id"] for row in rows]

    async def replay(self, replica: Replica, letter: int) -> None:
        """Replay one letter."""
        if self._letters:
            await replica.replayer.replay(self._letter(letter))

    async def replay_all(self, replica: Replica) -> None:
        """Replay all open letters."""
        await replica.replayer.replay_many(ALL, limit=100)

    async def discard(self, replica: Replica, letter: int) -> None:
        """Discard one letter."""
        if self._letters:
            await replica.letters.discard(self._letter(letter), "not needed")

    async def discard_all(self, replica: Replica) -> None:
        """Discard all open letters."""
        discard_id = uuid4()
        self._discards.append(discard_id)
        await replica.bulk.discard(
            ALL,
            reason="not needed",
            discard_id=discard_id,
            part=BulkChangePart(datetime.now(UTC), 100),
        )

    async def undo_discard(self, replica: Replica, letter: int) -> None:
        """Open a discarded letter again."""
        if self._letters:
            await replica.bulk.restore_letter(self._letter(letter))

    async def undo_discards(self, replica: Replica) -> None:
        """Open the letters of the latest discard of all again."""
        if self._discards:
            await replica.bulk.restore(self._discards[-1], limit=100)

    async def edit(self, replica: Replica, letter: int) -> None:
        """Edit a letter."""
        if not self._letters:
            return
        letter_id = self._letter(letter)
        place = await self.database.fetchrow(_PLACE, letter_id)
        assert place is not None
        record = self.broker.find(*place)
        if record is None:
            return
        title = f"edit {uuid4()}"
        value = json.dumps(json.loads(record.value or b"") | {"title": title}).encode()
        change = LetterChange(path="/title", before="as it was", after=title)
        await replica.letters.editor.choose(letter_id, None, (value, [change]), ADA, "a typo")

    async def undo_edit(self, replica: Replica, letter: int) -> None:
        """Have a letter's message sent as it is."""
        if self._letters:
            await replica.letters.editor.choose(self._letter(letter), None, None, ADA, "no")

    async def snooze(self, replica: Replica, letter: int) -> None:
        """Snooze a letter for an hour."""
        if self._letters:
            until = datetime.now(UTC) + timedelta(hours=1)
            await replica.bulk.snooze_letter(self._letter(letter), until)

    async def wake(self, replica: Replica, letter: int) -> None:
        """Snooze a letter no longer."""
        if self._letters:
            await replica.bulk.snooze_letter(self._letter(letter), None)

    async def expire(self, replica: Replica, letter: int) -> None:
        """Have a letter's time be over, and look what expires."""
        if self._letters:
            await self.database.execute(_AGE, self._letter(letter))
            await self._sweep(replica)

    async def purge(self, replica: Replica) -> None:
        """Delete the first records that a dead letter queue has, and look what is gone."""
        self.broker.purge()
        await self._sweep(replica)

    async def copy_back(self, replica: Replica) -> None:
        """Have dead letter queues have again what was purged, and look what is there."""
        self.broker.purged.clear()
        await self._sweep(replica)

    async def reindex(self, replica: Replica) -> None:
        """Read the dead letter queues again from their beginnings."""
        for place, log in self.broker.dead.items():
            for record in log[self.broker.begin(place) : self.broker.indexed.get(place, 0)]:
                await replica.letters.index_letter(build_indexed_dead_letter(record))

    async def plan(self, replica: Replica, *, canary: bool) -> None:
        """Make a plan of all open letters, and start it."""
        wanted = CreateReplayPlanRequest(canary=canary, step_wait_s=60)
        plan = await replica.plans.create(wanted, "ada")
        self._plans.append(plan.plan_id)
        await replica.plans.start(plan.plan_id)

    async def pause(self, replica: Replica, plan: int) -> None:
        """Pause a plan."""
        if self._plans:
            await replica.plans.pause(self._plan(plan))

    async def resume(self, replica: Replica, plan: int) -> None:
        """Have a plan go on, whatever it stopped for."""
        if self._plans:
            await replica.plans.resume(self._plan(plan), accepts_stop=True)

    async def cancel(self, replica: Replica, plan: int) -> None:
        """Cancel a plan."""
        if self._plans:
            await replica.plans.cancel(self._plan(plan))

    async def look_at_rules(self, replica: Replica) -> None:
        """Replay what the rule says."""
        await replica.rules.look()

    async def repair(self, replica: Replica) -> None:
        """Take over what others left."""
        await replica.replayer.finish_interrupted()

    async def wait(self, replica: Replica) -> None:
        """Let plans go on for a while."""
        del replica
        await asyncio.sleep(0.05)

    async def _sweep(self, replica: Replica) -> None:
        sweeper = LetterRetentionSweeper(
            replica.database,
            cast(KafkaSettings, self.broker),
            RetentionPeriods(),
            gone_for=timedelta(0),
        )
        await sweeper.sweep()

    def _letter(self, number: int) -> UUID:
        return self._letters[number % len(self._letters)]

    def _plan(self, number: int) -> UUID:
        return self._plans[number % len(self._plans)]

    async def _doubt(self) -> None:
        rows = await self.database.fetch(_REPLAYING)
        self.doubtful.update(row["letter_id"] for row in rows)

    async def _bury(self, replica: Replica) -> None:
        await self._excuse(replica)
        await replica.end()

    async def _excuse(self, replica: Replica) -> None:
        """Excuse what a replica has sent and not marked: another one may send it once more."""
        rows = await self.database.fetch(_IN_HAND, replica.letters.claimant)
        in_hand = {row["letter_id"] for row in rows}
        for sent in self.broker.sent:
            if sent.process is replica.process and sent.letter_id in in_hand:
                sent.is_excused = True
