"""Skipping of tests whose tools are not installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NoReturn

import pytest

from support.kafka_jars import KafkaMissingError, jars

SETTING: Final = "ONRECORD_REQUIRE_TOOLS"
"""Set in CI, where nothing may be skipped for want of a program."""


def missing(reason: str) -> NoReturn:
    """Skip the test with a reason; fail it where ``ONRECORD_REQUIRE_TOOLS`` is set."""
    if os.environ.get(SETTING):
        pytest.fail(f"{SETTING} is set, but {reason}")
    pytest.skip(reason)


def require_kafka_jars() -> Path:
    """Return the folder of Apache Kafka's jars; without them the test is skipped, or fails."""
    try:
        return jars()
    except KafkaMissingError as error:
        missing(str(error))
