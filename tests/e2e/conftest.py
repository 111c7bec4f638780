"""End-to-end tests share one whole stack, whose model takes its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_stack.supervisor import LocalStack
from support.pipeline import Pipeline
from support.stack import QUICK_RETRIES, whole_stack

UNHURRIED = {
    "ONRECORD_SIMULATOR_LATENCY": "lognormal:0.5,0.4",
    "ONRECORD_SIMULATOR_SEED": "11",
    "ENRICHMENT_MAX_IN_FLIGHT": "16",
    "INGESTION_MAX_IN_FLIGHT": "1",
}


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | UNHURRIED) as running:
        yield running


@pytest.fixture
def pipeline(stack: LocalStack) -> Pipeline:
    return Pipeline(stack)
