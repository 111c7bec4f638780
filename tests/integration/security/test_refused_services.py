"""Services and commands with a wrong password or a wrong authority: unready, with one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.certificates import Authority
from support.secure_kafka import PASSWORD as KAFKA_PASSWORD
from support.secure_kafka import SecureKafka
from support.secure_postgres import PASSWORD as POSTGRES_PASSWORD
from support.secure_postgres import SecurePostgres
from support.service_process import service_process

WRONG = "canary-wrong-5e0c"
SECRETS = (WRONG, KAFKA_PASSWORD, POSTGRES_PASSWORD)
ONRECORD = Path(sys.executable).with_name("onrecord")
SAMPLES = Path(__file__).resolve().parents[3] / "samples"


@pytest.fixture
def env(closed_kafka: SecureKafka, closed_postgres: SecurePostgres) -> dict[str, str]:
    return closed_kafka.env() | closed_postgres.env()


@pytest.fixture
def wrong(
    request: pytest.FixtureRequest, closed_postgres: SecurePostgres, stranger: Authority
) -> dict[str, str]:
    given: dict[str, dict[str, str]] = {
        "Kafka's password": {"KAFKA_SASL_PASSWORD": WRONG},
        "Kafka's authority": {"KAFKA_SSL_CAFILE": str(stranger.certificate)},
        "PostgreSQL's password": {"POSTGRES_DSN": closed_postgres.dsn(password=WRONG)},
        "PostgreSQL's authority": {"POSTGRES_SSLROOTCERT": str(stranger.certificate)},
    }
    return given[request.param]


OF_KAFKA = [
    ("Kafka's password", "check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"),
    ("Kafka's authority", "check KAFKA_SSL_CAFILE"),
]
OF_POSTGRESQL = [
    ("PostgreSQL's password", "check user and password in POSTGRES_DSN"),
    ("PostgreSQL's authority", "check POSTGRES_SSLROOTCERT"),
]


@pytest.mark.parametrize(("wrong", "message"), OF_KAFKA + OF_POSTGRESQL, indirect=["wrong"])
async def test_a_service_is_unready_and_says_once_what_to_look_at(
    env: dict[str, str], wrong: dict[str, str], message: str, tmp_path: Path
) -> None:
    with service_process("persistence", env | wrong, tmp_path) as service:
        reason = await service.waits_for(message)
    events = service.events()
    assert [one["event"] for one in events] == ["started", "waiting", "stopping", "stopped"]
    assert events[1]["reason"] == reason
    assert not [secret for secret in SECRETS if secret in service.written() + reason]


@pytest.mark.parametrize(("wrong", "message"), OF_KAFKA, indirect=["wrong"])
def test_a_producers_command_ends_with_3_and_one_line(
    env: dict[str, str], wrong: dict[str, str], message: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [ONRECORD, "submit", str(SAMPLES)],
        env=os.environ | env | wrong | {"ONRECORD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert "onrecord up" not in ended.stderr
    assert not [secret for secret in SECRETS if secret in ended.stderr]


def test_topics_and_migrations_end_with_3_and_one_line(
    env: dict[str, str], closed_postgres: SecurePostgres
) -> None:
    wrong = {
        "KAFKA_SASL_PASSWORD": WRONG,
        "POSTGRES_DSN": closed_postgres.dsn(password=WRONG),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for words, message in (
        (["messaging", "topics", "create"], "KAFKA_SASL"),
        (["database", "migrate"], "POSTGRES_DSN"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", *words],
            env=os.environ | env | wrong,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 3, ended.stderr
        assert ended.stderr.count("\n") == 1
        assert message in ended.stderr
        assert WRONG not in ended.stdout + ended.stderr
