"""Seeded rounds of crashes and trouble, after which the books have to balance."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from chaos.crashes import Point
from chaos.plan import BLOCK, Plan, Trouble, plan
from chaos.round import Round
from messaging import KafkaSettings
from messaging.admin import create_topics, wait_for_broker
from support.apache_kafka import own_kafka
from support.broker import Bench, RestartableBroker, embedded_broker, probe_topics

ROUNDS: Final = int(os.environ.get("ONRECORD_CHAOS_ROUNDS") or 20)
SEED: Final = int(os.environ.get("ONRECORD_CHAOS_SEED") or 1)
APACHE: Final = "apache"
EMBEDDED: Final = "embedded"
PARTITIONS: Final = 3
SESSION_TIMEOUT_MS: Final = 6_000
"""The least that either broker takes, in milliseconds."""


@pytest.fixture(scope="module")
def kind(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--stack"))


@pytest.fixture(scope="module")
def chaos_broker(kind: str) -> Iterator[RestartableBroker]:
    with own_kafka() if kind == APACHE else embedded_broker() as running:
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
        session_timeout_ms=SESSION_TIMEOUT_MS,
        idle_pause_ms=0 if kind == APACHE else 50,
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
    static = kind != APACHE or planned.number % 2 == 0
    sturdy = kind == APACHE
    await wait_for_broker(bench.kafka, 20)
    await create_topics(bench.kafka, probe_topics(PARTITIONS))
    await Round(planned, bench, broker, folder, static=static, sturdy=sturdy).run()


def _tell(planned: Plan, folder: Path, kind: str) -> None:
    points = ", ".join(f"{point} at pass {number}" for point, number in planned.due.items())
    stack = "" if kind == EMBEDDED else f" STACK={kind}"
    print(  # noqa: T201 - pytest shows it with the failure
        f"round {planned.number} of seed {SEED}: {planned.trouble}, order {planned.order}, "
        f"crashes {points}\nlogs: {folder}\nthis round alone: make chaos SEED={SEED} "
        f"ROUNDS={planned.number} ONLY=round-{planned.number:03}{stack}"
    )


def test_any_four_rounds_in_a_block_see_every_crash_point_and_every_trouble() -> None:
    for first in range(1, 5 * BLOCK, BLOCK):
        block = [plan(SEED, number) for number in range(first, first + BLOCK)]
        assert sorted(point for one in block for point in one.due) == sorted(Point)
        assert {one.trouble for one in block} == set(Trouble)
        assert {one.order for one in block} == {"none", "key"}
