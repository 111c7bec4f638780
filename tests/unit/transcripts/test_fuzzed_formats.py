"""A short run of ``make fuzz``: no crash, no hang, no more memory than an input's share."""

from __future__ import annotations

import time

import pytest

from fuzz.checking import check, limited_memory
from fuzz.inputs import LONGEST, inputs, sources

INPUTS = 60
SOURCES = sources()


@pytest.mark.parametrize("name", SOURCES)
def test_malformed_inputs_are_read_soundly_or_refused(name: str) -> None:
    made = list(inputs(SOURCES[name], INPUTS, seed=1))
    check(made[0])
    with limited_memory(LONGEST):
        for data in made[1:]:
            check(data)


def test_inputs_are_the_same_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.localtime(1_700_000_000)
    monkeypatch.setattr(time, "localtime", lambda _=None: now)
    earlier = sources()
    for name in ("docx", "odt"):
        assert list(inputs(earlier[name], 3, seed=1)) == list(inputs(SOURCES[name], 3, seed=1))


def test_inputs_are_the_same_for_the_same_seed() -> None:
    make = SOURCES["webvtt"]
    assert list(inputs(make, 5, seed=3)) == list(inputs(make, 5, seed=3))
    assert list(inputs(make, 5, seed=3)) != list(inputs(make, 5, seed=4))
