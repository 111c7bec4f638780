"""Description of messages that are too large to be kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DigestScope(StrEnum):
    """Scope of an oversize message's size and digest: one record, or its whole batch."""

    RECORD = "record"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class OversizeInfo:
    """Size and SHA-256 of a message that is too large, with the limit that it exceeds.

    Attributes:
        kind: what size and hash are of: the record, or the batch it came in.
        size_bytes: of key, value and headers; of a batch, as the broker stores it.
        sha256: in hex; of a record as ``stubs.compute_record_digest`` computes it; of a batch, of
            its stored bytes from the attributes on, which is what its CRC covers.
        complaint: why it is too large, in one line for people.
        headers_left_out: how many of its headers are not there.
    """

    kind: DigestScope
    size_bytes: int
    sha256: str
    complaint: str
    headers_left_out: int = 0


class OversizeValue(bytes):
    """Truncated value of a record that is too large; empty if its bytes could not be read.

    Attributes:
        known: what is known of the message.
    """

    known: OversizeInfo

    @classmethod
    def of(cls, known: OversizeInfo, first_bytes: bytes = b"") -> OversizeValue:
        """Return the value of an oversize message."""
        value = cls(first_bytes)
        value.known = known
        return value
