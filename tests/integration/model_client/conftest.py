"""Fixtures of the model client's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.loop_clock import LoopClock


@pytest.fixture
async def clock() -> AsyncIterator[LoopClock]:
    """The clock by which the client waits."""
    clock = LoopClock(asyncio.get_running_loop())
    yield clock
    clock.restore()
