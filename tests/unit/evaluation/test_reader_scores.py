"""How turns that were read are scored against turns that are known."""

from __future__ import annotations

import pytest

from evaluation.transcripts.references import parse_known_turns
from evaluation.transcripts.scoring import (
    KnownTurn,
    ReaderScore,
    compare_transcripts,
    matches_known_turns,
    score_turns,
)
from transcripts import read_transcript

KNOWN = [KnownTurn("Ann", "How was it?", 1_000), KnownTurn("Tom", "Cold and wet.", 3_000)]


def test_turns_as_known_score_full() -> None:
    assert score_turns(KNOWN, KNOWN) == ReaderScore(6, 6, 6, 6, 2, 2)
    assert matches_known_turns(KNOWN, KNOWN)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ([], ReaderScore(6, 0, 6, 0, 2, 0)),
        ([KnownTurn("Ann", "How was it? Cold and wet.", 1_000)], ReaderScore(6, 6, 6, 3, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.", 3_020)], ReaderScore(6, 6, 6, 6, 2, 2)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.", 3_021)], ReaderScore(6, 6, 6, 6, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "and wet.", 3_000)], ReaderScore(6, 5, 6, 5, 2, 1)),
        ([KNOWN[0], KnownTurn("Tom", "Cold and wet.")], ReaderScore(6, 6, 6, 6, 2, 1)),
    ],
    ids=["nothing", "one speaker", "20 ms off", "21 ms off", "a word lost", "no time"],
)
def test_what_is_missing_or_wrong_is_counted(read: list[KnownTurn], expected: ReaderScore) -> None:
    assert score_turns(KNOWN, read) == expected


def test_labels_are_compared_without_case_and_brackets() -> None:
    assert matches_known_turns([KnownTurn("[ANN]", "Hi.")], [KnownTurn("ann", "Hi.", 5)])


def test_speakers_of_two_transcripts_are_paired_by_their_words() -> None:
    left = read_transcript("Ann: How was it then?\n\nTom: Cold and wet.").segments
    right = read_transcript("Speaker 1: How was it then?\n\nSpeaker 2: Cold wet.").segments
    found = compare_transcripts(left, right)
    assert (found.words, found.speakers) == (12 / 13, 1.0)


def test_a_file_of_no_known_vendor_is_no_reference() -> None:
    with pytest.raises(ValueError, match="vendor"):
        parse_known_turns('{"monologues": [{}]}')
