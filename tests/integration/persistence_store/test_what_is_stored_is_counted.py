"""What is stored is counted once: notes by standing, words by format and without a speaker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from contracts.notes import Standing
from database.pool import Database
from persistence.store import NotesStore
from support.interviews import REPORT, TURNS, VOUCHED, ingested, note, validated

Grown = Callable[[], dict[str, float]]

WORDS = sum(len(turn.text.split()) for turn in TURNS)
UNNAMED = REPORT.model_copy(update={"unnamed_share": 0.5})


def counted() -> dict[str, float]:
    """All that this test looks at, by name and label."""
    names = [("onrecord_notes_stored_total", "standing", one.value) for one in Standing]
    names += [
        (f"onrecord_{name}_total", "format", "webvtt")
        for name in ("transcripts_read", "words_read", "words_without_speaker")
    ]
    return {
        f"{name} {value}": REGISTRY.get_sample_value(name, {label: value}) or 0.0
        for name, label, value in names
    }


@pytest.fixture
def grown() -> Grown:
    """What has grown since the test began, and by how much."""
    before = counted()
    return lambda: {
        name.removeprefix("onrecord_").replace("_total", ""): now - before[name]
        for name, now in counted().items()
        if now != before[name]
    }


@pytest.mark.parametrize("is_early", [False, True])
async def test_notes_count_by_standing_however_often_they_are_delivered(
    fresh_database: Database, grown: Grown, *, is_early: bool
) -> None:
    store = NotesStore(fresh_database)
    draft = validated(note("They pay", **VOUCHED), note("They leave", standing=Standing.UNPROVEN))
    if is_early:
        await store.store_notes(draft)
        assert grown() == {}
    for _ in range(2):
        await store.store_transcript(ingested(reading_report=None))
        await store.store_notes(draft)
    vouched = str(VOUCHED["standing"].value)
    assert grown() == {f"notes_stored {vouched}": 1, "notes_stored unproven": 1}


async def test_words_count_by_format_with_those_that_nobody_is_named_for(
    fresh_database: Database, grown: Grown
) -> None:
    store = NotesStore(fresh_database)
    for _ in range(2):
        await store.store_transcript(ingested(reading_report=UNNAMED))
    assert grown() == {
        "transcripts_read webvtt": 1,
        "words_read webvtt": WORDS,
        "words_without_speaker webvtt": round(WORDS / 2),
    }


async def test_an_interview_without_a_report_is_not_counted(
    fresh_database: Database, grown: Grown
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(reading_report=None))
    assert grown() == {}
