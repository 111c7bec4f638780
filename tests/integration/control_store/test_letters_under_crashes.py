"""Letters and plans under all that people and replicas do, with a crash between any two steps.

Hypothesis makes up the sequences, the same ones in each run: each begins with an empty index and
two replicas of control, and ends when all is at rest. There are 200, and 1,000 where all tests run;
``ONRECORD_SEEDS`` says otherwise. A failure is printed as it was found; ``ONRECORD_SHRINK=1`` has
it made short first, which takes minutes.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, cast

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from contracts.topics import ENRICHMENT, GUARDRAIL
from control.letters import retention
from control.replays import claim_session
from control.replays.plans import pace
from database.pool import open_connection_pool
from database.settings import PostgresSettings
from support.letter_acts import REPLICAS, LetterActs, delete_in_memory, read_dlqs_in_memory
from support.letter_history import WATCH, check_letters, come_to_rest
from support.letter_stage import Fate
from support.postgres import TestServer
from support.replicas_with_faults import Interruption, Replica

SEEDS: Final = 200
ALL_SEEDS: Final = 1_000
PARTS: Final = 8
"""Tests that the seeds are divided into, so that each takes less than a test may."""

STEPS: Final = 12
"""Most acts of a seed."""

# A process that was killed has no session left: those end whose transactions nobody ends any more.
END_SESSIONS: Final = """
SELECT pg_terminate_backend(pid, 5000)
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND state LIKE 'idle in transaction%'
"""
EMPTY: Final = """
TRUNCATE dead_letters, letter_edits, letter_causes, letter_cause_counts, replay_plans,
         replay_plan_batches, replay_plan_counts, letter_rules, letter_rule_replays,
         letter_discards, pending_drafts, llm_calls, settlement_checks, letter_faults CASCADE
"""

LETTER_ACTS: Final = (
    *("replay", "discard", "undo_discard", "edit", "undo_edit", "snooze", "wake", "expire"),
)
PLAN_ACTS: Final = ("pause", "resume", "cancel")
OTHER_ACTS: Final = (
    *("replay_all", "discard_all", "undo_discards", "repair", "look_at_rules"),
    *("purge", "copy_back", "reindex"),
)


@dataclass(frozen=True)
class Act:
    """What somebody does on a replica: the name of a method of ``LetterActs``, and of what."""

    name: str
    number: int | None = None

    def of(self, acts: LetterActs) -> Callable[[Replica], Coroutine[Any, Any, None]]:
        """Return what a replica does."""
        method = getattr(acts, self.name)
        if self.number is None:
            return cast(Callable[[Replica], Coroutine[Any, Any, None]], method)
        return partial(method, **{"plan" if self.name in PLAN_ACTS else "letter": self.number})


@dataclass(frozen=True)
class Meanwhile:
    """What happens at a step of an act: the other replica does something; None: this one ends."""

    step: int
    act: Act | None


SERVICES: Final = st.sampled_from((ENRICHMENT, GUARDRAIL))
PLACES: Final = st.integers(0, REPLICAS - 1)
NUMBERS: Final = st.integers(0, 7)
ACTS: Final = st.one_of(
    st.builds(Act, st.sampled_from(LETTER_ACTS), NUMBERS),
    st.builds(Act, st.sampled_from(PLAN_ACTS), NUMBERS),
    st.builds(Act, st.sampled_from(OTHER_ACTS)),
)
CRASHES: Final = st.builds(Meanwhile, st.integers(1, 30), st.none())
MEANWHILE: Final = st.none() | CRASHES | st.builds(Meanwhile, st.integers(1, 30), ACTS)


class LettersUnderCrashes(RuleBasedStateMachine):
    """Sequence of acts on letters and plans; each is checked once all is at rest."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    pool: ClassVar[asyncpg.Pool[asyncpg.Record]]

    def __init__(self) -> None:
        super().__init__()
        self._run(self.pool.execute(END_SESSIONS))
        self._run(self.pool.execute(EMPTY))
        self._acts = LetterActs(self.pool)
        self._run(self._acts.begin())

    @initialize(services=st.lists(SERVICES, min_size=1, max_size=6), place=PLACES)
    def begin(self, services: list[str], place: int) -> None:
        """Messages are set aside."""
        self.messages_are_set_aside(services, place, None)

    @rule(services=st.lists(SERVICES, min_size=1, max_size=3), place=PLACES, meanwhile=MEANWHILE)
    def messages_are_set_aside(
        self, services: list[str], place: int, meanwhile: Meanwhile | None
    ) -> None:
        for service in services:
            self._acts.stage.set_aside(service)
        self._do(place, self._acts.index, meanwhile)

    @rule(place=PLACES, act=ACTS, meanwhile=MEANWHILE)
    def somebody_acts(self, place: int, act: Act, meanwhile: Meanwhile | None) -> None:
        self._do(place, act.of(self._acts), meanwhile)

    @rule(place=PLACES, canary=st.booleans(), meanwhile=MEANWHILE)
    def a_plan_is_started(self, place: int, canary: bool, meanwhile: Meanwhile | None) -> None:  # noqa: FBT001
        self._do(place, partial(self._acts.plan, canary=canary), meanwhile)

    @rule(place=PLACES, meanwhile=MEANWHILE)
    def plans_go_on(self, place: int, meanwhile: Meanwhile | None) -> None:
        self._do(place, self._acts.wait, meanwhile)

    @rule(place=PLACES, number=st.integers(1, 4), fate=st.sampled_from(Fate))
    def the_stages_take_messages(self, place: int, number: int, fate: Fate) -> None:
        for _ in range(number):
            self._run(self._acts.stage.take(lambda _: fate))
        self._do(place, self._acts.index, None)

    @rule(place=PLACES)
    def a_replica_is_restarted(self, place: int) -> None:
        self._run(self._acts.restart(place))

    @rule(place=PLACES)
    def a_session_breaks(self, place: int) -> None:
        self._run(self._acts.break_session(place))

    @rule(is_away=st.booleans(), loses_reports=st.booleans())
    def kafka_changes(self, is_away: bool, loses_reports: bool) -> None:  # noqa: FBT001
        self._acts.broker.is_away = is_away
        self._acts.broker.loses_reports = loses_reports

    def teardown(self) -> None:
        """Have all come to rest, and check it."""
        try:
            self._run(come_to_rest(self._acts))
            self._run(check_letters(self._acts))
        finally:
            self._run(self._acts.end())

    def _do(
        self,
        place: int,
        act: Callable[[Replica], Coroutine[Any, Any, None]],
        meanwhile: Meanwhile | None,
    ) -> None:
        interruption = None
        if meanwhile is not None:
            beside = None
            if meanwhile.act is not None:
                beside = partial(self._acts.beside, 1 - place, meanwhile.act.of(self._acts))
            interruption = Interruption(meanwhile.step, beside)
        self._run(self._acts.run(place, act, interruption))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(coroutine)


