"""What all tests share: the stack they run on, real data, and a count of what ran where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from onrecord.stack.supervisor import Stack
from support.apache_kafka import own_kafka
from support.broker import RestartableBroker, embedded_broker
from support.kafka_jars import KafkaMissingError, jars, kafka_version
from support.postgres import fresh_database, postgres, postgres_settings, postgres_template
from support.stack import QUICK_RETRIES, embedded_stack, temporary_home, versions

# Fixtures are found by being here.
__all__ = ["fresh_database", "postgres", "postgres_settings", "postgres_template"]

SHARED_DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"

WHERE: Final = {
    "stack": "on the whole embedded stack",
    "stack_home": "on embedded stacks of their own",
    "broker": "on {broker}",
    "own_broker": "on {broker}, one of their own",
    "chaos_broker": "on {broker}, with crashes and trouble",
    "postgres": "on the embedded database",
}
"""A test counts for the first of these fixtures it uses, directly or not."""
NOWHERE: Final = "without a stack"
APACHE: Final = "apache"

_ran = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        choices=["embedded", APACHE],
        default="embedded",
        help="what the broker is that single tests use; the whole stack is always embedded",
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stack with all services and the simulator, with short waits before retries."""
    with embedded_stack(env=QUICK_RETRIES) as running:
        yield running


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[str]:
    """A broker without topics: its ``host:port``."""
    if on_apache(pytestconfig):
        with own_kafka() as kafka:
            yield kafka.servers
    else:
        with embedded_stack("broker") as running:
            yield running.client_env()["KAFKA_BOOTSTRAP_SERVERS"]


@pytest.fixture
def own_broker(pytestconfig: pytest.Config) -> Iterator[RestartableBroker]:
    """A running broker of the test's own, to be stopped and started again."""
    with own_kafka() if on_apache(pytestconfig) else embedded_broker() as running:
        yield running


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


def on_apache(config: pytest.Config) -> bool:
    """Whether the tests are to use Apache Kafka."""
    return bool(config.getoption("--stack") == APACHE)


def broker_label(config: pytest.Config) -> str:
    """What the broker is, for people."""
    return f"Apache Kafka {kafka_version()}" if on_apache(config) else "the embedded broker"


def pytest_configure(config: pytest.Config) -> None:
    if on_apache(config):
        try:
            jars()
        except KafkaMissingError as error:
            raise pytest.UsageError(f"--stack={APACHE}: {error}") from error
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
    label_of_broker = broker_label(terminalreporter.config)
    told = [
        f"{ran[label]} {label.format(broker=label_of_broker)}"
        for label in (NOWHERE, *WHERE.values())
        if ran[label]
    ]
    if told:
        terminalreporter.section("where the tests ran")
        terminalreporter.write_line(f"stack: {ran.total()} tests: {', '.join(told)}")
        others = f"{label_of_broker}, " if on_apache(terminalreporter.config) else ""
        terminalreporter.write_line(f"stack: {others}{versions()}")
