"""On real interviews: true notes in the interview's own words pass, mutated ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.grounding.metamorphic import check_mutated_notes
from evaluation.grounding.verdicts import LabelledVerdict
from evaluation.splits import DataSplit, assign_split
from transcripts import read_transcript

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
REV = DATA / "interviews" / "rev"

pytestmark = pytest.mark.skipif(not REV.is_dir(), reason="the real interviews are not here")

_SEED = 20
_ALWAYS_CAUGHT = {"speaker", "theme", "interviewer", "number"}


def _verdicts(split: DataSplit) -> list[LabelledVerdict]:
    files = [one for one in sorted(REV.glob("*.json")) if assign_split(one.stem) is split]
    return [
        verdict
        for file in files
        for verdict in check_mutated_notes(
            file.stem, read_transcript(file.read_text()).segments, _SEED
        )
    ]


@pytest.mark.parametrize("split", DataSplit)
def test_refuses_mutated_notes_and_lets_true_ones_through(split: DataSplit) -> None:
    verdicts = _verdicts(split)
    true = [one.is_accepted for one in verdicts if one.is_true]
    false = [one for one in verdicts if not one.is_true]
    missed = [one for one in false if one.is_accepted]

    assert sum(true) >= 0.98 * len(true)
    assert len(missed) <= 0.01 * len(false)
    assert not [one for one in missed if _ALWAYS_CAUGHT & set(one.categories)]
