"""What is said when a broker or a database refuses us, or is not the one we trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from database.errors import DatabaseAccessDeniedError, DatabaseUnavailableError
from database.pool import open_database
from database.settings import PostgresSettings
from local_stack.supervisor import LocalStack
from messaging import KafkaAccessDeniedError, KafkaSettings, KafkaUnavailableError, Publisher
from messaging.kafka.admin import open_admin_client, wait_for_broker
from support.broker import free_port
from support.certificates import Authority
from support.secure_kafka import PASSWORD as KAFKA_PASSWORD
from support.secure_kafka import SecureKafka
from support.secure_postgres import CERTIFIED, SecurePostgres
from support.secure_postgres import PASSWORD as POSTGRES_PASSWORD
from support.stack import as_superuser

WRONG = "canary-wrong-5e0c"


async def kafka_says(kafka: KafkaSettings) -> str:
    """What every kind of client says, which has to be the same."""
    text = set()
    with pytest.raises(KafkaUnavailableError) as refused:
        async with open_admin_client(kafka):
            pass
    text.add(str(refused.value))
    with pytest.raises(KafkaUnavailableError) as refused:
        async with Publisher(kafka, source="/test"):
            pass
    text.add(str(refused.value))
    assert len(text) == 1
    assert WRONG not in "".join(text)
    return text.pop()


async def postgres_says(**given: Any) -> str:
    with pytest.raises(DatabaseUnavailableError) as refused:
        async with open_database(PostgresSettings(**given)):
            pass
    assert WRONG not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_kafka_lets_in_who_has_the_password(
    closed_kafka: SecureKafka, mechanism: str
) -> None:
    await wait_for_broker(closed_kafka.user(sasl_mechanism=mechanism), 5)


async def test_kafka_lets_in_who_has_a_certificate(closed_kafka: SecureKafka) -> None:
    await wait_for_broker(closed_kafka.with_certificate(), 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sasl_password": WRONG},
            "refuses the login of 'onrecord'; check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
        ),
        (
            {"sasl_username": "nobody"},
            "refuses the login of 'nobody'; check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
        ),
        (
            {"sasl_mechanism": "PLAIN"},
            "does not offer PLAIN; check KAFKA_SASL_MECHANISM",
        ),
        (
            {"ssl_cafile": None},
            (
                "shows a certificate that is not trusted (unable to get local issuer certificate); "
                "check KAFKA_SSL_CAFILE"
            ),
        ),
    ],
    ids=["password", "user", "mechanism", "system authorities"],
)
async def test_kafka_refuses_and_we_say_what_to_look_at(
    closed_kafka: SecureKafka, changes: dict[str, Any], message: str
) -> None:
    text = await kafka_says(closed_kafka.user(**changes))
    assert text == f"the broker at {closed_kafka.servers} {message}"


async def test_a_refused_login_is_not_waited_for(closed_kafka: SecureKafka) -> None:
    with pytest.raises(KafkaAccessDeniedError):
        await wait_for_broker(closed_kafka.user(sasl_password=WRONG), 3_600)


async def test_a_broker_of_another_authority_is_not_trusted(
    closed_kafka: SecureKafka, stranger: Authority
) -> None:
    text = await kafka_says(closed_kafka.user(ssl_cafile=stranger.certificate))
    assert "is not trusted" in text
    assert text.endswith("; check KAFKA_SSL_CAFILE")


async def test_a_broker_by_another_name_is_not_trusted(closed_kafka: SecureKafka) -> None:
    elsewhere = closed_kafka.servers.replace("127.0.0.1", "localhost")
    text = await kafka_says(closed_kafka.user(bootstrap_servers=elsewhere))
    assert text.endswith(
        "for another host name; check the name in KAFKA_BOOTSTRAP_SERVERS and those in the "
        "certificate"
    )


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT", "SSL"])
async def test_a_broker_that_hangs_up_wants_another_protocol(
    closed_kafka: SecureKafka, protocol: str
) -> None:
    given: dict[str, Any] = {"security_protocol": protocol}
    if protocol == "SASL_PLAINTEXT":
        given |= {"sasl_username": "onrecord", "sasl_password": "whatever"}
    if protocol == "SSL":
        given |= {"ssl_cafile": closed_kafka.authority.certificate}
    text = await kafka_says(KafkaSettings(bootstrap_servers=closed_kafka.servers, **given))
    assert f"hangs up on our {protocol} connection" in text
    assert "check KAFKA_SECURITY_PROTOCOL" in text


async def test_a_broker_that_wants_a_certificate_is_told_apart(closed_kafka: SecureKafka) -> None:
    text = await kafka_says(closed_kafka.with_certificate(ssl_certfile=None, ssl_keyfile=None))
    assert "KAFKA_SSL_CERTFILE" in text


async def test_encryption_where_the_broker_has_none_is_said_so(broker: str) -> None:
    kafka = KafkaSettings(bootstrap_servers=broker, security_protocol="SSL")
    assert "check KAFKA_SECURITY_PROTOCOL" in await kafka_says(kafka)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_postgres_is_spoken_to_with_encryption(
    closed_postgres: SecurePostgres, mode: str
) -> None:
    ca: dict[str, Any] = (
        {} if mode == "require" else {"sslrootcert": closed_postgres.authority.certificate}
    )
    settings = PostgresSettings(dsn=closed_postgres.dsn(), sslmode=mode, **ca)
    async with open_database(settings) as database:
        query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert (await database.fetchval(query)).startswith("TLSv1.")


async def test_passwords_are_read_from_files(
    closed_kafka: SecureKafka, closed_postgres: SecurePostgres, tmp_path: Path
) -> None:
    kafka, postgres = tmp_path / "kafka", tmp_path / "postgres"
    kafka.write_text(f"{KAFKA_PASSWORD}\n", encoding="utf-8")
    postgres.write_text(f"{POSTGRES_PASSWORD}\n", encoding="utf-8")
    await wait_for_broker(closed_kafka.user(sasl_password="", sasl_password_file=kafka), 5)
    dsn = closed_postgres.dsn_without_password()
    settings = closed_postgres.user(dsn=dsn, password_file=postgres)
    async with open_database(settings) as database:
        await database.ping()
    postgres.write_text(WRONG, encoding="utf-8")
    assert "refuses the login" in await postgres_says(dsn=dsn, password_file=postgres)


async def test_postgres_lets_in_who_has_a_certificate(closed_postgres: SecurePostgres) -> None:
    dsn = closed_postgres.dsn_without_password(CERTIFIED)
    ours = closed_postgres.authority.identity(CERTIFIED)
    settings = closed_postgres.user(dsn=dsn, sslcert=ours.certificate, sslkey=ours.key)
    async with open_database(settings) as database:
        assert await database.fetchval("SELECT current_user") == CERTIFIED
    assert (await postgres_says(dsn=dsn, sslmode="require")).endswith("; check POSTGRES_SSLCERT")


async def test_postgres_of_another_authority_is_not_trusted(
    closed_postgres: SecurePostgres, stranger: Authority
) -> None:
    for mode in ("verify-ca", "verify-full"):
        text = await postgres_says(
            dsn=closed_postgres.dsn(), sslmode=mode, sslrootcert=stranger.certificate
        )
        assert "shows a certificate that is not trusted" in text
        assert text.endswith("; check POSTGRES_SSLROOTCERT")


async def test_postgres_by_another_name_is_not_trusted_with_verify_full(
    closed_postgres: SecurePostgres,
) -> None:
    given: dict[str, Any] = {
        "dsn": closed_postgres.dsn(host="localhost"),
        "sslrootcert": closed_postgres.authority.certificate,
    }
    text = await postgres_says(sslmode="verify-full", **given)
    assert "for another host name; check the name in POSTGRES_DSN" in text
    async with open_database(PostgresSettings(sslmode="verify-ca", **given)) as database:
        await database.ping()


async def test_postgres_refuses_a_password_and_we_say_where_it_stands(
    closed_postgres: SecurePostgres,
) -> None:
    for more in (
        {},
        {"sslmode": "verify-full", "sslrootcert": closed_postgres.authority.certificate},
    ):
        text = await postgres_says(dsn=closed_postgres.dsn(password=WRONG), **more)
        assert "refuses the login (password authentication failed for user" in text
        assert text.endswith("check user and password in POSTGRES_DSN or POSTGRES_PASSWORD_FILE")


async def test_postgres_that_wants_encryption_says_so(closed_postgres: SecurePostgres) -> None:
    text = await postgres_says(dsn=closed_postgres.dsn(), sslmode="disable")
    assert text.endswith("check POSTGRES_SSLMODE, which is disable")


async def test_postgres_that_cannot_encrypt_is_said_so(stack_home: Path) -> None:
    stack = LocalStack(stack_home, services=["postgres"])  # its wheel is built without encryption
    stack.start()
    try:
        dsn = as_superuser(stack).dsn.get_secret_value()
        text = await postgres_says(dsn=dsn, sslmode="require")
    finally:
        stack.stop()
    assert text.endswith("does not encrypt; check POSTGRES_SSLMODE, which is require")


async def test_postgres_that_is_not_there_is_unavailable_and_no_refusal() -> None:
    dsn = f"postgresql://onrecord:{WRONG}@127.0.0.1:{free_port()}/onrecord"
    with pytest.raises(DatabaseUnavailableError, match=r"\(Connection refused\); check") as refused:
        async with open_database(PostgresSettings(dsn=dsn, sslmode="require")):
            pass
    assert not isinstance(refused.value, DatabaseAccessDeniedError)
    assert WRONG not in str(refused.value)
