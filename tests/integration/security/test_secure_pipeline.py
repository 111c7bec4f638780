"""The whole pipeline on a broker and a database that demand encryption and a login."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from local_stack.spec import find_stack_file
from local_stack.supervisor import LocalStack
from support.secure_kafka import PASSWORD as KAFKA_PASSWORD
from support.secure_kafka import SecureKafka
from support.secure_postgres import PASSWORD as POSTGRES_PASSWORD
from support.secure_postgres import SecurePostgres
from support.stack import QUICK_RETRIES, embedded_stack

ONRECORD: Final = Path(sys.executable).with_name("onrecord")
SAMPLES: Final = Path(__file__).resolve().parents[3] / "samples"
BROUGHT: Final = frozenset({"broker", "postgres", "roles"})
"""What is there already; there is one login for all services."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The local stack's file without the broker, the database and its logins."""
    whole = yaml.safe_load(find_stack_file({}).read_text(encoding="utf-8"))["processes"]
    kept: dict[str, Any] = {name: one for name, one in whole.items() if name not in BROUGHT}
    for process in kept.values():
        process["after"] = [name for name in process.get("after", ()) if name not in BROUGHT]
        process.get("env", {}).pop("POSTGRES_DSN", None)
    file = tmp_path_factory.mktemp("stack") / "stack.yaml"
    file.write_text(yaml.safe_dump({"processes": kept}, sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def env(closed_kafka: SecureKafka, closed_postgres: SecurePostgres) -> dict[str, str]:
    return closed_kafka.env() | closed_postgres.env()


@pytest.fixture(scope="module")
def secure_stack(services: Path, env: dict[str, str]) -> Iterator[LocalStack]:
    with embedded_stack(file=services, env=QUICK_RETRIES | env) as running:
        yield running


@pytest.fixture
def onrecord(secure_stack: LocalStack, env: dict[str, str]) -> Any:
    """Runs a command; what it printed as JSON."""
    outside = {"ONRECORD_HOME": str(secure_stack.home.path)}

    def run(*words: str) -> Any:
        ended = subprocess.run(
            [ONRECORD, *words, "--json"],
            env=os.environ | env | outside,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert_no_secret(ended.stdout + ended.stderr)
        return json.loads(ended.stdout)

    return run


def assert_no_secret(text: str) -> None:
    assert KAFKA_PASSWORD not in text
    assert POSTGRES_PASSWORD not in text


@pytest.mark.long
def test_samples_become_notes_over_encrypted_connections(onrecord: Any) -> None:
    onrecord("submit", str(SAMPLES), "--wait", "--timeout", "150")
    assert onrecord("notes")
    assert onrecord("audit", "--wait")["chunks"]


def test_every_service_is_ready_and_nothing_it_wrote_holds_a_secret(
    secure_stack: LocalStack, onrecord: Any
) -> None:
    states = secure_stack.status()
    assert {one.name for one in states if one.ready} >= {
        "ingestion",
        "enrichment",
        "guardrail",
        "persistence",
        "control",
    }
    assert_no_secret(repr(states))
    logs = sorted(secure_stack.home.logs.glob("*.log"))
    assert logs
    for log in logs:
        assert_no_secret(log.read_text(encoding="utf-8"))


async def test_nobody_speaks_to_the_database_in_the_clear(
    secure_stack: LocalStack, closed_postgres: SecurePostgres
) -> None:
    rows: Sequence[Any] = await closed_postgres.fetch(
        "SELECT ssl.ssl FROM pg_stat_activity AS one JOIN pg_stat_ssl AS ssl USING (pid) "
        "WHERE one.application_name LIKE 'onrecord%'"
    )
    assert rows
    assert all(row["ssl"] for row in rows)
