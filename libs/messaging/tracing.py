"""W3C Trace Context in record headers: a message belongs to the trace of its cause."""

from __future__ import annotations

import re
from random import Random
from typing import Final
from uuid import UUID

# Version 00 ends with the flags. A later one may go on after another dash, and is read as far as
# version 00 goes (W3C Trace Context, section 3.2.4); ff is none.
_TRACEPARENT: Final = re.compile(
    rb"(?P<version>(?!ff)[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    rb"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_VERSION: Final = b"00"
_SAMPLED: Final = 0x01
"""The one flag of version 00; others are not passed on, since nobody knows what they mean."""

_random: Final = Random()  # noqa: S311 - trace ids have to differ, not to be secret


def derive_traceparent(parent: bytes | None) -> bytes:
    """Return a ``traceparent`` header for a new span in the trace of the given one (W3C).

    A parent that is missing or malformed starts a new, sampled trace, as the specification asks.
    """
    span = b"%016x" % (_random.getrandbits(64) or 1)
    known = _TRACEPARENT.fullmatch(parent) if parent else None
    if known is None or (known["more"] is not None and known["version"] == _VERSION):
        return b"00-%032x-%b-01" % (_random.getrandbits(128) or 1, span)
    return b"00-%b-%b-%02x" % (known["trace"], span, int(known["flags"], 16) & _SAMPLED)


def generate_correlation_id() -> str:
    """Return a new random id for a message and what it causes, as a UUID's text (version 4)."""
    return str(UUID(int=_random.getrandbits(128), version=4))
