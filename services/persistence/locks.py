"""Keys of the advisory locks by which handlers of one interview keep out of each other's way."""

from __future__ import annotations

import hashlib
from uuid import UUID


def advisory_key(purpose: str, transcript_id: UUID, revision: int) -> int:
    """The key of a lock that stands for one revision of an interview, as ``bigint`` has it.

    Two interviews may share a key, about once in 2^63: they then wait for each other.

    Args:
        purpose: what the lock is for; at most 16 characters.
        transcript_id: the interview.
        revision: its revision.
    """
    identity = transcript_id.bytes + revision.to_bytes(8, "big")
    digest = hashlib.blake2b(identity, digest_size=8, person=purpose.encode()).digest()
    return int.from_bytes(digest, "big", signed=True)
