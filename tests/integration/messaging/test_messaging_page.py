"""The application of docs/messaging.md does what the page says, without a line changed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from contracts import headers as h
from messaging import KafkaSettings
from messaging.kafka.admin import list_missing_topics
from support.broker import Bench
from support.waiting import until

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs" / "messaging.md").read_text("utf-8")
ORDERS: Final = 120
CALL_S: Final = 0.5
DLQ: Final = "billing-dlq"
MAX_LINES: Final = 40


def program() -> str:
    found = re.search(r"^```python orders\.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def bench(broker: str) -> Bench:
    """The page's own topics, without a prefix."""
    return Bench(KafkaSettings(bootstrap_servers=broker))


class Billing:
    def __init__(self, folder: Path, servers: str) -> None:
        text = program().replace("localhost:9092", servers)
        (folder / "orders.py").write_text(text, "utf-8")
        self._folder = folder
        self.log = folder / "log"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        # The name, as the embedded broker never misses a member that was killed.
        told = {"KAFKA_SESSION_TIMEOUT_MS": "6000", "KAFKA_GROUP_INSTANCE_ID": "billing-1"}
        env = dict(os.environ) | told
        words = ("-m", "faststream", "run", "orders:app")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=self._folder, env=env, stdout=log, stderr=log
            )
        try:
            yield process
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text('utf-8')}") from None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


async def orders(bench: Bench, *amounts: float) -> None:
    values = [f'{{"number": {n}, "amount": {a}}}'.encode() for n, a in enumerate(amounts)]
    await bench.send("orders", *values)


async def invoices(bench: Bench) -> set[int]:
    try:
        records = await bench.records("invoices", await bench.size("invoices"))
    except AssertionError:  # there were more of them by then
        return set()
    return {int(re.findall(rb'"order":\s*(\d+)', one.value)[0]) for one in records}


def test_the_application_is_as_short_as_it_is_said_to_be() -> None:
    lines = [line for line in program().splitlines() if line.strip()]
    assert len(lines) <= MAX_LINES
    assert [line for line in lines if "messaging" in line] == [
        "from messaging import ReliableKafkaBroker, StageSettings"
    ]


async def test_the_application_of_the_page_loses_nothing(bench: Bench, tmp_path: Path) -> None:
    billing = Billing(tmp_path, bench.kafka.bootstrap_servers)

    async def exists(name: str) -> bool:
        # To ask a broker for a topic may create it.
        return not await list_missing_topics(bench.kafka, [name])

    with billing.running() as first:
        await until(lambda: exists(DLQ), within_s=60)
        await until(lambda: exists("orders"), within_s=60)
        await orders(bench, *[10.0] * ORDERS, -1.0, 0.0)

        async def some() -> bool:
            return await exists("invoices") and await bench.size("invoices") > 0

        await until(some, within_s=60)
        first.send_signal(signal.SIGKILL)
        first.wait(60)

    begun = time.monotonic()
    with billing.running():

        async def all_billed() -> bool:
            return len(await invoices(bench)) == ORDERS

        await until(all_billed, within_s=60)
        # Sequential, as one partition is with FastStream's own at-least-once, it takes a minute.
        assert time.monotonic() - begun < ORDERS * CALL_S

        async def both_dead() -> bool:
            return await bench.size(DLQ) >= 2

        await until(both_dead, within_s=60)
        await bench.is_committed("orders", ORDERS + 2, "billing")

    letters = await bench.records(DLQ, await bench.size(DLQ))
    codes = {code_of(one): one for one in letters}
    assert codes.keys() == {"bug", "nacked"}
    assert dict(codes["nacked"].headers)[h.ATTEMPTS] == b"9"  # three tries in place, three times
    assert codes["nacked"].value == b'{"number": 121, "amount": 0.0}'


def code_of(letter: Any) -> str:
    return str(dict(letter.headers)[h.ERROR_CODE].decode())
