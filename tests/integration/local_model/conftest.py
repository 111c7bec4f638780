"""A real model, where its engine and weights are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_model.weights import INSTALL, list_missing_packages
from local_stack.supervisor import LocalStack
from onrecord.demo.local_model import UNHURRIED
from support.missing import missing as absent
from support.stack import QUICK_RETRIES, whole_stack


@pytest.fixture(autouse=True, scope="session")
def _can_run_a_model() -> None:
    if lacks := list_missing_packages():
        absent(f"there is no model for this CPU: {lacks} not installed ({INSTALL})")


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config, _can_run_a_model: None) -> Iterator[LocalStack]:
    """The whole stack, with the real model in the simulator's place."""
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | UNHURRIED) as running:
        yield running
