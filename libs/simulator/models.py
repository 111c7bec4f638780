"""The models on offer, each with limits, a memory of prompts and calls in flight of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator import answers
from simulator.limits import Excess, Limits
from simulator.prefixes import Prefixes
from simulator.profiles import Behaviour, Drift
from simulator.schedule import Clock
from simulator.settings import SimulatorSettings


class Member:
    """One model.

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
        self, name: str, behaviour: Behaviour, seed: int, clock: Clock, began: float
    ) -> None:
        self.name = name
        self.behaviour = behaviour
        self.in_flight = 0
        self.most_in_flight = 0
        self._seed = seed
        self._clock = clock
        self._began = began
        self._limits = Limits(behaviour.quota, clock.monotonic)
        self._prefixes = Prefixes(answers.CHARACTERS_PER_TOKEN)

    def become(self, behaviour: Behaviour) -> None:
        """Be like this from now on; what the buckets hold stays, as far as it fits.

        The seconds of a new drift are counted from now.
        """
        if behaviour.drift != self.behaviour.drift:
            self._began = self._clock.monotonic()
        self.behaviour = behaviour
        self._limits.change(behaviour.quota)

    @property
    def drift(self) -> Drift | None:
        """The drift, once it has begun."""
        drift = self.behaviour.drift
        begun = drift is not None and self._clock.since(drift.at, self._began) >= 0
        return drift if begun else None

    @property
    def fingerprint(self) -> str:
        """Its ``system_fingerprint`` at the moment."""
        return answers.fingerprint(self._seed, (drift := self.drift) and drift.at)

    def admit(self, prompt_tokens: int, most_answered: int) -> Excess | None:
        """Take a request out of the quota, or tell which limit it exceeds.

        Args:
            prompt_tokens: of the request.
            most_answered: the most tokens its answer may have; 0 if it does not say.
        """
        reserved = most_answered if self.behaviour.tokens_counted == "reserved" else 0
        return self._limits.admit(prompt_tokens + reserved)

    def charge(self, answered: int) -> None:
        """Take an answer's tokens out of the quota, unless they were reserved."""
        if self.behaviour.tokens_counted == "used":
            self._limits.charge(answered)

    def cached_tokens(self, prompt: str) -> int:
        """How many tokens at the beginning of a prompt it has seen before."""
        return self._prefixes.cached_tokens(prompt)

    def limit_headers(self) -> dict[str, str]:
        """How much of its quota is left at this moment."""
        return self._limits.headers()

    @contextmanager
    def occupied(self) -> Iterator[int]:
        """Count a call as in flight; gives how many others are."""
        others = self.in_flight
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield others
        finally:
            self.in_flight -= 1

    def count_anew(self) -> None:
        """Forget what was counted."""
        self.most_in_flight = self.in_flight
        self._limits.count_anew()

    def summary(self) -> dict[str, Any]:
        """What it is like at the moment."""
        return {
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "drifted": self.drift is not None,
            "system_fingerprint": self.fingerprint,
            "limits": self._limits.summary(),
        }


class Lineup:
    """All models.

    Where the settings name none, whatever model is asked for is there, each for itself.

    Args:
        settings: what the models are like.
        clock: what limits and dates go by.
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._began = clock.monotonic()
        self._members: dict[str, Member] = {}
        for name in settings.models:
            self._join(name)

    @property
    def names(self) -> list[str]:
        """What ``/v1/models`` lists."""
        return list(self._settings.models) or [self._settings.model]

    @property
    def members(self) -> tuple[Member, ...]:
        """The models that the settings name, or else those that were asked for."""
        return tuple(self._members.values())

    def find(self, name: str) -> Member | None:
        """A model by its name; nothing if it is not on offer."""
        if name not in self._members and self._settings.models:
            return None
        return self._members.get(name) or self._join(name)

    def _join(self, name: str) -> Member:
        behaviour = self._settings.behaviour_of(name)
        member = Member(name, behaviour, self._settings.seed, self._clock, self._began)
        return self._members.setdefault(name, member)
