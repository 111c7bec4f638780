"""Journal of the simulator's requests and their outcomes, for tests and demos."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from simulator.paraphrasing import LabelledNote
from simulator.replies import SimulatedReply

_RECENT = 200
_MAX_STATEMENTS = 50_000


@dataclass(slots=True)
class RequestRecord:
    """Record of one received request in the simulator's journal.

    Attributes:
        outcome: a fault's name, ``answered``, ``bad_request``, ``context_length_exceeded``,
            ``model_not_found``, ``over_requests_limit``, ``over_tokens_limit``, ``outage`` or
            ``abandoned``.
        model: that was asked; empty if there is none.
        attempt: how often it was asked this.
        notes: how many the good answer has.
        status: of HTTP; 0 until anything is sent.
        seconds: from the request's arrival to its end.
    """

    outcome: str
    model: str = ""
    attempt: int = 0
    notes: int = 0
    status: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class ModelCounts:
    """Number of requests to one model, and the sums of their tokens."""

    calls: int = 0
    rate_limited: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    by_outcome: dict[str, int] = field(default_factory=dict)

    def add(self, entry: RequestRecord, reply: SimulatedReply) -> None:
        """Add a request that has ended."""
        self.calls += 1
        self.rate_limited += entry.status == HTTPStatus.TOO_MANY_REQUESTS
        self.prompt_tokens += reply.spent.prompt
        self.cached_tokens += reply.spent.cached
        self.completion_tokens += reply.spent.completion
        self.seconds += entry.seconds
        self.by_outcome[entry.outcome] = self.by_outcome.get(entry.outcome, 0) + 1


class RequestJournal:
    """Journal of the simulator's most recent requests, with counts by outcome and by model.

    Args:
        now: returns the time in seconds, from an arbitrary zero.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._in_flight = 0
        self.reset_counts()

    def reset_counts(self) -> None:
        """Reset all counts; a request in flight counts when it ends."""
        self._since = self._now()
        self._outcomes: Counter[str] = Counter()
        self._recent: deque[RequestRecord] = deque(maxlen=_RECENT)
        self._by_model: dict[str, ModelCounts] = {}
        self._labelled: dict[tuple[object, ...], LabelledNote] = {}

    @property
    def seconds(self) -> float:
        """Seconds since counting began."""
        return self._now() - self._since

    @contextmanager
    def track(self, entry: RequestRecord) -> Iterator[RequestRecord]:
        """Count a request as in flight until the block ends, and then by its outcome."""
        begun = self._now()
        self._in_flight += 1
        try:
            yield entry
        finally:
            self._in_flight -= 1
            entry.seconds = round(self._now() - begun, 6)
            self._outcomes[entry.outcome] += 1
            self._recent.append(entry)

    @contextmanager
    def track_for_model(self, entry: RequestRecord, reply: SimulatedReply) -> Iterator[None]:
        """Count a request for its model when the block ends; to be used within ``track``."""
        begun = self._now()
        entry.attempt, entry.notes = reply.attempt, reply.notes
        entry.model = reply.model.name if reply.model else ""
        for one in reply.labelled:
            self._add_label(one)
        try:
            yield
        finally:
            entry.seconds = self._now() - begun
            if reply.model:
                self._by_model.setdefault(entry.model, ModelCounts()).add(entry, reply)

    def model_counts(self, model: str) -> dict[str, Any]:
        """Return the sums over the requests to one model."""
        counts = self._by_model.get(model, ModelCounts())
        return {**asdict(counts), "seconds": round(counts.seconds, 6)}

    def list_statements(self) -> list[dict[str, Any]]:
        """Return the labelled statements that were written, each once, oldest first."""
        return [
            {
                "statement": one.note.statement,
                "kind": one.kind.value,
                "is_true": one.is_true,
                "spoken": one.spoken,
                "evidence": [cited.model_dump() for cited in one.note.evidence],
            }
            for one in self._labelled.values()
        ]

    def _add_label(self, one: LabelledNote) -> None:
        key = (one.note.statement, one.spoken, one.note.evidence[0].segment)
        self._labelled.setdefault(key, one)
        if len(self._labelled) > _MAX_STATEMENTS:
            del self._labelled[next(iter(self._labelled))]

    def summary(self) -> dict[str, Any]:
        """Return totals, and the latest requests with the newest last."""
        return {
            "total": self._outcomes.total(),
            "in_flight": self._in_flight,
            "by_outcome": dict(sorted(self._outcomes.items())),
            "recent": [asdict(entry) for entry in self._recent],
        }
