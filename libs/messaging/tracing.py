"""W3C Trace Context over record headers: a message caused by another belongs to its trace."""

from __future__ import annotations

import re
import secrets
from typing import Final

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def child_of(parent: str | None) -> str:
    """A new ``traceparent`` (W3C Trace Context, section 3.2): the parent's trace, another span.

    A parent that is missing or malformed starts a new, sampled trace, as the specification asks.
    """
    span = secrets.token_hex(8)
    if parent is None or not _TRACEPARENT.fullmatch(parent):
        return f"00-{secrets.token_hex(16)}-{span}-01"
    version, trace, _, flags = parent.split("-")
    return f"{version}-{trace}-{span}-{flags}"
