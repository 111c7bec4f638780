"""Nobody hides or replaces an interview that is another's; and unknown studies lose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.facts import SubmissionState
from contracts.study import Study, Theme
from messaging import Publisher
from support.http_client import http_client
from support.pipeline import Pipeline, submitted

LARGEST = 2**31 - 1
THEMES = (Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),)
OURS = Study(study_id="ours", name="Ours", themes=THEMES)
THEIRS = Study(study_id="theirs", name="Theirs", themes=THEMES)
TALK = "Interviewer: What did you pay?\n\nParticipant: I paid forty dollars for the repair.\n"
OTHER_TALK = "Interviewer: And?\n\nParticipant: It cost me nothing, I pay no dollars at all.\n"

STORED = """
SELECT transcript.revision, transcript.study_id, transcript.title, transcript.content_sha256,
       array(SELECT statement FROM notes WHERE notes.transcript_id = transcript.transcript_id
              ORDER BY note_id) AS notes,
       array(SELECT note_id FROM current_notes
              WHERE current_notes.transcript_id = transcript.transcript_id ORDER BY 1) AS shown
  FROM transcripts AS transcript
 WHERE transcript_id = $1
"""


def read_token(env: Mapping[str, str]) -> str:
    return Path(env["ONRECORD_TOKEN_FILE"]).read_text("ascii").strip()


async def submit_as(pipeline: Pipeline, source: str, *events: Any) -> None:
    async with Publisher(pipeline.kafka, source=source) as publisher:
        await publisher.publish(events)


async def test_anothers_claim_on_an_interview_leaves_it_and_its_notes_as_they_were(
    pipeline: Pipeline,
) -> None:
    ours = submitted(OURS, "is ours", TALK)
    await submit_as(pipeline, "/portal", ours)
    await pipeline.settled()
    before = await pipeline.rows(STORED, ours.transcript_id)
    assert before[0]["shown"], "it has notes"
    shown = await pipeline.ask("transcript", "show", str(ours.transcript_id))
    assert [one["role"] for one in shown["reading_report"]["speakers"]] == [
        *("interviewer", "participant")
    ]

    stolen = ours.model_copy(
        update={"study": THEIRS, "revision": LARGEST, "content": OTHER_TALK, "supersedes": 1}
    )
    await submit_as(pipeline, "/stranger", stolen)
    await submit_as(pipeline, "/portal", stolen.model_copy(update={"revision": 2}))
    await submit_as(pipeline, "/stranger", stolen.model_copy(update={"study": OURS}))
    jump = ours.model_copy(update={"revision": LARGEST, "content": OTHER_TALK})
    await submit_as(pipeline, "/portal", jump)
    balance = await pipeline.settled()

    assert await pipeline.rows(STORED, ours.transcript_id) == before
    letters = await pipeline.letters(ours.transcript_id)
    assert sorted(one["error_code"] for one in letters) == [*["not_yours"] * 3, "revision_gap"]
    assert balance.submissions.states[SubmissionState.DEAD] >= 4
    assert balance.balances

    corrected = ours.model_copy(update={"revision": 2, "content": OTHER_TALK})
    await submit_as(pipeline, "/portal", corrected)
    await pipeline.settled()
    assert len(await pipeline.rows(STORED, ours.transcript_id)) == 2, "its producer corrects it"


async def test_an_interview_of_an_unknown_study_waits_as_a_letter_until_it_is_registered(
    pipeline: Pipeline,
) -> None:
    late = submitted(THEIRS, "is early", TALK).model_copy(
        update={"study": None, "study_id": "registered-late"}
    )
    await submit_as(pipeline, "/portal", late)
    await pipeline.settled()
    (letter,) = await pipeline.letters(late.transcript_id)
    assert letter["error_code"] == "unknown_study"
    assert "the study registered-late is not registered" in letter["error_message"]

    study = THEIRS.model_copy(update={"study_id": "registered-late"})
    await submit_as(pipeline, "/portal", submitted(study, "registers it", TALK))
    await pipeline.settled()
    env = pipeline.env
    token = read_token(env)
    async with http_client() as client:
        answer = await client.post(
            f"{env['ONRECORD_CONTROL_URL']}/v1/letters/replay",
            json={"code": "unknown_study", "limit": 100},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200, answer.text
    await pipeline.settled()
    (stored,) = await pipeline.rows(
        "SELECT study FROM transcripts WHERE transcript_id = $1", late.transcript_id
    )
    assert '"version": 1' in stored["study"]


async def test_a_wrong_revision_is_withdrawn_and_the_books_balance(pipeline: Pipeline) -> None:
    ours = submitted(OURS, "is corrected wrongly", TALK)
    await submit_as(pipeline, "/portal", ours)
    await pipeline.settled()
    (before,) = await pipeline.rows(STORED, ours.transcript_id)
    assert before["shown"], "it has notes"
    wrong = ours.model_copy(update={"revision": LARGEST, "content": OTHER_TALK, "supersedes": 1})
    await submit_as(pipeline, "/portal", wrong)
    withdrawn_by_others = (await pipeline.settled()).submissions.states[SubmissionState.WITHDRAWN]
    assert len(await pipeline.rows(STORED, ours.transcript_id)) == 2
    env = pipeline.env
    async with http_client() as client:
        answer = await client.post(
            f"{env['ONRECORD_CONTROL_URL']}/v1/transcripts/{ours.transcript_id}/withdraw",
            json={"reason": "a typo"},
            headers={"Authorization": f"Bearer {read_token(env)}"},
        )
    assert (answer.status_code, answer.json()["revision"]) == (200, LARGEST), answer.text
    await submit_as(pipeline, "/portal", wrong)
    balance = await pipeline.settled()
    assert balance.balances
    withdrawn = balance.submissions.states[SubmissionState.WITHDRAWN]
    assert withdrawn == withdrawn_by_others + 1, "the other is a letter"
    stored = await pipeline.rows(STORED, ours.transcript_id)
    assert [row["shown"] for row in stored] == [before["shown"]] * 2
    (letter,) = await pipeline.letters(ours.transcript_id)
    assert letter["error_code"] == "revision_withdrawn"
    await submit_as(pipeline, "/portal", ours.model_copy(update={"revision": 2}))
    await pipeline.settled()
    stored = await pipeline.rows(STORED, ours.transcript_id)
    assert sorted(row["revision"] for row in stored) == [1, 2, LARGEST]


async def test_interviews_are_asked_again_and_the_books_balance(pipeline: Pipeline) -> None:
    study = OURS.model_copy(update={"study_id": "asked-again"})
    talks = [submitted(study, name, f"{TALK}\n\nInterviewer: {name}?\n") for name in ("One", "Two")]
    await submit_as(pipeline, "/portal", *talks)
    await pipeline.settled()
    env = pipeline.env
    base = f"{env['ONRECORD_CONTROL_URL']}/v1/studies/{study.study_id}"
    headers = {"Authorization": f"Bearer {read_token(env)}"}
    async with http_client() as client:
        edited = await client.patch(
            f"{base}/registration",
            json={"themes": [{"id": "repair", "name": "Repair", "description": "repair, paid"}]},
            headers=headers | {"If-Match": "*"},
        )
        assert edited.json()["version"] == 2, edited.text
        plan = (
            await client.post(f"{base}/refresh", json={"dry_run": True}, headers=headers)
        ).json()
        assert (plan["outdated"], plan["estimate"]["measured_chunks"]) == (2, 2)
        assert plan["estimate"]["calls_low"] >= 2
        asked = (await client.post(f"{base}/refresh", json={}, headers=headers)).json()
        assert asked["requested"] == 2
        balance = await pipeline.settled()
        assert balance.balances
        again = (await client.post(f"{base}/refresh", json={}, headers=headers)).json()
        assert (again["up_to_date"], again["requested"]) == (2, 0)
        notes = (await client.get(f"{base}/notes", headers=headers)).json()["notes"]
    assert notes
    assert {(one["revision"], one["study_version"]) for one in notes} == {(1_000_000_001, 2)}
    for talk in talks:
        first, second = await pipeline.rows(f"{STORED} ORDER BY 1", talk.transcript_id)
        assert first["notes"], "notes of the version before are kept"
        assert second["title"] == first["title"]
