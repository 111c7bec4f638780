"""Settings of an encrypted database connection, before anything connects."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from configuration.settings_errors import list_settings_errors
from database.settings import PostgresSettings
from support.certificates import Authority

CANARY = "canary-77c2"
DSN = f"postgresql://onrecord:{CANARY}@db.example:5432/notes"
OPEN = "postgresql://onrecord@db.example:5432/notes"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("authority")).certificate


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        PostgresSettings(**given)
    (line,) = list_settings_errors(refused.value)
    assert CANARY not in f"{line}{refused.value}"
    return line


@pytest.mark.parametrize(
    ("mode", "verify", "hostname"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_a_mode_says_what_is_checked(mode: str, verify: ssl.VerifyMode, hostname: bool) -> None:  # noqa: FBT001 - a column of the table
    context = PostgresSettings(dsn=DSN, sslmode=mode).connect_options()["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verify, hostname)


def test_modes_without_certificates_are_the_drivers() -> None:
    assert PostgresSettings(dsn=DSN, sslmode="disable").connect_options()["ssl"] == "disable"
    assert "ssl" not in PostgresSettings(dsn=DSN).connect_options()


def test_the_uri_may_name_the_mode(ca: Path) -> None:
    settings = PostgresSettings(dsn=f"{DSN}?sslmode=verify-full", sslrootcert=ca)
    assert settings.connect_options()["ssl"].check_hostname


def test_the_password_may_stand_outside_the_uri(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-a-file\n", encoding="utf-8")
    in_file = PostgresSettings(dsn=OPEN, password_file=file).connect_options()["password"]
    assert in_file() == "from-a-file"
    file.write_text("rotated\n", encoding="utf-8")
    assert in_file() == "rotated"
    assert PostgresSettings(dsn=OPEN, password="p").connect_options()["password"] == "p"


def test_the_password_in_the_uri_goes_first() -> None:
    # The image of PostgreSQL has a POSTGRES_PASSWORD as well, for another user perhaps.
    assert "password" not in PostgresSettings(dsn=DSN, password="other").connect_options()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"sslmode": "require", "sslrootcert": "/ca.pem"},
            (
                "POSTGRES_SSLROOTCERT is set, but POSTGRES_SSLMODE=require does not use it: "
                "set POSTGRES_SSLMODE=verify-full"
            ),
        ),
        (
            {"sslcert": "/own.pem"},
            (
                "POSTGRES_SSLCERT is set, but POSTGRES_SSLMODE=prefer does not use it: "
                "set POSTGRES_SSLMODE=verify-full"
            ),
        ),
        (
            {"sslmode": "verify-full", "sslrootcert": "/nowhere/ca.pem"},
            "POSTGRES_SSLROOTCERT: cannot read /nowhere/ca.pem (No such file or directory)",
        ),
        (
            {"sslmode": "verify-full", "sslkey": "/own.key"},
            "POSTGRES_SSLCERT is not set, but its private key is: set both",
        ),
        (
            {"password_file": "/nowhere/secret"},
            (
                "POSTGRES_PASSWORD_FILE is set, and another password is too, in POSTGRES_PASSWORD "
                "or in the URI: keep one"
            ),
        ),
        (
            {"dsn": OPEN, "password": "p", "password_file": "/nowhere/secret"},
            (
                "POSTGRES_PASSWORD_FILE is set, and another password is too, in POSTGRES_PASSWORD "
                "or in the URI: keep one"
            ),
        ),
        (
            {"dsn": f"{OPEN}?sslmode=verify-full&sslrootcert=/ca.pem"},
            "POSTGRES_DSN: names sslrootcert: set POSTGRES_SSLROOTCERT in its place",
        ),
        (
            {"dsn": f"{OPEN}?sslmode=verify-full&sslpassword={CANARY}"},
            "POSTGRES_DSN: names sslpassword: set POSTGRES_SSL_KEY_PASSWORD in its place",
        ),
        (
            {"dsn": f"{OPEN}?sslmode=verify-full&sslcrl=/revoked.pem"},
            "POSTGRES_DSN: names sslcrl, which would not be used: leave it out",
        ),
        (
            {"dsn": f"{OPEN}?sslmode=verify-full&sslmode=disable"},
            (
                "POSTGRES_DSN: may name one sslmode, of disable, prefer, require, verify-ca, "
                "verify-full"
            ),
        ),
        (
            {"dsn": f"{OPEN}?sslmode=bogus"},
            (
                "POSTGRES_DSN: may name one sslmode, of disable, prefer, require, verify-ca, "
                "verify-full"
            ),
        ),
        (
            {"dsn": OPEN, "password_file": "/nowhere/secret"},
            "POSTGRES_PASSWORD_FILE: cannot read /nowhere/secret (No such file or directory)",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_says_in_one_line_which_variable_to_set(given: dict[str, Any], line: str) -> None:
    assert refusal(**{"dsn": DSN} | given) == line


def test_a_mode_in_the_uri_trusts_the_systems_authorities_as_the_setting_does() -> None:
    context = PostgresSettings(dsn=f"{DSN}?sslmode=verify-full").connect_options()["ssl"]
    assert context.check_hostname


UNCLEAR = (
    "POSTGRES_DSN: is no URI that can be taken apart, with ports up to 65535: write special "
    "characters in the user name or the password as %xx, such as %23 for #"
)


@pytest.mark.parametrize("port", ["99999", "0", "65536", "abc"])
@pytest.mark.parametrize(
    "uri", ["//db.example:{}/notes", "///x?host=db:{}", "///x?host=db&port={}"]
)
def test_a_port_that_cannot_be_is_refused(uri: str, port: str) -> None:
    assert refusal(dsn=f"postgresql:{uri.format(port)}") == UNCLEAR


def test_several_hosts_folders_and_bracketed_addresses_are_taken() -> None:
    for hosts in ("a:1,b:65535", "[::1]:5432", "", "a,b"):
        assert (
            PostgresSettings(dsn=f"postgresql://u@{hosts}/x").place == f"{hosts or 'localhost'}/x"
        )
    folder = PostgresSettings(dsn="postgresql:///x?host=/run/a:b&port=5433")
    assert folder.place == "/run/a:b/x"
    assert refusal(dsn="postgresql://a,/x") == UNCLEAR


def test_tells_the_host_that_the_driver_takes() -> None:
    assert PostgresSettings(dsn="postgresql:///x?host=a&host=b").place == "b/x"


def test_a_password_that_is_taken_for_a_parameter_is_not_told() -> None:
    assert refusal(dsn=f"{OPEN}?sslmode=require&{CANARY}") == UNCLEAR


@pytest.mark.parametrize(
    "sign", ["#", "/", "?", "#1@", "1/", "[", ":/", "[x]", "\u2100", "1?", "@", "@b:"]
)
def test_a_password_that_breaks_the_uri_is_not_taken_for_a_port_and_told(sign: str) -> None:
    dsn = f"postgresql://onrecord:{CANARY}{sign}{CANARY}@db.example/notes"
    assert refusal(dsn=dsn) == UNCLEAR


def test_digits_before_such_a_sign_are_not_taken_for_a_port() -> None:
    for sign in "?/#@":
        assert refusal(dsn=f"postgresql://onrecord:123{sign}x@db.example/notes") == UNCLEAR


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = PostgresSettings(dsn=DSN, password=CANARY)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert CANARY not in shown
    assert settings.place == "db.example:5432/notes"
