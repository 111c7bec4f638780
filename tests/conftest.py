"""What all tests share: the stack they run on, real data, and a count of what ran where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from onrecord.stack.supervisor import Stack
from support.postgres import fresh_database, postgres, postgres_settings, postgres_template
from support.stack import QUICK_RETRIES, embedded_stack, temporary_home, versions

# Fixtures are found by being here.
__all__ = ["fresh_database", "postgres", "postgres_settings", "postgres_template"]

SHARED_DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"

WHERE: Final = {
    "stack": "on the whole embedded stack",
    "stack_home": "on embedded stacks of their own",
    "broker": "on the embedded broker",
    "postgres": "on the embedded database",
}
"""A test counts for the first of these fixtures it uses, directly or not."""
NOWHERE: Final = "without a stack"

_ran = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        choices=["embedded"],
        default="embedded",
        help="what the broker and the database are; containers come later",
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stack with all services and the simulator, with short waits before retries."""
    with embedded_stack(env=QUICK_RETRIES) as running:
        yield running


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """A broker without topics: its ``host:port``."""
    with embedded_stack("broker") as running:
        yield running.client_env()["KAFKA_BOOTSTRAP_SERVERS"]


@pytest.fixture
def stack_home() -> Iterator[Path]:
    """A folder for a stack that the test starts itself."""
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real transcripts, which are not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data here: ../shared/data is absent")
    return SHARED_DATA


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ran] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and not report.skipped:
        used = getattr(item, "fixturenames", ())
        where = next((label for name, label in WHERE.items() if name in used), NOWHERE)
        item.config.stash[_ran][where] += 1
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = terminalreporter.config.stash[_ran]
    told = [f"{ran[label]} {label}" for label in (NOWHERE, *WHERE.values()) if ran[label]]
    if told:
        terminalreporter.section("where the tests ran")
        terminalreporter.write_line(f"stack: {ran.total()} tests: {', '.join(told)}")
        terminalreporter.write_line(f"stack: {versions()}")
