import pytest
from pydantic import SecretStr, ValidationError

from database.settings import PostgresSettings

DSN = "postgresql://onrecord:hunter2@db.example:5432/notes"


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_DSN", DSN)
    monkeypatch.setenv("POSTGRES_POOL_MAX_SIZE", "3")
    settings = PostgresSettings()
    assert settings.dsn.get_secret_value() == DSN
    assert settings.pool_max_size == 3


def test_never_shows_the_password() -> None:
    settings = PostgresSettings(dsn=SecretStr(DSN))
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_never_shows_the_password_of_a_dsn_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_DSN", "mysql://onrecord:hunter2@db.example/notes")
    with pytest.raises(ValidationError, match="must begin with postgresql://") as refusal:
        PostgresSettings()
    assert "hunter2" not in str(refusal.value)


def test_refuses_a_pool_that_is_smaller_than_its_least_size() -> None:
    with pytest.raises(ValidationError, match="POSTGRES_POOL_MIN_SIZE is above"):
        PostgresSettings(dsn=SecretStr(DSN), pool_min_size=5, pool_max_size=2)


def test_needs_a_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTGRES_DSN", raising=False)
    with pytest.raises(ValidationError, match="dsn"):
        PostgresSettings()
