"""An interview's coverage as a page: shares of what was said, and turns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from onrecord.pages.turn_coverage import TurnCoverage, format_turn_coverage
from read_model.transcripts import TranscriptSegment, TranscriptSummary
from read_model.turn_coverage import CoveredTurn, TurnCount, TurnStatus, UnreadReason

FIELDS: dict[str, Any] = dict.fromkeys(TranscriptSummary.__dataclass_fields__, 0) | {
    "transcript_id": UUID(int=1),
    "title": "Ada",
    "ingested_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def count(status: TurnStatus, role: str, characters: int) -> TurnCount:
    reason = UnreadReason.WAITING if status is TurnStatus.UNREAD else None
    return TurnCount(status, reason, role, 1, characters)


def lines(*counts: TurnCount, turns: tuple[CoveredTurn, ...] = ()) -> list[str]:
    found = TurnCoverage(TranscriptSummary(**FIELDS), counts, turns, has_more=False)
    return [str(one) for one in format_turn_coverage(found, 80)]


@pytest.mark.parametrize(
    ("cited", "unnoted", "said"),
    [
        (1, 999, ("<1%", ">99%")),
        (999, 1, (">99%", "<1%")),
        (0, 10, ("0%", "100%")),
        (1, 2, ("33%", "67%")),
    ],
)
def test_a_share_that_is_not_all_is_not_called_so(
    cited: int, unnoted: int, said: tuple[str, str]
) -> None:
    page = lines(
        count(TurnStatus.CITED, "participant", cited),
        count(TurnStatus.UNNOTED, "participant", unnoted),
    )
    share = "of what participants said"
    assert f"  cited      1 turn; {said[0]} {share} is in turns that notes cite" in page
    assert f"  not noted  1 turn; {said[1]} {share}" in page


def test_speakers_of_whom_nobody_knows_what_they_are_count_with_participants() -> None:
    page = lines(
        count(TurnStatus.CITED, "unknown", 30),
        count(TurnStatus.UNNOTED, "participant", 70),
        count(TurnStatus.UNREAD, "interviewer", 500),
    )
    share = "of what participants said"
    assert f"  cited      1 turn; 30% {share} is in turns that notes cite" in page
    assert f"  unread     1 turn (1 waiting); 0% {share}" in page


def test_an_unread_turn_shows_which_notes_cite_it_all_the_same() -> None:
    said = TranscriptSegment(4, "Bo", "participant", "words", False, None, None)  # noqa: FBT003
    unread = CoveredTurn(said, TurnStatus.UNREAD, UnreadReason.DEAD, 1)
    cited = CoveredTurn(said, TurnStatus.CITED, None, 2)
    page = lines(turns=(unread, cited))
    assert "4 [--:--] Bo: unread, cited by 1 note (dead)" in page
    assert "4 [--:--] Bo: cited by 2 notes" in page
