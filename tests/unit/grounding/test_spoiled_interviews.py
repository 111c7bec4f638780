"""On real interviews: true extractive notes pass, spoiled ones do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from contracts.notes import Note
from grounding import judge
from unit.grounding.spoiling import (
    DEVELOPED_ON,
    HELD_OUT,
    REV,
    read_chunk,
    spoiled_notes,
    true_notes,
)

pytestmark = pytest.mark.skipif(not REV.is_dir(), reason="the real interviews are not here")

_SEED = 20
_HARD = ("number", "negation dropped", "negation put in", "wrong segment")
_PLAIN = ("absent segment", "unknown theme", "interviewer")
_CAUGHT = 0.99
_REFUSED = 0.01
_KIND_CAUGHT = 0.97


def _tally(names: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """How many notes of each kind there were, and how many were refused."""
    asked, refused = Counter[str](), Counter[str]()
    for name in names:
        there = read_chunk(name)
        notes = [("true", note) for note in true_notes(there)]
        notes += [(one.kind, one.draft) for one in spoiled_notes(there, Random(_SEED))]
        for kind, note in notes:
            asked[kind] += 1
            refused[kind] += not isinstance(judge(note, there), Note)
    return asked, refused


@pytest.mark.parametrize("names", [DEVELOPED_ON, HELD_OUT], ids=["developed on", "held out"])
def test_refuses_spoiled_notes_and_lets_true_ones_through(
    names: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked, refused = _tally(names)
    with capsys.disabled():
        for kind, count in sorted(asked.items()):
            print(f"\n  {kind}: {refused[kind]} of {count} refused", end="")  # noqa: T201 - the figures are the point
    assert sum(refused[kind] for kind in _HARD) >= _CAUGHT * sum(asked[kind] for kind in _HARD)
    assert all(refused[kind] == asked[kind] for kind in _PLAIN)
    assert all(refused[kind] >= _KIND_CAUGHT * asked[kind] for kind in _HARD)
    assert refused["true"] / asked["true"] <= _REFUSED
