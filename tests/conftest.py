"""What all tests share: the stack they run on, real data, and a count of what ran where."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from local_stack.supervisor import LocalStack
from support import choice_of_tests
from support.apache_kafka import JVM_THAT_STARTS_FAST, own_kafka
from support.broker import RestartableBroker, embedded_broker
from support.containers import images, kafka_container
from support.docker_engine import NoContainersError, engine_answers, prepare
from support.kafka_jars import KafkaMissingError, jars, kafka_version
from support.missing import require_kafka_jars
from support.postgres import fresh_database, postgres, postgres_settings, postgres_template
from support.stack import (
    APACHE,
    CONTAINERS,
    EMBEDDED,
    QUICK_RETRIES,
    embedded_stack,
    temporary_home,
    versions,
    whole_stack,
)
from support.where_tests_run import WhereTestsRun

# Fixtures are found by being here.
__all__ = ["fresh_database", "postgres", "postgres_settings", "postgres_template"]

SHARED_DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"

IN_CONTAINERS: Final = frozenset({"stack", "broker", "own_broker", "chaos_broker", "postgres"})
"""Fixtures that are containers where ``--stack`` says so."""
AUTO: Final = "auto"
OTHERS_SETTINGS: Final = ("KAFKA_", "POSTGRES_", "OPENAI_")

# How long an example takes tells of the machine, not of the code.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")

_why = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        choices=[AUTO, CONTAINERS, EMBEDDED, APACHE],
        default=AUTO,
        help="what tests run on: a broker and a database in containers, embedded ones, or Apache "
        "Kafka from its jars for single tests and the rest embedded; left alone, it is containers "
        "if a Docker engine answers, else embedded",
    )
    choice_of_tests.add_options(parser)


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    """The whole stack with all services and the simulator, with short waits before retries."""
    with whole_stack(kind_of_stack(pytestconfig), QUICK_RETRIES) as running:
        yield running


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[str]:
    """A broker without topics: its ``host:port``."""
    if kind_of_stack(pytestconfig) == EMBEDDED:
        with embedded_stack("broker") as running:
            yield running.client_env()["KAFKA_BOOTSTRAP_SERVERS"]
    elif kind_of_stack(pytestconfig) == CONTAINERS:
        with kafka_container() as kafka:
            yield kafka.servers
    else:
        with own_kafka() as own:
            yield own.servers


@pytest.fixture
def own_broker(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config
) -> Iterator[RestartableBroker]:
    """A running broker of the test's own, to be stopped and started again.

    A test with the marker ``broker_files`` touches its files and its process: for it the broker
    runs from its jars where others run in containers.
    """
    wants_files = request.node.get_closest_marker("broker_files") is not None
    if wants_files and kind_of_stack(pytestconfig) == CONTAINERS:
        require_kafka_jars()
        with own_kafka(jvm=JVM_THAT_STARTS_FAST) as running:
            yield running
        return
    with kafka_of_its_own(pytestconfig) as own:
        yield own


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


def kind_of_stack(config: pytest.Config) -> str:
    """What the tests run on: containers, embedded, or apache."""
    return str(config.getoption("--stack"))


def kafka_of_its_own(config: pytest.Config) -> AbstractContextManager[RestartableBroker]:
    """A running broker that may be stopped and started again."""
    kind = kind_of_stack(config)
    if kind == EMBEDDED:
        return embedded_broker()
    return kafka_container() if kind == CONTAINERS else own_kafka(jvm=JVM_THAT_STARTS_FAST)


def labels(config: pytest.Config) -> dict[str, str]:
    """What the stack, the broker and the database are, for people."""
    kind = kind_of_stack(config)
    if kind == CONTAINERS:
        return {
            "stack": "the whole stack with broker and database in containers",
            "broker": "Apache Kafka in a container",
            "database": "PostgreSQL in a container",
        }
    kafka = f"Apache Kafka {kafka_version()}" if kind == APACHE else "the embedded broker"
    return {
        "stack": "the whole embedded stack",
        "broker": kafka,
        "database": "the embedded database",
    }


def parts(config: pytest.Config) -> str:
    """What the stack is made of, with versions, for people."""
    kind = kind_of_stack(config)
    if kind == CONTAINERS:
        return f"containers of {' and '.join(images())}; embedded: {versions()}"
    return f"Apache Kafka {kafka_version()}, {versions()}" if kind == APACHE else versions()


def choose() -> tuple[str, str]:
    """What to run on if nobody says it, and why."""
    try:
        found = engine_answers()
    except NoContainersError as error:  # it is told again, and the run stops, if a test needs it
        return CONTAINERS, str(error)
    if found:
        return CONTAINERS, "as a Docker engine answers"
    return EMBEDDED, "as no Docker engine answers"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # No test talks to the broker, the database or the model that somebody's shell names.
    for name in [one for one in os.environ if one.startswith(OTHERS_SETTINGS)]:
        del os.environ[name]
    # Nor the system that its user's contexts name.
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="onrecord-test-config-")
    config.add_cleanup(partial(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True))
    config.pluginmanager.register(choice_of_tests.ChoiceOfTests(config))
    config.pluginmanager.register(WhereTestsRun(lambda: labels(config), lambda: parts(config)))
    kind = kind_of_stack(config)
    config.stash[_why] = "as asked"
    if kind == AUTO:
        # Whoever asks from now on is told what it has come to.
        config.option.stack, config.stash[_why] = choose()
    if kind == APACHE:
        try:
            jars()
        except KafkaMissingError as error:
            raise pytest.UsageError(f"--stack={APACHE}: {error}") from error


def pytest_report_header(config: pytest.Config) -> str:
    return f"stack: {kind_of_stack(config)}, {config.stash[_why]}"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop before the first test if it cannot run where it is to run; other tests do not care."""
    config = session.config
    if kind_of_stack(config) != CONTAINERS or config.getoption("collectonly"):
        return
    if any(IN_CONTAINERS & set(getattr(item, "fixturenames", ())) for item in session.items):
        try:
            prepare(images())
        except NoContainersError as error:
            raise pytest.UsageError(str(error)) from error
