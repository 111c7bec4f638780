"""Database and brokers as administrators reach them: the environment's, or the local stack's.

Commands ask control. Backups cannot: a restoration is for when control has nothing to answer from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr, ValidationError

from configuration.settings_errors import list_settings_errors
from contracts.topics import CONTROL, PIPELINE
from database.logins import LOGINS
from database.settings import PostgresSettings
from local_stack.postgres import ROLE
from local_stack.state import StackFolder
from local_stack.supervisor import LocalStack
from messaging import KafkaSettings
from onrecord.connections import build_kafka_settings
from onrecord.console import show_stack_progress
from onrecord.errors import FailedError, UsageError
from onrecord.settings import DATABASE_SETTING, KAFKA_SETTING, ClientSettings, find_stack_folder

MIGRATOR: Final = "migrator"
"""The login of the local stack that owns the tables."""

NEEDED: Final = ("topics", "roles")
"""Processes of the local stack that a backup or a restoration needs, with what these need."""

SERVERS: Final = frozenset({"broker", "postgres"})


@dataclass(frozen=True, slots=True)
class AdministeredSystem:
    """How an administrator reaches a system's database and brokers.

    Attributes:
        postgres: the database, as the tables' owner.
        kafka: the brokers.
        place: what is meant, for people.
    """

    postgres: PostgresSettings
    kafka: KafkaSettings
    place: str


@contextmanager
def open_administered_system(
    environ: Mapping[str, str] = os.environ, *, stopped: bool = False, quiet: bool = False
) -> Iterator[AdministeredSystem]:
    """Find the system's database and brokers; those of a local stack are started if they are not.

    Args:
        environ: the environment. With ``POSTGRES_DSN`` that system is meant, else the local stack.
        stopped: whether the services have to be stopped; of a local stack it is known at once.
        quiet: show no progress of starting.

    Raises:
        UsageError: a setting is wrong, or one is missing.
        FailedError: services of the local stack are running.
        StackFailedError: the local stack cannot be started.
    """
    if environ.get(DATABASE_SETTING):
        if not environ.get(KAFKA_SETTING):
            raise UsageError(
                f"{DATABASE_SETTING} is set, and {KAFKA_SETTING} is not: a backup is of both"
            )
        postgres = _load_postgres_settings()
        kafka = build_kafka_settings(ClientSettings.load(environ))
        yield AdministeredSystem(postgres, kafka, postgres.place)
        return
    with _local_stack(environ, stopped=stopped, quiet=quiet) as system:
        yield system


def _load_postgres_settings() -> PostgresSettings:
    try:
        return PostgresSettings()
    except ValidationError as error:
        raise UsageError("; ".join(list_settings_errors(error))) from error


@contextmanager
def _local_stack(
    environ: Mapping[str, str], *, stopped: bool, quiet: bool
) -> Iterator[AdministeredSystem]:
    home = find_stack_folder(environ)
    folder = StackFolder(home)
    if not folder.data.is_dir():
        raise UsageError(
            f"there is no local stack in {home}, and {DATABASE_SETTING} names no database: set it, "
            f"to the login of the tables' owner, and {KAFKA_SETTING}"
        )
    running = folder.load().alive().keys()
    if stopped and (services := sorted(running & {*PIPELINE, CONTROL})):
        raise FailedError(
            f"services are running: {', '.join(services)}; `onrecord down` stops the stack"
        )
    # A demo keeps others from changing its stack, and may be backed up all the same.
    is_up = not stopped and running >= SERVERS
    ran = SERVERS & running
    if not is_up:
        with show_stack_progress("starting", quiet=quiet) as report:
            LocalStack(home, services=NEEDED, attached=False, report=report).start()
    try:
        ports = folder.load().ports
        login = LOGINS[MIGRATOR].role
        address = f"127.0.0.1:{ports['postgres']}/{ROLE}"
        kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports['broker']}")
        postgres = PostgresSettings(
            dsn=SecretStr(f"postgresql://{login}:{folder.password(MIGRATOR)}@{address}")
        )
        yield AdministeredSystem(postgres, kafka, str(home))
    finally:
        if not ran:
            with show_stack_progress("stopping", quiet=quiet) as report:
                LocalStack(home, attached=False, report=report).stop()
