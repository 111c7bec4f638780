"""Settings of an encrypted broker connection, before anything connects."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from faststream.security import SASLScram512
from pydantic import ValidationError

from configuration.files import UnusableFileError
from configuration.settings_errors import list_settings_errors
from contracts.errors import OutageError
from contracts.topics import ENRICHMENT
from messaging import KafkaSettings, ReliableKafkaBroker
from support.certificates import Authority, Identity

CANARY = "canary-4b1d"
LOGIN: dict[str, Any] = {
    "security_protocol": "SASL_SSL",
    "sasl_username": "onrecord",
    "sasl_password": CANARY,
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def ours(authority: Authority) -> Identity:
    return authority.identity("client")


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        KafkaSettings(**given)
    (line,) = list_settings_errors(refused.value)
    assert CANARY not in f"{line}{refused.value}"
    return line


def test_clients_get_the_login_and_check_the_broker(authority: Authority) -> None:
    options = KafkaSettings(**LOGIN, ssl_cafile=authority.certificate).client_options()
    context = options.pop("ssl_context")
    assert options == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "onrecord",
        "sasl_plain_password": CANARY,
    }
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert [one["subject"] for one in context.get_ca_certs()] == [
        ((("commonName", "test-authority"),),)
    ]


def test_without_a_file_the_systems_authorities_are_trusted() -> None:
    context = KafkaSettings(security_protocol="SSL").client_options()["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_password_may_stand_in_a_file_and_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n", encoding="utf-8")
    kafka = KafkaSettings(**LOGIN | {"sasl_password": "", "sasl_password_file": file})
    assert kafka.client_options()["sasl_plain_password"] == "first"
    file.write_text("second\n", encoding="utf-8")
    assert kafka.client_options()["sasl_plain_password"] == "second"


def test_a_file_that_is_gone_later_is_an_outage(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n", encoding="utf-8")
    kafka = KafkaSettings(**LOGIN | {"sasl_password": "", "sasl_password_file": file})
    file.unlink()
    with pytest.raises(UnusableFileError, match="KAFKA_SASL_PASSWORD_FILE: cannot read") as gone:
        kafka.client_options()
    assert isinstance(gone.value, OutageError)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SSL_CAFILE", "")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "")
    assert KafkaSettings().security_protocol == "PLAINTEXT"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"security_protocol": "SASL_SSL"},
            "KAFKA_SASL_USERNAME is not set: KAFKA_SECURITY_PROTOCOL=SASL_SSL needs it",
        ),
        (
            LOGIN | {"sasl_password": ""},
            (
                "KAFKA_SASL_PASSWORD is not set: KAFKA_SECURITY_PROTOCOL=SASL_SSL needs it, "
                "or KAFKA_SASL_PASSWORD_FILE"
            ),
        ),
        (
            LOGIN | {"sasl_password_file": "/secret"},
            "KAFKA_SASL_PASSWORD and KAFKA_SASL_PASSWORD_FILE are both set: unset one",
        ),
        (
            LOGIN | {"security_protocol": "PLAINTEXT"},
            (
                "KAFKA_SASL_USERNAME is set, but KAFKA_SECURITY_PROTOCOL=PLAINTEXT does not use "
                "it: set KAFKA_SECURITY_PROTOCOL=SASL_SSL"
            ),
        ),
        (
            {"ssl_cafile": "/ca.pem"},
            (
                "KAFKA_SSL_CAFILE is set, but KAFKA_SECURITY_PROTOCOL=PLAINTEXT does not use it: "
                "set KAFKA_SECURITY_PROTOCOL=SSL"
            ),
        ),
        (
            {"security_protocol": "SSL", "ssl_keyfile": "/key.pem"},
            "KAFKA_SSL_CERTFILE is not set, but its private key is: set both",
        ),
        (
            {"security_protocol": "SSL", "ssl_cafile": "/nowhere/ca.pem"},
            "KAFKA_SSL_CAFILE: cannot read /nowhere/ca.pem (No such file or directory)",
        ),
        (
            {"security_protocol": "SSL", "ssl_certfile": "/nowhere/own.pem"},
            "KAFKA_SSL_CERTFILE: cannot read /nowhere/own.pem (No such file or directory)",
        ),
        (
            LOGIN | {"sasl_password": "", "sasl_password_file": "/nowhere/secret"},
            "KAFKA_SASL_PASSWORD_FILE: cannot read /nowhere/secret (No such file or directory)",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_says_in_one_line_which_variable_to_set(given: dict[str, Any], line: str) -> None:
    assert refusal(**given) == line


def test_says_which_file_is_not_what_it_should_be(ours: Identity, tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate", encoding="utf-8")
    assert refusal(security_protocol="SSL", ssl_cafile=text) == (
        f"KAFKA_SSL_CAFILE: {text} holds no certificate in PEM form"
    )
    assert refusal(security_protocol="SSL", ssl_certfile=ours.certificate).startswith(
        f"KAFKA_SSL_CERTFILE, KAFKA_SSL_KEYFILE: {ours.certificate} holds no private key"
    )


def test_says_when_the_key_is_not_the_certificates(authority: Authority, ours: Identity) -> None:
    other = authority.identity("other")
    line = refusal(security_protocol="SSL", ssl_certfile=ours.certificate, ssl_keyfile=other.key)
    assert line == (
        f"KAFKA_SSL_CERTFILE, KAFKA_SSL_KEYFILE: {other.key} is the key of another certificate"
    )


def test_says_when_the_keys_password_is_missing_or_wrong(
    authority: Authority, ours: Identity
) -> None:
    locked = ours.locked("opens-it")
    both: dict[str, Any] = {
        "security_protocol": "SSL",
        "ssl_certfile": ours.certificate,
        "ssl_keyfile": locked,
    }
    KafkaSettings(**both, ssl_key_password="opens-it")
    for password in ("", CANARY):
        line = refusal(**both, ssl_key_password=password)
        assert line.endswith("holds no private key in PEM form that the password, if any, opens")


def test_secrets_are_never_shown(authority: Authority, ours: Identity) -> None:
    kafka = KafkaSettings(
        **LOGIN,
        ssl_cafile=authority.certificate,
        ssl_certfile=ours.certificate,
        ssl_keyfile=ours.locked(CANARY),
        ssl_key_password=CANARY,
    )
    assert CANARY not in f"{kafka!r} {kafka} {kafka.model_dump()} {kafka.model_dump_json()}"


def test_faststreams_security_object_takes_the_place_of_the_settings() -> None:
    security = SASLScram512("someone", CANARY, use_ssl=False)
    broker = ReliableKafkaBroker("kafka:9092", service=ENRICHMENT, security=security)
    options = broker.kafka.client_options()
    assert options["bootstrap_servers"] == ["kafka:9092"]
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"] == CANARY
    assert options["security_protocol"] == "SASL_PLAINTEXT"
