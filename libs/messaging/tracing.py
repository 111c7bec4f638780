"""W3C Trace Context over record headers: a message caused by another belongs to its trace."""

from __future__ import annotations

import re
from random import Random
from typing import Final

_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")

_random: Final = Random()  # noqa: S311 - trace ids have to differ, not to be secret


def child_of(parent: bytes | None) -> bytes:
    """A new ``traceparent`` (W3C Trace Context, section 3.2): the parent's trace, another span.

    A parent that is missing or malformed starts a new, sampled trace, as the specification asks.
    """
    span = b"%016x" % (_random.getrandbits(64) or 1)
    known = _TRACEPARENT.fullmatch(parent) if parent else None
    if known is None:
        return b"00-%032x-%b-01" % (_random.getrandbits(128) or 1, span)
    return b"00-%b-%b-%b" % (known[1], span, known[2])
