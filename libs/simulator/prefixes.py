"""Simulation of a provider's prompt cache: which tokens of a prompt would be cached.

The numbers are OpenAI's: from 1,024 tokens on, in steps of 128
(https://platform.openai.com/docs/guides/prompt-caching). Nothing expires before memory is full.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from itertools import accumulate

_STEP_TOKENS = 128
_MIN_CACHED_TOKENS = 1_024
_REMEMBERED = 50_000


class PrefixCache:
    """Simulated prompt cache, which counts how many of a prompt's first tokens were seen before.

    Args:
        characters_per_token: how long a token is taken to be.
    """

    def __init__(self, characters_per_token: int) -> None:
        self._step = _STEP_TOKENS * characters_per_token
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def cached_tokens(self, prompt: str) -> int:
        """Return how many tokens at a prompt's beginning were seen before; remember it."""
        marks = list(accumulate(self._steps(prompt), _chained, initial=b""))[1:]
        known = next((n for n, mark in enumerate(marks) if mark not in self._known), len(marks))
        for mark in marks:
            self._known[mark] = None
            self._known.move_to_end(mark)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        tokens = known * _STEP_TOKENS
        return tokens if tokens >= _MIN_CACHED_TOKENS else 0

    def _steps(self, prompt: str) -> list[bytes]:
        whole = len(prompt) - len(prompt) % self._step
        return [
            prompt[begin : begin + self._step].encode("utf-8", "surrogatepass")
            for begin in range(0, whole, self._step)
        ]


def _chained(before: bytes, step: bytes) -> bytes:
    """Return a hash of a step and of all that came before it."""
    return blake2b(before + step, digest_size=16).digest()
