"""What differs between an older reading of a transcript and today's."""

from __future__ import annotations

import pytest

from contracts.transcript import Role, Segment
from transcripts.differences import compare_transcript_parses

OLD = (
    Segment(number=1, speaker="Ann", text="How was it then?", start_ms=1_000),
    Segment(number=2, speaker="Tom", text="Cold and wet.", start_ms=3_000),
)


def changed(**update: object) -> tuple[Segment, ...]:
    return OLD[0], OLD[1].model_copy(update=update)


def test_the_same_reading_differs_in_nothing() -> None:
    assert compare_transcript_parses(OLD, OLD) == []
    assert compare_transcript_parses(OLD, changed(start_ms=3_020)) == []


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (changed(speaker="Speaker"), [("speaker", "3 words of Tom are now Speaker's")]),
        (changed(role=Role.PARTICIPANT), [("role", "Tom was unknown and is participant")]),
        (changed(start_ms=3_021),
         [("start", "1 turn starts at another time, the first at 3,021 ms instead of 3,000 ms")]),
        (changed(start_ms=None),
         [("start", "1 turn starts at another time, the first at no time instead of 3,000 ms")]),
        (changed(text="Cold wet."), [("words", "1 word gone: “and”")]),
        (changed(text="Cold and very wet."), [("words", "1 word added: “very”")]),
        (OLD[:1], [("words", "3 words gone: “Cold and wet.”")]),
    ],
)  # fmt: skip
def test_says_what_differs(new: tuple[Segment, ...], expected: list[tuple[str, str]]) -> None:
    assert [(one.what, one.sentence) for one in compare_transcript_parses(OLD, new)] == expected


def test_a_turn_that_swallows_another_is_seen() -> None:
    merged = Segment(number=1, speaker="Ann", text="How was it then? Cold and wet.", start_ms=1_000)
    found = compare_transcript_parses(OLD, (merged,))
    assert [one.what for one in found] == ["speaker", "start"]
    assert found[0].sentence == "3 words of Tom are now Ann's"
