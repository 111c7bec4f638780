"""A limit on the bytes that one poll decompresses and returns, over all partitions."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from messaging.limits import POLL_BYTES


class PollBudget:
    """Limit on the bytes that one poll of the Kafka consumer may return."""

    def __init__(self) -> None:
        self._begun = False
        self._decompressed = 0
        self._handed_out = 0

    @property
    def is_full(self) -> bool:
        """Whether no other batch may be decompressed."""
        return self._decompressed > POLL_BYTES

    @property
    def is_enough(self) -> bool:
        """Whether no other record may be returned, even of batches opened in earlier polls."""
        return self._handed_out > POLL_BYTES

    def decompress(self, size: int) -> None:
        """Count a batch, by its bytes after decompression."""
        if self._begun or self._begin():
            self._decompressed += size

    def hand_out(self, record: Any) -> None:
        """Count a record that aiokafka returns."""
        if self._begun or self._begin():
            size = sum([len(value) for _, value in record.headers if value])
            self._handed_out += record.serialized_key_size + record.serialized_value_size + size

    def _begin(self) -> bool:
        try:
            asyncio.get_running_loop().call_soon(self._end)
        except RuntimeError:  # without a loop, nobody polls
            return False
        self._begun = True
        return True

    def _end(self) -> None:
        self._begun = False
        self._decompressed = self._handed_out = 0


POLL_BUDGET: Final = PollBudget()
"""The budget of this process: aiokafka reads all of a poll in one turn of the event loop."""
