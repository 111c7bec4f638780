"""Skipping of tests whose tools are not installed."""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

SETTING: Final = "ONRECORD_REQUIRE_TOOLS"
"""Set in CI, where nothing may be skipped for want of a program."""


def missing(reason: str) -> NoReturn:
    """Skip the test with a reason; fail it where ``ONRECORD_REQUIRE_TOOLS`` is set."""
    if os.environ.get(SETTING):
        pytest.fail(f"{SETTING} is set, but {reason}")
    pytest.skip(reason)
