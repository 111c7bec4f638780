"""Which side a drift comes from: the model's, ours, or the input's; by what changed with it.

::

    factor        side     changed when
    model         they     the endpoint names another model for what was asked
    fingerprint   they     the endpoint's system fingerprint is another one
    asked model   we       another model is asked: a setting, a study's models, a fallback
    prompt        we       another version of the prompt
    deploy        we       a service was started with another build about when it began
    producer      input    others submit, or the same in other shares
    format        input    files of another format
    length        input    longer or shorter chunks
    interview     input    a few interviews have most of the chunks

A factor changed if a few of its values have many more of the chunks since. It explains the drift if
the chunks of all other values did not drift as much, or if there are next to none of them; if there
are too few to tell, it does not. One side is named where all factors that explain the drift are of
that side. Where they are of several, or there is none, nobody can tell from here, and the answer
says so.
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


_INTERVIEW: Final = "interview"
_SIDES: Final = {  # deploys are no property of a chunk
    "model": DriftSide.THEY,
    "fingerprint": DriftSide.THEY,
    "asked model": DriftSide.WE,
    "prompt": DriftSide.WE,
    "producer": DriftSide.INPUT,
    "format": DriftSide.INPUT,
    "length": DriftSide.INPUT,
    _INTERVIEW: DriftSide.INPUT,
}

_CHANGED: Final = 0.4
"""Growth of the shares of a few values, of all chunks, from which on a factor changed."""

_FEW: Final = 3
"""How many values these are at most."""

_NEARLY_ALL: Final = 0.9
"""Share of the chunks since that these values have, from which on there are next to no others."""

_ENOUGH: Final = 30
"""Trials from which on the rate of the other chunks says something."""

MIN_CHUNKS: Final = 20
"""Chunks before, and since, without which nothing is compared."""

_AS_MUCH: Final = 0.5
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
        before: observations of the series before the change, the latest first.
        after: observations since, the earliest first.
        deploys: services that were started with another build about when it began.
    """
    if min(len(before), len(after)) < MIN_CHUNKS:
        return DriftVerdict(DriftSide.UNKNOWN, ())
    found = [*_find_changed(before, after)]
    if any(one.factor == "asked model" for one in found):
        # That another model answers is no wonder then.
        found = [one for one in found if one.side is not DriftSide.THEY]
    if deploys:
        services = ", ".join(sorted(deploys))
        found.append(ChangedFactor("deploy", DriftSide.WE, "", services, explains=True))
    sides = {one.side for one in found if one.explains}
    side = sides.pop() if len(sides) == 1 else DriftSide.UNKNOWN
    return DriftVerdict(side, tuple(found))


def _find_changed(
    before: Sequence[ObservedChunk], after: Sequence[ObservedChunk]
) -> Iterable[ChangedFactor]:
    for factor, side in _SIDES.items():
        shares = _compute_shares(factor, before), _compute_shares(factor, after)
        growth = {
            value: share - shares[0].get(value, 0.0)
            for value, share in shares[1].items()
            if share > shares[0].get(value, 0.0)
        }
        grown = sorted(growth, key=growth.__getitem__, reverse=True)[:_FEW]
        change = sum(growth[value] for value in grown)
        if factor == _INTERVIEW:
            # Others are worked on all the time: do fewer have as many chunks than just before?
            change -= _compute_concentration(factor, before[: len(after)])
        if change < _CHANGED:
            continue
        yield ChangedFactor(
            factor,
            side,
            max(shares[0], key=shares[0].__getitem__),
            grown[0],
            explains=_explains(factor, frozenset(grown), before, after),
        )


def _compute_shares(factor: str, chunks: Sequence[ObservedChunk]) -> dict[str, float]:
    counts = Counter(one.factors.get(factor, "") for one in chunks)
    return {value: count / len(chunks) for value, count in counts.items()}


def _compute_concentration(factor: str, chunks: Sequence[ObservedChunk]) -> float:
    """Return the share of the chunks that a few values have."""
    return sum(sorted(_compute_shares(factor, chunks).values(), reverse=True)[:_FEW])


def _explains(
    factor: str,
    grown: frozenset[str],
    before: Sequence[ObservedChunk],
    after: Sequence[ObservedChunk],
) -> bool:
    """Whether chunks of all but the grown values did not drift as much, or there are hardly any."""
    others = [one for one in after if one.factors.get(factor, "") not in grown]
    if len(others) <= (1.0 - _NEARLY_ALL) * len(after):
        return True
    if sum(one.trials for one in others) < _ENOUGH:
        return False
    earlier = [one for one in before if one.factors.get(factor, "") not in grown] or before
    drift = _compute_rate(after) - _compute_rate(before)
    return abs(_compute_rate(others) - _compute_rate(earlier)) < _AS_MUCH * abs(drift)


def _compute_rate(chunks: Sequence[ObservedChunk]) -> float:
    trials = sum(one.trials for one in chunks)
    return sum(one.hits for one in chunks) / trials if trials else 0.0
