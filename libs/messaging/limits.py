"""Says how much one message may take, and refuses what takes more before anything is decoded.

Sizes are of bytes after decompression; a topic's ``max.message.bytes``, which the broker holds
producers to, is of bytes before. ``docs/limits.md`` is made from these constants and the settings
``KAFKA_MAX_BATCH_BYTES`` and ``<SERVICE>_MAX_MESSAGE_BYTES``.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.errors import BadMessageError, ErrorCode
from contracts.topics import MIB
from messaging.oversize import OversizeValue

MAX_BATCH_BYTES: Final = 64 * MIB
"""Most bytes of one record batch after decompression, whatever its codec; also the most of one
record that is sent, so that everything that is written here can be read here."""

PULL_BYTES: Final = 16 * MIB
"""Once so many bytes of one fetched partition were decompressed, the rest is fetched again, so
that a poll for several records holds this and one batch more at most."""

MOST_HEADERS: Final = 1_000
"""Most headers of a message."""

HEADERS_BYTES: Final = MIB
"""Most bytes of a message's headers: names, values, and 10 bytes for the lengths of both."""


class TooLargeError(BadMessageError):
    """The message takes more than one may."""

    code = ErrorCode.TOO_LARGE


def refuse_too_large(received: Any, *, max_bytes: int, setting: str) -> None:
    """Check a record, as aiokafka hands it out, before anything of it is decoded.

    Args:
        received: the record.
        max_bytes: most bytes of key and value together.
        setting: the name of the setting that says so, for people.

    Raises:
        TooLargeError: it has more bytes, or more headers, than are allowed.
    """
    value, headers = received.value, received.headers
    if isinstance(value, OversizeValue):
        raise TooLargeError(
            f"the record batch has more than {value.batch.limit_bytes:,} bytes after "
            "decompression; KAFKA_MAX_BATCH_BYTES sets the limit"
        )
    size = len(value or b"") + len(received.key or b"")
    if size > max_bytes:
        raise TooLargeError(
            f"key and value have {size:,} bytes; the limit is {max_bytes:,}, set by {setting}"
        )
    if len(headers) > MOST_HEADERS:
        raise TooLargeError(f"{len(headers):,} headers; the limit is {MOST_HEADERS:,}")
    size = size_of_headers(headers)
    if size > HEADERS_BYTES:
        raise TooLargeError(f"the headers have {size:,} bytes; the limit is {HEADERS_BYTES:,}")


def size_of_headers(headers: Any) -> int:
    """How many bytes headers take in a batch at most: names, values, and the lengths of both."""
    return sum(
        [
            (len(name) if name.isascii() else _WIDEST * len(name)) + len(value or b"") + _LENGTHS
            for name, value in headers
        ]
    )


_WIDEST: Final = 4
"""Bytes of a character in UTF-8 at most."""

_LENGTHS: Final = 10
"""Bytes of two varints of 32 bits at most."""
