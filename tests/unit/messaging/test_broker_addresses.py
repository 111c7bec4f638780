from __future__ import annotations

import pytest
from pydantic import ValidationError

from messaging import KafkaSettings


@pytest.mark.parametrize("told", ["localhost:9092", "a:1,b:65535", "a:9092, b:9092", "[::1]:9092"])
def test_takes_host_and_port_once_or_more(told: str) -> None:
    assert KafkaSettings(bootstrap_servers=told).bootstrap_servers == told


@pytest.mark.parametrize(
    "told", ["localhost", "localhost:", ":9092", "a:99092", "a:0", "a:x", "a:9092,", ","]
)
def test_refuses_what_is_no_address(told: str) -> None:
    with pytest.raises(ValidationError, match="is not host:port"):
        KafkaSettings(bootstrap_servers=told)
