"""Fixtures of these tests: topics of a test's own, with one partition each."""

from __future__ import annotations

import pytest

from support.broker import Bench, bench_on, probe_topics


def pytest_configure(config: pytest.Config) -> None:
    # Of the conformance suite, whose own conftest uses them as soon as it is imported.
    config.addinivalue_line("markers", "needs(*abilities): of a backend, or it is not run there")
    config.addinivalue_line("markers", "proves(*what): promises and rows of the failure table")


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, probe_topics())
