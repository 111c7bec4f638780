"""How turns that were read are scored against turns that are known."""

from __future__ import annotations

import pytest

from transcripts import read_transcript
from transcripts.evaluation.references import known_turns
from transcripts.evaluation.scoring import KnownTurn, Score, agreement, is_as_known, score

KNOWN = [KnownTurn("Ann", "How was it?", 1_000), KnownTurn("Tom", "Cold and wet.", 3_000)]


def test_turns_as_known_score_full() -> None:
    assert score(KNOWN, KNOWN) == Score(6, 6, 6, 6, 2, 2)
    assert is_as_known(KNOWN, KNOWN)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ([], Score(6, 0, 6, 0, 2, 0)),
        ([KnownTurn("Ann", "How was it? Cold and wet.", 1_000)], Score(6, 6, 6, 3, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.", 3_020)], Score(6, 6, 6, 6, 2, 2)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.", 3_021)], Score(6, 6, 6, 6, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "and wet.", 3_000)], Score(6, 5, 6, 5, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.")], Score(6, 6, 6, 6, 2, 1)),
    ],
    ids=["nothing", "one speaker", "20 ms off", "21 ms off", "a word lost", "no time"],
)
def test_what_is_missing_or_wrong_is_counted(read: list[KnownTurn], expected: Score) -> None:
    assert score(KNOWN, read) == expected


def test_labels_are_compared_without_case_and_brackets() -> None:
    assert is_as_known([KnownTurn("[ANN]", "Hi.")], [KnownTurn("ann", "Hi.", 5)])


def test_speakers_of_two_transcripts_are_paired_by_their_words() -> None:
    left = read_transcript("Ann: How was it then?\n\nTom: Cold and wet.").segments
    right = read_transcript("Speaker 1: How was it then?\n\nSpeaker 2: Cold wet.").segments
    found = agreement(left, right)
    assert (found.words, found.speakers) == (12 / 13, 1.0)


def test_a_file_of_no_known_vendor_is_no_reference() -> None:
    with pytest.raises(ValueError, match="vendor"):
        known_turns('{"monologues": [{}]}')
