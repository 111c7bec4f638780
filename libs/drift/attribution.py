"""Which side a drift comes from: the model's, ours, or the input's; by what changed with it.

::

    factor        side     changed when
    model         they     the endpoint names another model
    fingerprint   they     the endpoint's system fingerprint is another one
    prompt        we       another version of the prompt
    deploy        we       a service was started with another build
    producer      input    others submit, or the same in other shares
    format        input    files of another format
    length        input    longer or shorter chunks

A factor that changed explains a drift unless chunks for which it did not change drifted as much.
One side is named where all factors that explain the drift are of that side; where they are of
several, or there is none, nobody can tell from here, and the answer says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class DriftSide(StrEnum):
    """Side that a drift comes from."""

    THEY = "they_changed"
    WE = "we_changed"
    INPUT = "the_input_changed"
    UNKNOWN = "cannot_tell"


_SIDES: Final = {
    "model": DriftSide.THEY,
    "fingerprint": DriftSide.THEY,
    "prompt": DriftSide.WE,
    "deploy": DriftSide.WE,
    "producer": DriftSide.INPUT,
    "format": DriftSide.INPUT,
    "length": DriftSide.INPUT,
}

_CHANGED: Final = 0.3
"""Share of the chunks, of a change in a factor's values, from which on the factor changed."""

_KNOWN: Final = 0.02
"""Share of the chunks before, from which on a value is one that was there before."""

_ENOUGH: Final = 30
"""Trials from which on the rate of chunks without the change tells something."""

_AS_MUCH: Final = 0.6
"""Share of the whole drift that chunks without a factor's change have if it explains nothing."""


class ObservedChunk(NamedTuple):
    """Observation of a series, with what may explain it.

    Attributes:
        hits: as the series has them.
        trials: as the series has them.
        factors: value by factor; those of ``deploy`` are found otherwise.
    """

    hits: float
    trials: float
    factors: dict[str, str]


@dataclass(frozen=True, slots=True)
class ChangedFactor:
    """Factor that changed with a drift.

    Attributes:
        factor: its name.
        side: whose it is.
        before: its most frequent value before.
        after: the value of which there is most more since.
        explains: whether it explains the drift, as far as can be seen.
    """

    factor: str
    side: DriftSide
    before: str
    after: str
    explains: bool


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """Verdict on where a drift comes from.

    Attributes:
        side: which side.
        factors: what changed with it, of all sides.
    """

    side: DriftSide
    factors: tuple[ChangedFactor, ...]


def attribute_drift(
    before: Sequence[ObservedChunk], after: Sequence[ObservedChunk], deploys: Collection[str] = ()
) -> DriftVerdict:
    """Find the side that a drift comes from.

    Args:
        before: observations of the series before the change.
        after: observations since.
        deploys: services that were started with another build about when it began.
    """
    found = [*_find_changed(before, after)]
    found += [
        ChangedFactor("deploy", DriftSide.WE, "", ", ".join(sorted(deploys)), explains=True)
    ] * bool(deploys)
    sides = {one.side for one in found if one.explains}
    side = sides.pop() if len(sides) == 1 else DriftSide.UNKNOWN
    return DriftVerdict(side, tuple(found))


def _find_changed(
    before: Sequence[ObservedChunk], after: Sequence[ObservedChunk]
) -> Iterable[ChangedFactor]:
    if not before or not after:
        return
    for factor, side in _SIDES.items():
        shares = _compute_shares(factor, before), _compute_shares(factor, after)
        growth = {
            value: shares[1].get(value, 0.0) - shares[0].get(value, 0.0)
            for value in {*shares[0], *shares[1]}
        }
        if sum(map(abs, growth.values())) / 2 < _CHANGED:
            continue
        yield ChangedFactor(
            factor,
            side,
            max(shares[0], key=shares[0].__getitem__),
            max(growth, key=growth.__getitem__),
            explains=not _drifted_without(factor, before, after),
        )


def _compute_shares(factor: str, chunks: Sequence[ObservedChunk]) -> dict[str, float]:
    counts = Counter(one.factors.get(factor, "") for one in chunks)
    return {value: count / len(chunks) for value, count in counts.items()}


def _drifted_without(
    factor: str, before: Sequence[ObservedChunk], after: Sequence[ObservedChunk]
) -> bool:
    """Whether chunks of values that were there before drifted as much as all did."""
    known = {value for value, share in _compute_shares(factor, before).items() if share >= _KNOWN}
    drift = _compute_rate(after) - _compute_rate(before)
    within = trials = 0.0
    for value in known:
        old = [one for one in before if one.factors.get(factor, "") == value]
        new = [one for one in after if one.factors.get(factor, "") == value]
        tried = sum(one.trials for one in new)
        if tried:
            trials += tried
            within += tried * (_compute_rate(new) - _compute_rate(old))
    return trials >= _ENOUGH and abs(within / trials) >= _AS_MUCH * abs(drift)


def _compute_rate(chunks: Sequence[ObservedChunk]) -> float:
    trials = sum(one.trials for one in chunks)
    return sum(one.hits for one in chunks) / trials if trials else 0.0
