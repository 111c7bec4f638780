"""Stands for what is left of a message that is too large to be kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StubKind(StrEnum):
    """What the size and hash of a message that is not whole are of."""

    RECORD = "record"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Oversize:
    """What is known of a message that is too large.

    Attributes:
        kind: what size and hash are of: the record, or the batch it came in.
        size_bytes: of key, value and headers; of a batch, as the broker stores it.
        sha256: in hex; of a record as ``stubs.record_digest_hex`` computes it; of a batch, of
            its stored bytes from the attributes on, which is what its CRC covers.
        complaint: why it is too large, in one line for people.
        headers_left_out: how many of its headers are not there.
    """

    kind: StubKind
    size_bytes: int
    sha256: str
    complaint: str
    headers_left_out: int = 0


class OversizeValue(bytes):
    """The first bytes of a value that is not whole; none if they are unknown.

    Attributes:
        known: what is known of the message.
    """

    known: Oversize

    @classmethod
    def of(cls, known: Oversize, first_bytes: bytes = b"") -> OversizeValue:
        """A value of such a message."""
        value = cls(first_bytes)
        value.known = known
        return value
