"""Parts data in two: one half to develop on, one to look at only for the figures."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256


class Half(StrEnum):
    """Which half a document is in."""

    DEVELOPED_ON = "developed on"
    HELD_OUT = "held out"


def half_of(identity: str) -> Half:
    """The half a document belongs to, for ever, by what identifies it."""
    even = sha256(identity.encode()).digest()[0] % 2 == 0
    return Half.DEVELOPED_ON if even else Half.HELD_OUT
