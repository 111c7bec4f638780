"""A line with very many labels within it is read in time and memory that grow with its length."""

from __future__ import annotations

import pytest

from transcripts.speakers.line_labels import find_labels_within_line

LABELS = 40_000
"""A copy of what follows each of them would take 13 GB."""


@pytest.mark.parametrize(
    "said", ["Hm. Ada: yes I do.", "Hm. [Ada] Yes I do.", "Hm. (Ada): Yes I do.", "Hm >> Ada: yes."]
)
def test_labels_hold_no_copy_of_the_line(said: str) -> None:
    line = f"{said} " * LABELS
    found = list(find_labels_within_line(line, behind_label=True))
    assert len(found) == LABELS
    assert max(len(one.candidate.text) for one in found) <= len(line) / 1_000
    assert all(line.startswith(("yes", "Yes"), one.end) for one in found)
