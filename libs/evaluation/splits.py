"""Split data in two: one half to develop the rules on, one that is looked at only for figures."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256


class DataSplit(StrEnum):
    """The half of the data that a document is in."""

    DEVELOPED_ON = "developed on"
    HELD_OUT = "held out"


def assign_split(document_id: str) -> DataSplit:
    """Return the half a document belongs to, by the hash of what identifies it.

    The same document is always in the same half, whatever else is measured with it.
    """
    even = sha256(document_id.encode()).digest()[0] % 2 == 0
    return DataSplit.DEVELOPED_ON if even else DataSplit.HELD_OUT
