"""Bounds what one poll decompresses and hands out, in bytes, over all partitions."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from messaging.limits import POLL_BYTES


class PollSize:
    """Counts what was read since the event loop had its last turn, as one poll is read in one."""

    def __init__(self) -> None:
        self._begun = False
        self._decompressed = 0
        self._handed_out = 0

    @property
    def is_full(self) -> bool:
        """Whether no other batch is to be decompressed."""
        return self._decompressed > POLL_BYTES

    @property
    def is_enough(self) -> bool:
        """Whether no other record is to be handed out, of batches begun in earlier polls either."""
        return self._handed_out > POLL_BYTES

    def decompress(self, size: int) -> None:
        """Count a batch of so many bytes after decompression."""
        if self._begun or self._begin():
            self._decompressed += size

    def hand_out(self, record: Any) -> None:
        """Count a record as aiokafka hands it out."""
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


POLL: Final = PollSize()
"""The poll of this process: aiokafka reads without a pause whatever one brings."""
