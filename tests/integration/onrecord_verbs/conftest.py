"""Control, as commands reach it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from contracts import ids
from database.settings import PostgresSettings
from messaging import KafkaSettings
from support.served_control import TOKEN, in_a_thread, reading_api_in_a_thread


@pytest.fixture
def runs_plans() -> bool:
    """Whether plans that are started are run, too."""
    return True


@pytest.fixture
def control(
    broker: str,
    postgres_settings: PostgresSettings,
    runs_plans: bool,  # noqa: FBT001 - a fixture
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    prefix = f"{ids.derive_id('test', request.node.name).hex[:8]}-"
    kafka = KafkaSettings(bootstrap_servers=broker, topic_prefix=prefix)
    # Control's own log would come between what the command prints.
    with capture_logs(), in_a_thread(kafka, postgres_settings, runs_plans=runs_plans) as url:
        monkeypatch.setenv("ONRECORD_CONTROL_URL", url)
        monkeypatch.setenv("ONRECORD_TOKEN", TOKEN)
        yield


@pytest.fixture
def reading_api(
    postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Control's API without a broker, for verbs that touch no letter; an admin asks."""
    with capture_logs(), reading_api_in_a_thread(postgres_settings) as url:
        monkeypatch.setenv("ONRECORD_CONTROL_URL", url)
        monkeypatch.setenv("ONRECORD_TOKEN", TOKEN)
        monkeypatch.delenv("POSTGRES_DSN", raising=False)
        yield url
