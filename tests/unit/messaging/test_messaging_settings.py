from __future__ import annotations

import pytest
from pydantic import ValidationError

from contracts.topics import RETRY_DELAYS_S
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings, StageSettings


def test_retry_delays_are_read_from_a_comma_separated_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENRICHMENT_RETRY_DELAYS_S", "1, 2.5")
    assert EnrichmentSettings().retry_delays_s == (1.0, 2.5)


def test_an_empty_list_means_no_retry_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENRICHMENT_RETRY_DELAYS_S", "")
    assert EnrichmentSettings().retry_delays_s == ()


def test_the_declared_delays_are_the_default() -> None:
    assert StageSettings().retry_delays_s == RETRY_DELAYS_S[1:]


@pytest.mark.parametrize("value", ["1,x", "1,2,3,4"])
def test_delays_that_are_no_numbers_or_too_many_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ENRICHMENT_RETRY_DELAYS_S", value)
    with pytest.raises(ValidationError, match="retry_delays_s"):
        EnrichmentSettings()


def test_the_prefix_goes_before_topics_and_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", "team-")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2")
    kafka = KafkaSettings()
    assert kafka.topic("chunks-ready") == "team-chunks-ready"
    assert kafka.client_options() == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }
