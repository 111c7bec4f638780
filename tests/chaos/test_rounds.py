"""Seeded rounds of crashes and trouble, after which the books have to balance."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from chaos.books import PARTITIONS
from chaos.crashes import Point
from chaos.fates import THROTTLE_CEILING_S, End, Try, fate
from chaos.plan import BLOCK, Plan, Trouble, plan
from chaos.round import Round
from messaging import KafkaSettings
from messaging.kafka.admin import create_topics, wait_for_broker
from support.apache_kafka import JVM_THAT_STARTS_FAST, own_kafka
from support.broker import Bench, RestartableBroker, embedded_broker, probe_topics
from support.containers import kafka_container
from support.stack import APACHE, CONTAINERS, EMBEDDED

ROUNDS: Final = int(os.environ.get("ONRECORD_CHAOS_ROUNDS") or 20)
SEED: Final = int(os.environ.get("ONRECORD_CHAOS_SEED") or 1)
SESSION_TIMEOUT_MS: Final = {APACHE: 3_000, CONTAINERS: 3_000, EMBEDDED: 6_000}
"""How long a group waits for members that were killed; less than 6 s only where told so."""
SHORT_SESSIONS: Final = (
    "group.min.session.timeout.ms=1000",
    # A broker that was killed may only register again once its own session is over; Kafka's
    # default is 9 s.
    "broker.session.timeout.ms=3000",
    "broker.heartbeat.interval.ms=500",
)


@pytest.fixture(scope="module")
def kind(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--stack"))


@pytest.fixture(scope="module")
def chaos_broker(kind: str) -> Iterator[RestartableBroker]:
    brokers: dict[str, Callable[[], AbstractContextManager[RestartableBroker]]] = {
        APACHE: lambda: own_kafka(settings=SHORT_SESSIONS, jvm=JVM_THAT_STARTS_FAST),
        CONTAINERS: lambda: kafka_container(SHORT_SESSIONS),
        EMBEDDED: embedded_broker,
    }
    with brokers[kind]() as running:
        yield running


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Deleted if the round ends well, kept with its logs if not."""
    made = Path(tempfile.mkdtemp(prefix="onrecord-chaos-"))
    yield made
    if not getattr(request.node, "books_open", True):
        shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("number", range(1, ROUNDS + 1), ids="round-{:03}".format)
def test_the_books_balance_whatever_is_killed_stopped_or_restarted(
    number: int,
    kind: str,
    chaos_broker: RestartableBroker,
    folder: Path,
    request: pytest.FixtureRequest,
) -> None:
    planned = plan(SEED, number)
    kafka = KafkaSettings(
        bootstrap_servers=chaos_broker.servers,
        topic_prefix=f"chaos-{SEED}-{number}-{folder.name[-4:]}-",
        session_timeout_ms=SESSION_TIMEOUT_MS[kind],
        rebalance_timeout_ms=5_000,
        idle_pause_ms=50 if kind == EMBEDDED else 0,
    )
    try:
        asyncio.run(_play(planned, Bench(kafka), chaos_broker, folder, kind))
    except BaseException:
        _tell(planned, folder, kind)
        raise
    request.node.books_open = False


async def _play(
    planned: Plan, bench: Bench, broker: RestartableBroker, folder: Path, kind: str
) -> None:
    # The embedded broker's group coordinator is not up to members without instance ids.
    static = kind == EMBEDDED or planned.static
    sturdy = kind != EMBEDDED
    await wait_for_broker(bench.kafka, 20)
    await create_topics(bench.kafka, probe_topics(PARTITIONS))
    await Round(planned, bench, broker, folder, static=static, sturdy=sturdy).run()


def _tell(planned: Plan, folder: Path, kind: str) -> None:
    points = ", ".join(f"{point} at pass {number}" for point, number in planned.due.items())
    print(  # noqa: T201 - pytest shows it with the failure
        f"round {planned.number} of seed {SEED}: {planned.trouble}, order {planned.order}, "
        f"crashes {points}\nlogs: {folder}\nthis round alone: make chaos SEED={SEED} "
        f"ROUNDS={planned.number} ONLY=round-{planned.number:03} STACK={kind}"
    )


def test_the_rounds_of_a_block_see_every_crash_point_and_every_trouble() -> None:
    for first in range(1, 5 * BLOCK, BLOCK):
        block = [plan(SEED, number) for number in range(first, first + BLOCK)]
        assert {point for one in block for point in one.due} == set(Point)
        assert {one.trouble for one in block} == set(Trouble)
        assert {one.order for one in block} == {"none", "key"}


def test_two_blocks_see_every_trouble_with_and_without_instance_ids_and_storms_without() -> None:
    rounds = [plan(SEED, number) for number in range(1, 2 * BLOCK + 1)]
    either = set(product(set(Trouble) - {Trouble.STORM}, (True, False)))
    assert {(one.trouble, one.static) for one in rounds} == either | {(Trouble.STORM, False)}


def test_every_way_to_end_happens_in_the_rounds() -> None:
    fates = [fate(plan(SEED, number).seed, one) for number in range(1, 5) for one in range(1, 106)]
    assert {one.end for one in fates} == set(End)
    assert {outcome for one in fates for outcome in one.before} == set(Try)
    assert {one.retry_after_s > THROTTLE_CEILING_S for one in fates if one.retry_after_s} == {
        True,
        False,
    }
