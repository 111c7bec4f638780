"""Turns of an interview joined with what became of them."""

from __future__ import annotations

from read_model.transcripts import TranscriptSegment
from read_model.turn_coverage import CoveredTurn, TurnStatus, UnreadReason, join_turns


def segment(number: int) -> TranscriptSegment:
    return TranscriptSegment(number, "Bo", "participant", "words", False, None, None)  # noqa: FBT003


def test_turns_that_were_erased_between_two_queries_are_left_out() -> None:
    rows = [{"number": number, "state": "cited", "notes": number} for number in (1, 2, 3)]
    found = join_turns([segment(1), segment(3)], rows)
    assert [(one.segment.number, one.notes) for one in found] == [(1, 1), (3, 3)]
    assert join_turns([], rows) == []


def test_a_turn_of_which_a_part_is_unread_keeps_its_notes() -> None:
    (found,) = join_turns([segment(1)], [{"number": 1, "state": "dead", "notes": 2}])
    assert found == CoveredTurn(segment(1), TurnStatus.UNREAD, UnreadReason.DEAD, 2)
