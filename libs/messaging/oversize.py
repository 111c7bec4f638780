"""Stands for records that were not read, because their batch is larger than allowed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OversizeBatch:
    """A batch that has more bytes after decompression than are allowed.

    Attributes:
        limit_bytes: how many are allowed; it has more.
        stored_bytes: its size as the broker has it.
        sha256: in hex, of its stored bytes from the attributes on, which is what its CRC covers.
        records: how many records it has.
    """

    limit_bytes: int
    stored_bytes: int
    sha256: str
    records: int


class OversizeValue(bytes):
    """The first bytes of a value whose batch is larger than allowed; none if they are unknown.

    Attributes:
        batch: what is known of it.
    """

    batch: OversizeBatch

    @classmethod
    def of(cls, batch: OversizeBatch, first_bytes: bytes = b"") -> OversizeValue:
        """A value of this batch."""
        value = cls(first_bytes)
        value.batch = batch
        return value
