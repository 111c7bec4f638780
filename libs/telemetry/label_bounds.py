"""Bounds of metrics' labels: which values a label may have, so that no message can add series.

A value outside its label's bound is counted as ``other``. There are two kinds of bounds: a closed
set, and what code and settings name, with the first few values of others where these matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

OTHER: Final = "other"
"""The label's value that stands for all values outside its bound."""

MAX_NAMED: Final = 1_000
"""Values of a label that code and settings may name: they are few."""

MAX_CHARACTERS: Final = 100
"""Characters of a label's value that comes from outside."""


class LabelBound(Protocol):
    """Interface of a bound of a label's values."""

    @property
    def description(self) -> str:
        """Which values there are, for people."""

    @property
    def most(self) -> int:
        """How many different values there can be in a process, ``other`` included."""

    def limit(self, value: str, scope: str) -> str:
        """Return the value if it is within the bound, else ``other``.

        Args:
            value: what is to be counted.
            scope: the value of the metric's first label; empty for that label itself.
        """


class OneOf:
    """Bound of a label with a closed set of values.

    Args:
        values: the set, such as the members of an enum.
        description: where they come from; by default, they are listed.
    """

    def __init__(self, values: Iterable[str], description: str = "") -> None:
        self._values = frozenset(map(str, values))
        listed = ", ".join(f"`{one}`" for one in sorted(self._values))
        self.description = description or listed

    @property
    def values(self) -> frozenset[str]:
        """The set, without ``other``."""
        return self._values

    @property
    def most(self) -> int:
        """How many different values there can be."""
        return len(self._values | {OTHER})

    def limit(self, value: str, scope: str) -> str:
        """Return the value if it is one of the set, else ``other``."""
        del scope
        return value if value in self._values else OTHER


class Named:
    """Bound of a label whose values code and settings name, and perhaps a few from outside.

    Args:
        description: what names them.
        values: those that are known from the start.
        first: how many other values have series of their own, for each value of the metric's first
            label: the first ones that come.
    """

    def __init__(self, description: str, values: Iterable[str] = (), *, first: int = 0) -> None:
        self.description = description
        self._named = {*values}
        self._first = first
        self._seen: dict[str, set[str]] = {}

    @property
    def named(self) -> frozenset[str]:
        """The values that are named by now."""
        return frozenset(self._named)

    @property
    def most(self) -> int:
        """How many different values there can be, by what is named by now."""
        return len(self._named | {OTHER}) + self._first

    def register(self, value: str) -> None:
        """Add a value that code or a setting names; beyond ``MAX_NAMED``, none is added."""
        if len(self._named) < MAX_NAMED:
            self._named.add(value)

    def limit(self, value: str, scope: str) -> str:
        """Return the value, cut, if it was named or is among the first ones; else ``other``."""
        if value in self._named:
            return value
        value = value[:MAX_CHARACTERS]
        seen = self._seen.setdefault(scope, set()) if self._first else frozenset[str]()
        if value in seen:
            return value
        if len(seen) >= self._first or not value.isprintable():
            return OTHER
        self._seen[scope].add(value)
        return value


@dataclass(frozen=True, slots=True)
class Label:
    """Label of a metric.

    Attributes:
        name: as Prometheus shows it.
        bound: which values it may have.
    """

    name: str
    bound: LabelBound
