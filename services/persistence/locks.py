"""Keys of PostgreSQL advisory locks that serialize the handlers of one interview."""

from __future__ import annotations

import hashlib
from uuid import UUID


def derive_advisory_lock_key(purpose: str, transcript_id: UUID, revision: int) -> int:
    """Derive the key (64-bit integer) of PostgreSQL's advisory lock for an interview.

    Two interviews may share a key, about once in 2^63: they then wait for each other.

    Args:
        purpose: what the lock is for; at most 16 characters.
        transcript_id: the interview.
        revision: its revision.
    """
    identity = transcript_id.bytes + revision.to_bytes(8, "big")
    digest = hashlib.blake2b(identity, digest_size=8, person=purpose.encode()).digest()
    return int.from_bytes(digest, "big", signed=True)
