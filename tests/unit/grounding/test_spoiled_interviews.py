"""On real interviews: true extractive notes pass, spoiled ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from grounding.evaluation import Half, Verdict, examine, half_of
from transcripts import read_transcript

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
REV = DATA / "interviews" / "rev"

pytestmark = pytest.mark.skipif(not REV.is_dir(), reason="the real interviews are not here")

_SEED = 20
_ALWAYS = {"speaker", "theme", "interviewer", "number"}


def _verdicts(half: Half) -> list[Verdict]:
    files = [one for one in sorted(REV.glob("*.json")) if half_of(one.stem) is half]
    return [
        verdict
        for file in files
        for verdict in examine(file.stem, read_transcript(file.read_text()).segments, _SEED)
    ]


@pytest.mark.parametrize("half", Half)
def test_refuses_spoiled_notes_and_lets_true_ones_through(half: Half) -> None:
    verdicts = _verdicts(half)
    true = [one.is_accepted for one in verdicts if one.is_true]
    false = [one for one in verdicts if not one.is_true]
    missed = [one for one in false if one.is_accepted]

    assert sum(true) >= 0.98 * len(true)
    assert len(missed) <= 0.01 * len(false)
    assert not [one for one in missed if _ALWAYS & set(one.kinds)]
