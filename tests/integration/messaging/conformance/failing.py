"""A stage that fails as told, and the headers of messages that wait and of dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from contracts import headers as h
from contracts.topics import CHUNKS_READY
from messaging import Delivery, Record
from messaging.delivery import (
    Headers,
    MessageOrigin,
    append_headers,
    build_retry_headers,
    split_headers,
)
from support.broker import PROBE
from support.stages import Stage

ODD: Headers = (("a", b"1"), ("a", b"2"), ("raw", b"\xff\xfe"), ("empty", b""), (h.ADDED, b"3"))


class Failing:
    """A stage whose handler fails as told, and that remembers its deliveries."""

    def __init__(self, error: Callable[[], Exception | None]) -> None:
        self.stage = Stage(PROBE)
        self.seen: list[tuple[Record, Delivery]] = []
        self.at: list[float] = []

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record, delivery: Delivery) -> None:
            self.seen.append((record, delivery))
            self.at.append(time.monotonic())
            if (failure := error()) is not None:
                raise failure


def in_ms(seconds: float) -> int:
    """A moment from now, in milliseconds since the epoch."""
    return int((time.time() + seconds) * 1_000)


def waiting(delay_s: float, offset: int) -> Headers:
    """The headers of a message that waits in a retry topic."""
    delivery = Delivery(MessageOrigin("chunks-ready", 0, offset), attempts=1)
    return append_headers((), build_retry_headers(delivery, not_before_ms=in_ms(delay_s)))


def told(record: Any) -> dict[str, str]:
    """The headers that were added to a letter."""
    return {name: value.decode() for name, value in split_headers(record.headers)[1]}
