"""Runs each conformance test on the backends that have the abilities it needs.

Two of three backends are here in a run: the one in memory, and the broker that ``--stack`` names.
A test that neither is able to run is deselected, and named at the end of the run; nothing is
skipped. ``test_conformance_table.py`` says which promise is proved where.
"""

from __future__ import annotations

import pytest

from integration.messaging.conformance.backends import (
    ABILITIES,
    APACHE,
    EMBEDDED,
    MEMORY,
    Ability,
    Backend,
    Brokered,
    able_backends,
    brokered,
)
from integration.messaging.conformance.memory import InMemory
from support.broker import RestartableBroker
from support.choice_of_tests import NOT_RUN


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend_name" in metafunc.fixturenames:
        able = able_backends(metafunc.function)
        # With none of them here, the test stands in the list of those that are not run.
        metafunc.parametrize(
            "backend_name", [n for n in able if n in here(metafunc.config)] or able
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if backend_of(item) not in {None, *here(config)}]
    if others:
        title = "conformance tests that no backend here can run"
        config.stash[NOT_RUN][title] = [item.nodeid for item in others]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)
    for item in items:
        if isinstance(item, pytest.Function) and backend_of(item) not in {None, MEMORY}:
            # By name, so that the count of what ran where is right.
            own = "own_backend" in item.fixturenames
            item.fixturenames = [*item.fixturenames, "own_broker" if own else "broker"]


def here(config: pytest.Config) -> tuple[str, ...]:
    """The backends of this run."""
    return MEMORY, EMBEDDED if config.getoption("--stack") == EMBEDDED else APACHE


def backend_of(item: pytest.Item) -> str | None:
    """The backend that a test is collected for; None if it is no conformance test."""
    call = getattr(item, "callspec", None)
    return call.params.get("backend_name") if call else None


@pytest.fixture
async def backend(request: pytest.FixtureRequest, backend_name: str) -> Backend:
    """A test's own topics, of one partition each."""
    return await one(request, backend_name, partitions=1)


@pytest.fixture
async def wide_backend(request: pytest.FixtureRequest, backend_name: str) -> Backend:
    """A test's own topics, of four partitions each."""
    return await one(request, backend_name, partitions=4)


@pytest.fixture
async def own_backend(own_broker: RestartableBroker, backend_name: str) -> Brokered:
    """Topics on a broker of the test's own (``own_broker``), to be stopped and started again."""
    return await brokered(own_broker.servers, named=is_named(backend_name))


async def one(request: pytest.FixtureRequest, name: str, *, partitions: int) -> Backend:
    if name == MEMORY:
        return InMemory()
    servers = request.getfixturevalue("broker")
    return await brokered(servers, named=is_named(name), partitions=partitions)


def is_named(backend: str) -> bool:
    return Ability.NAMELESS_REPLICAS not in ABILITIES[backend]
