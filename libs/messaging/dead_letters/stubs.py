"""Stub letters: what stands in a DLQ for a message that cannot be set aside whole.

A stub has the beginning of the message, and in added headers its size, its hash and, as every
letter, where it was read first. While the message is still at that place, a replay fetches it from
there, and the hash tells that it is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from contracts import headers as h
from messaging.consumer.oversize import Oversize, OversizeValue, StubKind
from messaging.dead_letters.record_digest import digest
from messaging.delivery import Headers, Record, number_of, text_of

FIRST_BYTES: Final = 4 * 1024
"""What a stub keeps of a value, in bytes."""

KEY_BYTES: Final = 1024
"""What a stub keeps of a key, in bytes."""

HEADERS_BYTES: Final = 16 * 1024
"""What a stub keeps of the original headers, in bytes; those that do not fit are left out."""


@dataclass(frozen=True, slots=True)
class Stub:
    """What is kept of a message.

    Attributes:
        kind: what ``size_bytes`` and ``sha256`` are of: the record, or the batch it came in, which
            was not read because it has more bytes after decompression than are allowed.
        size_bytes: of key, value and headers; of a batch, as the broker stores it.
        sha256: in hex; of a record, of ``digest_of``.
        key: the first bytes of the key; None if there is none, or it is unknown.
        value: the first bytes of the value; None if there is none.
        headers: the original ones, as far as they fit.
        headers_left_out: how many did not.
    """

    kind: StubKind
    size_bytes: int
    sha256: str
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()
    headers_left_out: int = 0

    @property
    def smallest(self) -> Stub:
        """The stub without anything of the message."""
        left_out = self.headers_left_out + len(self.headers)
        return replace(self, key=None, value=None, headers=(), headers_left_out=left_out)

    @property
    def added_headers(self) -> Headers:
        """The headers that tell of it, to go behind those of every letter."""
        added = [
            (h.STUB, self.kind.value),
            (h.STUB_SIZE, str(self.size_bytes)),
            (h.STUB_SHA256, self.sha256),
        ]
        if self.headers_left_out:
            added.append((h.STUB_HEADERS_LEFT_OUT, str(self.headers_left_out)))
        return tuple((name, value.encode()) for name, value in added)


def stub_of(record: Record) -> Stub:
    """The stub of a message, whole or not."""
    known = known_of(record)
    headers = fitting(record.headers)
    return Stub(
        known.kind,
        known.size_bytes,
        known.sha256,
        key=record.key and record.key[:KEY_BYTES],
        value=record.value and bytes(record.value[:FIRST_BYTES]),
        headers=headers,
        headers_left_out=known.headers_left_out + len(record.headers) - len(headers),
    )


def shortened(record: Record, complaint: str) -> Record:
    """A record with the beginning of its value and with those of its headers that fit.

    Args:
        record: the whole one.
        complaint: why it is too large.
    """
    headers = fitting(record.headers)
    known = replace(
        known_of(record),
        complaint=complaint,
        headers_left_out=len(record.headers) - len(headers),
    )
    value = OversizeValue.of(known, bytes((record.value or b"")[:FIRST_BYTES]))
    return replace(record, value=value, headers=headers)


def known_of(record: Record) -> Oversize:
    """What is known of a message; hashing 64 MiB takes a tenth of a second or so."""
    if isinstance(record.value, OversizeValue):
        return record.value.known
    return Oversize(StubKind.RECORD, size_of(record), digest_of(record), "")


def told_by(added: Headers) -> Stub | None:
    """What a letter's added headers tell of a stub, without the message's beginning.

    Returns:
        None if the letter has its message whole.
    """
    kind = text_of(added, h.STUB)
    if kind not in set(StubKind):
        return None
    sha = text_of(added, h.STUB_SHA256) or ""
    return Stub(StubKind(kind), number_of(added, h.STUB_SIZE, 0), sha)


def size_of(record: Record) -> int:
    """How many bytes key, value and headers of a record have together."""
    parts = sum(len(name.encode(*_NAMES)) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + parts


def digest_of(record: Record) -> str:
    """The digest of a record in hex."""
    return digest(record.key, record.value, record.headers).hex()


_NAMES: Final = ("utf-8", "surrogateescape")


def fitting(headers: Headers, room: int = HEADERS_BYTES) -> Headers:
    """Those of the headers, in order, that fit into so many bytes of names and values."""
    kept: list[tuple[str, bytes]] = []
    for name, value in headers:
        size = len(name.encode(*_NAMES)) + len(value or b"")
        if size <= room:
            kept.append((name, value))
            room -= size
    return tuple(kept)
