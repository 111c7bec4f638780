"""Stub letters: dead letters for messages that do not fit into the DLQ whole.

A stub has the beginning of the message, and in added headers its size, its hash and, as every
letter, where it was read first. While the message is still at that place, a replay fetches it from
there, and the hash proves that it is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from contracts import headers as h
from messaging.consumer.oversize import DigestScope, OversizeInfo, OversizeValue
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, Record, get_header_number, get_header_text

FIRST_BYTES: Final = 4 * 1024
"""Most bytes of a value that a stub letter keeps."""

KEY_BYTES: Final = 1024
"""Most bytes of a key that a stub letter keeps."""

HEADERS_BYTES: Final = 16 * 1024
"""Most bytes of original headers that a stub letter keeps; those that do not fit are left out."""


@dataclass(frozen=True, slots=True)
class DeadLetterStub:
    """Replacement for a message that is too large for the DLQ: first bytes, size and digest.

    Attributes:
        kind: what ``size_bytes`` and ``sha256`` are of: the record, or the batch it came in, which
            was not read because it has more bytes after decompression than are allowed.
        size_bytes: of key, value and headers; of a batch, as the broker stores it.
        sha256: in hex; for a record as ``compute_record_digest`` computes it.
        key: the first bytes of the key; None if there is none, or it is unknown.
        value: the first bytes of the value; None if there is none.
        headers: the original ones, as far as they fit.
        headers_left_out: how many did not.
    """

    kind: DigestScope
    size_bytes: int
    sha256: str
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()
    headers_left_out: int = 0

    @property
    def without_content(self) -> DeadLetterStub:
        """The same stub without key, value and headers of the message."""
        left_out = self.headers_left_out + len(self.headers)
        return replace(self, key=None, value=None, headers=(), headers_left_out=left_out)

    @property
    def added_headers(self) -> Headers:
        """The headers that describe the stub; they follow those of every dead letter."""
        added = [
            (h.STUB, self.kind.value),
            (h.STUB_SIZE, str(self.size_bytes)),
            (h.STUB_SHA256, self.sha256),
        ]
        if self.headers_left_out:
            added.append((h.STUB_HEADERS_LEFT_OUT, str(self.headers_left_out)))
        return tuple((name, value.encode()) for name, value in added)


def build_dead_letter_stub(record: Record) -> DeadLetterStub:
    """Build the truncated record to write to the DLQ for a message that is too large for it."""
    known = describe_oversize_record(record)
    headers = select_headers_that_fit(record.headers)
    return DeadLetterStub(
        known.kind,
        known.size_bytes,
        known.sha256,
        key=record.key and record.key[:KEY_BYTES],
        value=record.value and bytes(record.value[:FIRST_BYTES]),
        headers=headers,
        headers_left_out=known.headers_left_out + len(record.headers) - len(headers),
    )


def truncate_record(record: Record, complaint: str) -> Record:
    """Return a record with its value truncated, and only those headers that fit a size limit.

    Args:
        record: the whole one.
        complaint: why it is too large.
    """
    headers = select_headers_that_fit(record.headers)
    known = replace(
        describe_oversize_record(record),
        complaint=complaint,
        headers_left_out=len(record.headers) - len(headers),
    )
    value = OversizeValue.of(known, bytes((record.value or b"")[:FIRST_BYTES]))
    return replace(record, value=value, headers=headers)


def describe_oversize_record(record: Record) -> OversizeInfo:
    """Return the size and digest of a too large record, with the limit that it exceeds."""
    if isinstance(record.value, OversizeValue):
        return record.value.known
    return OversizeInfo(
        DigestScope.RECORD, compute_record_size(record), compute_record_digest(record), ""
    )


def read_stub_headers(added: Headers) -> DeadLetterStub | None:
    """Read the original size and digest from a dead letter's headers; None if it is whole.

    Returns:
        None if the letter has its message whole.
    """
    kind = get_header_text(added, h.STUB)
    if kind not in set(DigestScope):
        return None
    sha = get_header_text(added, h.STUB_SHA256) or ""
    return DeadLetterStub(DigestScope(kind), get_header_number(added, h.STUB_SIZE, 0), sha)


def compute_record_size(record: Record) -> int:
    """Return the size of a record's key, value and headers in bytes."""
    parts = sum(len(name.encode(*_NAMES)) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + parts


def compute_record_digest(record: Record) -> str:
    """Return the SHA-256 of a record's key, value and headers, in hex."""
    return digest_record(record.key, record.value, record.headers).hex()


# A header's name may be any bytes; those that are no UTF-8 are kept as lone surrogates.
_NAMES: Final = ("utf-8", "surrogateescape")


def select_headers_that_fit(headers: Headers, room: int = HEADERS_BYTES) -> Headers:
    """Return the first headers whose names and values fit into ``room`` bytes."""
    # A character is four bytes at most: nearly always, all fit and none is to be encoded.
    if sum([4 * len(name) + len(value or b"") for name, value in headers]) <= room:
        return headers
    kept: list[tuple[str, bytes]] = []
    for name, value in headers:
        size = len(name.encode(*_NAMES)) + len(value or b"")
        # One that does not fit hides none behind it: a small one there may be the trace.
        if size <= room:
            kept.append((name, value))
            room -= size
    return tuple(kept)
