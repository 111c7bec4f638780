"""Registry of the simulated models, each with its limits, prompt cache and calls in flight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator import answers
from simulator.limits import ExceededLimit, ModelRateLimits
from simulator.prefixes import PrefixCache
from simulator.profiles import ModelBehaviour, ModelDrift
from simulator.schedule import SimulatorClock
from simulator.settings import SimulatorSettings


class SimulatedModel:
    """Simulated language model: its settings, rate limits and other state.

    Args:
        name: as requests name it.
        behaviour: what it is like at first.
        seed: the simulator's.
        clock: what limits and dates go by.
        began: what a drift's seconds are counted from.

    Attributes:
        name: as requests name it.
        behaviour: what it is like at the moment; changed by ``become``.
        in_flight: how many calls it is at.
        most_in_flight: the most at a time since counting began.
    """

    def __init__(
        self, name: str, behaviour: ModelBehaviour, seed: int, clock: SimulatorClock, began: float
    ) -> None:
        self.name = name
        self.behaviour = behaviour
        self.in_flight = 0
        self.most_in_flight = 0
        self._seed = seed
        self._clock = clock
        self._began = began
        self._limits = ModelRateLimits(behaviour.quota, clock.monotonic)
        self._prefixes = PrefixCache(answers.CHARACTERS_PER_TOKEN)

    def reconfigure(self, behaviour: ModelBehaviour) -> None:
        """Change the behaviour; what the buckets hold stays, as far as it fits.

        The seconds of a new drift are counted from now.
        """
        if behaviour.drift != self.behaviour.drift:
            self._began = self._clock.monotonic()
        self.behaviour = behaviour
        self._limits.change(behaviour.quota)

    @property
    def drift(self) -> ModelDrift | None:
        """The drift, once it has begun."""
        drift = self.behaviour.drift
        begun = drift is not None and self._clock.since(drift.at, self._began) >= 0
        return drift if begun else None

    @property
    def fingerprint(self) -> str:
        """The present ``system_fingerprint``."""
        return answers.build_system_fingerprint(self._seed, (drift := self.drift) and drift.at)

    def admit(self, prompt_tokens: int, most_answered: int) -> ExceededLimit | None:
        """Take a request out of the quota, or return the limit that it exceeds.

        Args:
            prompt_tokens: of the request.
            most_answered: the most tokens its answer may have; 0 if not given.
        """
        reserved = most_answered if self.behaviour.tokens_counted == "reserved" else 0
        return self._limits.admit(prompt_tokens + reserved)

    def charge(self, answered: int) -> None:
        """Take an answer's tokens out of the quota, unless they were reserved."""
        if self.behaviour.tokens_counted == "used":
            self._limits.charge(answered)

    def cached_tokens(self, prompt: str) -> int:
        """Return how many tokens at the beginning of a prompt it has seen before."""
        return self._prefixes.cached_tokens(prompt)

    def limit_headers(self) -> dict[str, str]:
        """Return headers with what is left of the quota."""
        return self._limits.headers()

    @contextmanager
    def track_in_flight(self) -> Iterator[int]:
        """Count a call as in flight; yield how many others are."""
        others = self.in_flight
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield others
        finally:
            self.in_flight -= 1

    def reset_counts(self) -> None:
        """Reset the counters."""
        self.most_in_flight = self.in_flight
        self._limits.reset_counts()

    def summary(self) -> dict[str, Any]:
        """Return the model's present state."""
        return {
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "drifted": self.drift is not None,
            "system_fingerprint": self.fingerprint,
            "limits": self._limits.summary(),
        }


class ModelRegistry:
    """Registry of the simulated models by name.

    Where the settings name none, every model that is asked for is created, each for itself.

    Args:
        settings: what the models are like.
        clock: what limits and dates go by.
    """

    def __init__(self, settings: SimulatorSettings, clock: SimulatorClock) -> None:
        self._settings = settings
        self._clock = clock
        self._began = clock.monotonic()
        self._models: dict[str, SimulatedModel] = {}
        for name in settings.models:
            self._join(name)

    @property
    def names(self) -> list[str]:
        """Names that ``/v1/models`` lists."""
        return list(self._settings.models) or [self._settings.model]

    @property
    def models(self) -> tuple[SimulatedModel, ...]:
        """The models that the settings name, or else those that were asked for."""
        return tuple(self._models.values())

    def find(self, name: str) -> SimulatedModel | None:
        """Return a model by its name; None if there is no such model."""
        if name not in self._models and self._settings.models:
            return None
        return self._models.get(name) or self._join(name)

    def _join(self, name: str) -> SimulatedModel:
        behaviour = self._settings.behaviour_of(name)
        model = SimulatedModel(name, behaviour, self._settings.seed, self._clock, self._began)
        return self._models.setdefault(name, model)
