"""Corrections by people: what does not change for the model costs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from audit.facts import SubmissionState
from contracts.events import TranscriptSubmitted
from contracts.study import Study, Theme
from support.pipeline import Pipeline, submitted

THEMES = (Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),)
STUDY = Study(
    study_id="corrected", name="Corrected", themes=THEMES, personal_data="allow", statements="all"
)
ANSWER = "I paid {} dollars for that one, and it broke again after a week, and cost more. "
OTHERS = "The insurance that I pay every month is expensive, and nobody told me before. "


def build_talk() -> TranscriptSubmitted:
    """An interview of several chunks; a third person speaks in the last one alone.

    No answer repeats another turn's: of notes that say the same, the one is shown whose chunk is
    stored first.
    """
    turns = []
    for number in range(12):
        turns += [
            f"Interviewer: What did repair {number} cost?",
            f"Speaker 1: {ANSWER.format(number + 41) * 12}",
        ]
    turns += ["Interviewer: And you?", f"Speaker 2: {OTHERS * 3}"]
    return submitted(STUDY, "A talk", "\n\n".join(turns))


async def count_calls(pipeline: Pipeline) -> tuple[int, int, int]:
    """Calls of models for drafts, all calls of models, and the current notes."""
    (row,) = await pipeline.rows(
        "SELECT count(*) FILTER (WHERE purpose = 'draft') AS drafts, count(*) AS calls,"
        " (SELECT count(*) FROM current_notes WHERE study_id = 'corrected') AS notes"
        " FROM llm_calls WHERE study_id = 'corrected'"
    )
    return row["drafts"], row["calls"], row["notes"]


async def read_notes(pipeline: Pipeline, transcript_id: Any) -> list[tuple[Any, ...]]:
    rows = await pipeline.rows(
        "SELECT note.revision, coalesce(note.statement, note.model_reading) AS statement,"
        "       cited.segment, cited.start_char, cited.quote, cited.speaker, cited.start_ms"
        "  FROM current_notes AS note JOIN evidence AS cited USING (note_id)"
        " WHERE note.transcript_id = $1 ORDER BY 3, 4, 2",
        transcript_id,
    )
    return [tuple(row) for row in rows]


@pytest.mark.long
async def test_speakers_roles_and_titles_are_corrected_and_only_what_changes_is_asked_again(
    pipeline: Pipeline,
) -> None:
    talk = build_talk()
    interview = str(talk.transcript_id)
    await pipeline.publish([talk])
    await pipeline.settled()
    before = await read_notes(pipeline, talk.transcript_id)
    spent = await count_calls(pipeline)
    assert min(spent) > 0
    assert {one[5] for one in before} == {"Speaker 1", "Speaker 2"}
    (row,) = await pipeline.rows(
        "SELECT chunk_count FROM transcripts WHERE transcript_id = $1", talk.transcript_id
    )
    chunks = row["chunk_count"]
    assert chunks >= 3

    # A title is in no prompt: no call at all, and the same notes.
    named = ("transcript", "fix", interview, "--title", "Amara, 3 May")
    planned = await pipeline.ask(*named, "--dry-run")
    assert (planned["asked_again"], planned["is_estimate"]) == ([], False)
    done = await pipeline.ask(*named, "--wait", "--reason", "it was the file's name")
    assert done["revision"] == 2
    assert await count_calls(pipeline) == spent
    after = await read_notes(pipeline, talk.transcript_id)
    assert [one[1:] for one in after] == [one[1:] for one in before]
    assert {one[0] for one in after} == {2}
    shown = await pipeline.ask("transcript", "show", interview)
    assert shown["transcript"]["title"] == "Amara, 3 May"
    assert shown["reading_report"]["notices"][0] == "corrected by people: title"

    # The speaker of the last chunk: that chunk alone is asked again.
    renamed = ("transcript", "fix", interview, "--rename", "Speaker 2=Ben Ode", "--role")
    planned = await pipeline.ask(*renamed, "Ben Ode=participant", "--dry-run")
    assert planned["asked_again"] == [chunks]
    await pipeline.ask(*renamed, "Ben Ode=participant", "--wait")
    assert (await count_calls(pipeline))[0] == spent[0] + 1
    after = await read_notes(pipeline, talk.transcript_id)
    assert {one[5] for one in after} == {"Speaker 1", "Ben Ode"}
    places = [(one[2:5], one[6]) for one in before]
    assert [(one[2:5], one[6]) for one in after] == places, "no quote moved"

    # Who speaks in nearly all turns: the chunks that the dry run names, and no other.
    renamed_all = ("transcript", "fix", interview, "--rename", "Speaker 1=Amara Okafor")
    planned = await pipeline.ask(*renamed_all, "--dry-run")
    assert len(planned["asked_again"]) >= chunks - 1
    await pipeline.ask(*renamed_all, "--wait")
    again = len(planned["asked_again"])
    assert (await count_calls(pipeline))[0] == spent[0] + 1 + again
    found = await pipeline.ask("notes", "--study", "corrected")
    speakers = {quote["speaker"] for one in found for quote in one["evidence"]}
    assert speakers == {"Amara Okafor", "Ben Ode"}

    refused = await pipeline.onrecord(
        *("transcript", "fix", interview, "--rename", "Amara=Ada"), code=2
    )
    assert refused == ""
    balance = await pipeline.settled()
    assert balance.balances
    assert balance.submissions.states[SubmissionState.SUPERSEDED] >= 3


async def test_a_withdrawn_correction_leaves_what_was_before(pipeline: Pipeline) -> None:
    study = STUDY.model_copy(update={"study_id": "corrected-wrongly"})
    talk = submitted(study, "Another", f"Interviewer: Well?\n\nSpeaker 1: {ANSWER.format(40)}")
    interview = str(talk.transcript_id)
    await pipeline.publish([talk])
    await pipeline.settled()
    before = await read_notes(pipeline, talk.transcript_id)
    await pipeline.ask("transcript", "fix", interview, "--rename", "Speaker 1=Zoe", "--wait")
    assert {one[5] for one in await read_notes(pipeline, talk.transcript_id)} == {"Zoe"}
    await pipeline.ask("transcript", "withdraw", interview, "--reason", "it was not Zoe")
    assert await read_notes(pipeline, talk.transcript_id) == before
    balance = await pipeline.settled()
    assert balance.balances