@contextmanager
def _machine(settings_: PostgresSettings) -> Iterator[type[LettersUnderCrashes]]:
    """A machine with a pool and an event loop, which all of its seeds use."""
    with asyncio.Runner() as runner:
        pool = runner.run(open_connection_pool(settings_))
        try:
            runner.run(pool.execute(WATCH))
            yield type("Machine", (LettersUnderCrashes,), {"loop": runner.get_loop(), "pool": pool})
        finally:
            runner.run(pool.close())


@pytest.mark.parametrize("part", range(PARTS))
def test_no_letter_is_lost_nor_sent_twice(
    part: int,
    pytestconfig: pytest.Config,
    postgres: TestServer,
    postgres_template: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = ALL_SEEDS if pytestconfig.getoption("all") else SEEDS
    seeds = int(os.environ.get("ONRECORD_SEEDS", usual))
    shrink = [Phase.shrink] if os.environ.get("ONRECORD_SHRINK") else []
    monkeypatch.setattr(claim_session, "CLAIMS_CHECKED_S", 0.05)
    monkeypatch.setattr(claim_session, "CLAIMS_PAUSE_S", 0.02)
    # So that plans of few letters are sent in slices, some of them claimed ahead.
    monkeypatch.setattr(pace, "BATCH", 2)
    monkeypatch.setattr(retention, "read_dlq_partitions", read_dlqs_in_memory)
    monkeypatch.setattr(retention, "delete_records_before", delete_in_memory)
    name = f"letters_under_crashes_{part}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    try:
        reached = postgres.settings(name).model_copy(update={"pool_max_size": 12})
        # Tasks of replicas that crashed are told of when they are collected, with a traceback. That
        # and hypothesis parse sources, and Python 3.11 cannot do one within the other.
        gc.collect()
        with _machine(reached) as machine:
            run_state_machine_as_test(
                seed(part)(machine),
                settings=settings(
                    max_examples=seeds // PARTS,
                    stateful_step_count=STEPS,
                    database=None,
                    print_blob=False,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate, *shrink],
                ),
            )
    finally:
        gc.collect()
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
