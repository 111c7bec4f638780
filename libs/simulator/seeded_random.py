"""Random numbers that depend on nothing but a seed and the thing they decide about."""

from __future__ import annotations

import hashlib
from random import Random

_SEPARATOR = "\x1f"


def compute_stable_digest(*parts: object) -> str:
    """Compute a hash of values, in hex, that is the same on every machine."""
    joined = _SEPARATOR.join(map(str, parts))
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def create_seeded_random(*parts: object) -> Random:
    """Create a random generator whose seed is a hash of values.

    The order in which requests arrive never enters into it, so a run with many calls in flight
    repeats itself exactly.
    """
    return Random(int(compute_stable_digest(*parts)[:16], 16))  # noqa: S311 - chance for a demo, no secret
