"""The turns around a time of a recording."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from onrecord.errors import UsageError
from onrecord.turns import find_turns_at, parse_recording_time
from read_model.transcripts import TranscriptSegment

TIMES = (None, 10_000, None, 20_000, 30_000, None, 40_000, 50_000)


class Talk:
    """Segments that begin at some times, and how many of them were read."""

    def __init__(self, *times: int | None) -> None:
        self.times = times
        self.read = 0

    async def segments(self) -> AsyncIterator[TranscriptSegment]:
        for number, start in enumerate(self.times, 1):
            self.read = number
            yield TranscriptSegment(
                number, "Bo", "participant", "Yes.", is_masked=False, start_ms=start, end_ms=None
            )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:00", 0), ("12:34", 754), (" 1:02:03 ", 3_723), ("75:00", 4_500), ("00:00:07", 7)],
)
def test_a_time_of_a_recording_is_read_as_players_show_it(text: str, seconds: int) -> None:
    assert parse_recording_time(text) == seconds * 1_000


@pytest.mark.parametrize(
    "text", ["", "12", "12:3", "12:60", "1:60:00", "-1:00", "1:2:3:04", "\u0663:\u0660\u0660"]
)
def test_anything_else_is_told_to_be_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time of a recording"):
        parse_recording_time(text)


@pytest.mark.parametrize(
    ("at", "turns", "numbers"),
    [
        (25_000, 0, [4]),
        (25_000, 1, [3, 4, 5]),
        (30_000, 1, [4, 5, 6]),
        (0, 1, [1, 2, 3]),
        (10_000, 5, [1, 2, 3, 4, 5, 6, 7]),
        (3_600_000, 1, [7, 8]),
    ],
)
async def test_the_turn_is_the_last_that_began_by_then(
    at: int, turns: int, numbers: list[int]
) -> None:
    found = await find_turns_at(Talk(*TIMES).segments(), at, turns)
    assert [one.number for one in found] == numbers


async def test_what_comes_behind_the_turns_is_not_read() -> None:
    talk = Talk(*range(0, 1_000_000, 1_000))
    await find_turns_at(talk.segments(), 5_000, 2)
    assert talk.read == 8


async def test_times_that_jump_back_later_do_not_move_the_turn() -> None:
    found = await find_turns_at(Talk(0, 10_000, 30_000, 5_000, 8_000).segments(), 15_000, 2)
    assert [one.number for one in found] == [1, 2, 3, 4]


async def test_an_interview_without_times_says_so() -> None:
    with pytest.raises(UsageError, match="without --at"):
        await find_turns_at(Talk(None, None).segments(), 0, 1)
