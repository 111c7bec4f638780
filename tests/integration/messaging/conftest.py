"""Fixtures of these tests: topics of a test's own, with one partition or with four."""

from __future__ import annotations

import pytest

from support.broker import Bench, bench_on, probe_topics


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, probe_topics())


@pytest.fixture
async def wide_bench(broker: str) -> Bench:
    return await bench_on(broker, probe_topics(partitions=4))
