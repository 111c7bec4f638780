"""What was asked of the simulator and how it ended, for tests and demos to look at."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

_RECENT = 200


@dataclass(slots=True)
class Entry:
    """One request.

    `outcome` is a fault's name, ``answered``, ``bad_request``, ``context_length_exceeded`` or
    ``abandoned``.
    """

    outcome: str
    model: str = ""
    attempt: int = 0
    notes: int = 0


class Journal:
    """Counts requests by outcome and keeps the latest of them."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._recent: deque[Entry] = deque(maxlen=_RECENT)
        self._in_flight = 0

    @contextmanager
    def following(self, entry: Entry) -> Iterator[Entry]:
        """Count a request as in flight until the block ends, and then by its outcome."""
        self._in_flight += 1
        try:
            yield entry
        finally:
            self._in_flight -= 1
            self._outcomes[entry.outcome] += 1
            self._recent.append(entry)

    def summary(self) -> dict[str, Any]:
        """Totals, and the latest requests with the newest last."""
        return {
            "total": self._outcomes.total(),
            "in_flight": self._in_flight,
            "by_outcome": dict(sorted(self._outcomes.items())),
            "recent": [asdict(entry) for entry in self._recent],
        }
