"""Limits on what one message may use, checked before anything is decoded.

Sizes are of bytes after decompression; a topic's ``max.message.bytes``, which the broker holds
producers to, is of bytes before. ``docs/limits.md`` is made from these constants and the settings
``KAFKA_MAX_BATCH_BYTES``, ``<SERVICE>_MAX_MESSAGE_BYTES`` and ``<SERVICE>_MAX_JSON_VALUES``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import BadMessageError, ErrorCode
from contracts.topics import MIB
from messaging.consumer.oversize import OversizeValue

MAX_BATCH_BYTES: Final = 64 * MIB
"""Most bytes of one record batch after decompression, whatever its codec; also the most of one
record that is sent, so that everything that is written here can be read here."""

PULL_BYTES: Final = 16 * MIB
"""Once so many bytes of one fetched partition were decompressed, the rest is fetched again."""

POLL_BYTES: Final = 32 * MIB
"""Once so many bytes of all partitions were decompressed without a pause, as in one poll, the rest
of each is fetched again: a poll holds this and one batch more at most."""

OPEN_BATCHES: Final = 2
"""Batches that are being read, in all partitions, have this times ``KAFKA_MAX_BATCH_BYTES`` at most
in memory after decompression. Beyond, what was read in part is dropped and decompressed again."""

WHOLE_BYTES: Final = 8 * MIB
"""A message that is refused for its size is set aside whole up to so many bytes of key, value and
headers. Of a larger one only a stub is kept, so that many of them do not fill the memory."""

KEY_BYTES: Final = 64 * 1024
"""Most bytes of a message's key."""

MAX_HEADERS: Final = 1_000
"""Most headers of a message."""

HEADERS_BYTES: Final = MIB
"""Most bytes of a message's headers: names, values, and 10 bytes for the lengths of both."""


SIMPLE_BYTES: Final = 256 * 1024
"""A JSON document up to this size is decoded whatever it is made of, in bytes."""

MAX_JSON_VALUES: Final = 2_000_000
"""Most values of a larger JSON document: decoding takes up to 250 bytes of memory for each, so that
32 MiB of ``[],[],…`` would take a gigabyte."""


class MessageTooLargeError(BadMessageError):
    """Raised when a message exceeds a size limit."""

    code = ErrorCode.TOO_LARGE


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Size limits for the messages that a service handles.

    Attributes:
        service: whose stage it is.
        max_bytes: most bytes of key and value together.
        max_values: most values that its JSON may be made of.
    """

    service: str
    max_bytes: int = MAX_BATCH_BYTES
    max_values: int = MAX_JSON_VALUES

    def complaint_about(self, received: Any, headers_bound: int | None = None) -> str:
        """Return why a record is too large, before anything of it is decoded.

        Args:
            received: the record as aiokafka hands it out.
            headers_bound: characters and bytes of all headers at most, if that is known, so that
                few records have their headers looked at once more.

        Returns:
            One line for people; empty if it has no more bytes and headers than are allowed.
        """
        value, headers = received.value, received.headers
        if isinstance(value, OversizeValue):
            return value.known.complaint
        size = len(value or b"") + len(received.key or b"")
        if size > self.max_bytes:
            return (
                f"key and value have {size:,} bytes; the limit is {self.max_bytes:,}, set by "
                f"{self._setting('MAX_MESSAGE_BYTES')}"
            )
        if len(headers) > MAX_HEADERS:
            return f"{len(headers):,} headers; the limit is {MAX_HEADERS:,}"
        if headers_bound is not None and _WIDEST * headers_bound <= HEADERS_BYTES:
            return ""
        size = compute_max_headers_size(headers)
        if size > HEADERS_BYTES:
            return f"the headers have {size:,} bytes; the limit is {HEADERS_BYTES:,}"
        return ""

    def complaint_about_json(self, document: bytes | None) -> str:
        """Return why a JSON document has too many values; empty if it has not."""
        if not document or len(document) <= SIMPLE_BYTES:
            return ""
        if not has_more_json_values_than(document, self.max_values):
            return ""
        return (
            f"the JSON document is made of more than {self.max_values:,} values, the limit set by "
            f"{self._setting('MAX_JSON_VALUES')}"
        )

    def _setting(self, name: str) -> str:
        return f"{self.service.upper()}_{name}"


def has_more_json_values_than(document: bytes, most: int) -> bool:
    """Return whether a JSON document has more than ``most`` values, including nested ones.

    Takes about as long as copying the document twice, and no more memory than that.
    """
    if _opened_or_followed(document) < most:
        return False
    plain = document.replace(b"\\\\", b"").replace(b'\\"', b"")  # no quotes within strings
    if plain.count(b'"') > _QUOTES * most:
        return True
    return _opened_or_followed(b"".join(plain.split(b'"')[::2])) >= most


def _opened_or_followed(text: bytes) -> int:
    # Each value but the outermost is the first in an object or array, or stands behind a comma.
    return text.count(b",") + text.count(b"[") + text.count(b"{")


_QUOTES: Final = 4
"""Most quotes for a value: its own, and those of its name."""


def compute_max_headers_size(headers: Any) -> int:
    """Compute an upper bound of the bytes that headers take in a record batch."""
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
