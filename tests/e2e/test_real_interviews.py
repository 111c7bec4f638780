"""Recorded interviews of two vendors become stored notes, whatever is killed on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from audit.facts import SubmissionState
from contracts.study import Question, Study, Theme
from contracts.topics import CONTROL, PIPELINE
from support.choice_of_tests import keep_one_in
from support.pipeline import Pipeline, submitted
from support.waiting import until

VENDORS = ("rev", "amberscript")


def study(study_id: str) -> Study:
    return Study(
        study_id=study_id,
        name="Growing up here",
        themes=(
            Theme(id="family", name="Family", description="mother father parents children home"),
            Theme(id="school", name="School", description="teachers classes college learning"),
            Theme(id="place", name="Neighbourhood", description="city streets houses people moved"),
            Theme(id="work", name="Work and money", description="job boss pay money hours"),
        ),
        questions=(
            Question(id="change", text="How has the neighbourhood changed over the years?"),
        ),
    )


def interviews(shared_data: Path) -> list[Path]:
    return sorted(
        path for vendor in VENDORS for path in (shared_data / "interviews" / vendor).glob("*.json")
    )


async def submit_all(pipeline: Pipeline, study_id: str, files: list[Path]) -> None:
    of = study(study_id)
    await pipeline.publish(
        submitted(of, f"{path.parent.name}/{path.stem}", path.read_text("utf-8")) for path in files
    )


@pytest.fixture
async def undisturbed(pipeline: Pipeline, shared_data: Path) -> list[tuple[Any, ...]]:
    """The notes of a run in which nothing is killed; made once."""
    if not await pipeline.notes("undisturbed"):
        await submit_all(pipeline, "undisturbed", interviews(shared_data))
        await pipeline.settled()
    return await pipeline.notes("undisturbed")


@pytest.mark.core
async def test_every_interview_of_both_vendors_ends_in_notes_with_speaker_and_times(
    pipeline: Pipeline, shared_data: Path, undisturbed: list[tuple[Any, ...]]
) -> None:
    titles = {f"{path.parent.name}/{path.stem}" for path in interviews(shared_data)}
    assert len(titles) == 18
    assert {note[0] for note in undisturbed} == titles
    for *_, evidence in undisturbed:
        for _segment, _start, _length, quote, speaker, role, start_ms, end_ms in evidence:
            assert quote
            assert speaker
            assert role != "interviewer"
            assert 0 <= start_ms <= end_ms
    balance = await pipeline.audit()
    assert balance.balances
    assert balance.chunks.states[SubmissionState.DEAD] == 0


@pytest.mark.parametrize("service", keep_one_in(3, [*PIPELINE, CONTROL]))
async def test_killing_a_service_in_the_middle_changes_no_note(
    pipeline: Pipeline, shared_data: Path, undisturbed: list[tuple[Any, ...]], service: str
) -> None:
    study_id = f"killed-{service}"
    await submit_all(pipeline, study_id, interviews(shared_data))
    await begun(pipeline, study_id)
    await asyncio.to_thread(pipeline.stack.kill, service)
    interviews_read, chunks_known, chunks_stored = await progress(pipeline, study_id)
    assert interviews_read < 18 or chunks_stored < chunks_known, "killed too late to prove anything"
    await asyncio.to_thread(pipeline.stack.restart, service)
    balance = await pipeline.settled()
    assert balance.balances
    assert await pipeline.notes(study_id) == undisturbed


async def begun(pipeline: Pipeline, study_id: str) -> None:
    """Wait until the first chunks are stored, which is far from the end."""

    async def some_are_stored() -> bool:
        return (await progress(pipeline, study_id))[2] > 0

    await until(some_are_stored, within_s=60)


async def progress(pipeline: Pipeline, study_id: str) -> tuple[int, int, int]:
    """How many interviews are read, chunks are known, and chunks are stored."""
    query = """
        SELECT count(DISTINCT transcript_id), count(chunk_id), count(stored_at)
          FROM transcripts LEFT JOIN chunks USING (transcript_id, revision)
         WHERE study_id = $1
    """
    row = (await pipeline.rows(query, study_id))[0]
    return row[0], row[1], row[2]
