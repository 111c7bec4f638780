"""Notes that oppose each other as a page: what was not compared, and what is said of a note."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.notes import Standing
from grounding.opposition import Opposition
from onrecord.pages.disagreements import TopicDisagreements, format_disagreements
from read_model.disagreements import DisagreementReport, OpposingNotes
from read_model.notes import StoredNote

COMPLETE = DisagreementReport(
    pairs=(),
    found=0,
    notes=460,
    total=460,
    hidden=0,
    foreign_language=0,
    masked=0,
    compared=10,
    candidates=10,
    is_cut=False,
    is_complete=True,
)


def page(**changes: Any) -> list[str]:
    fields = {name: getattr(COMPLETE, name) for name in COMPLETE.__dataclass_fields__} | changes
    topic = TopicDisagreements("question", "q", "Why?", DisagreementReport(**fields))
    return [str(one).rstrip() for one in format_disagreements([topic], 200)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"is_cut": True}, "no pairs that share frequent words only"),
        ({"compared": 4}, "4 of 10 pairs that share enough words"),
        ({"notes": 400, "compared": 4}, "400 of 460 notes; 4 of 10 pairs that share enough words"),
        (
            {"notes": 400, "hidden": 10, "foreign_language": 20, "masked": 30},
            (
                "400 of 460 notes (left out: 10 of studies that show no statements, "
                "20 not in English, 30 with a placeholder for a name)"
            ),
        ),
    ],
)
def test_a_page_says_what_was_not_compared_and_why(changes: dict[str, Any], said: str) -> None:
    assert page(is_complete=False, **changes) == [
        "Why? (0 pairs)",
        f"not all was compared: {said}",
        "",
    ]


def test_a_page_of_all_says_nothing_of_it() -> None:
    assert page() == ["Why? (0 pairs)", ""]


def note(statement: str | None, reading: str | None) -> StoredNote:
    return StoredNote(
        note_id=UUID(int=1),
        statement=statement,
        model_reading=reading,
        standing=Standing.PROVEN if statement else Standing.UNPROVEN,
        vouchers=(),
        study_id="s",
        transcript_id=UUID(int=2),
        revision=1,
        title="Ada",
        chunk_id=UUID(int=3),
        themes=(),
        questions=(),
        evidence=(),
        model="m",
        prompt_version="p",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        flags=({"check": "unheard_of", "reason": "why"},),
    )


def test_flags_of_notes_are_shown_as_in_the_list_of_notes() -> None:
    pair = OpposingNotes(Opposition.OPPOSITE, note("Prices rose.", None), note(None, "They fell."))
    shown = "\n".join(page(pairs=(pair,), found=1))
    assert shown.count("flagged: unheard_of") == 2
