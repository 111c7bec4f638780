"""W3C Trace Context in record headers: a message belongs to the trace of its cause."""

from __future__ import annotations

import re
from random import Random
from typing import Final
from uuid import UUID

# Version 00 ends with the flags. A later one may go on after another dash, and is read as far as
# version 00 goes (W3C Trace Context, section 3.2.4); ff is none.
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?",
    re.DOTALL,
)
_VERSION: Final = b"00-"
_TRACE: Final = slice(3, 35)
_FLAGS: Final = slice(53, 55)
_SAMPLED: Final = 0x01
"""The one flag of version 00; others are not passed on, since nobody knows what they mean."""

_random: Final = Random()  # noqa: S311 - trace ids have to differ, not to be secret


def derive_traceparent(parent: bytes | None) -> bytes:
    """Return a W3C ``traceparent`` header for a new span in the trace of another one.

    A parent that is missing or malformed starts a new, sampled trace, as the specification asks.
    """
    span = _random.getrandbits(64) or 1
    if parent is None or not _is_traceparent(parent):
        return b"00-%032x-%016x-01" % (_random.getrandbits(128) or 1, span)
    return b"00-%b-%016x-%02x" % (parent[_TRACE], span, int(parent[_FLAGS], 16) & _SAMPLED)


def _is_traceparent(value: bytes) -> bool:
    """Return whether a header can be read: as version 00, or as far as version 00 goes."""
    if _TRACEPARENT.fullmatch(value) is None:
        return False
    return len(value) == _FLAGS.stop or not value.startswith(_VERSION)


def generate_correlation_id() -> str:
    """Return a new random correlation id (UUID version 4, as text)."""
    return str(UUID(int=_random.getrandbits(128), version=4))
