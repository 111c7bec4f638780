"""Interviews that are handed over: another producer submits their revisions from then on."""

from __future__ import annotations

from typing import Final

import pytest

from contracts import headers as h
from contracts import ids
from contracts.events import TranscriptSubmitted
from database.pool import Database
from ingestion.errors import TranscriptOwnedByOtherError
from ingestion.registry import StudyRegistry
from support.control_office import Office
from support.interviews import STUDY, TRANSCRIPT

WHY: Final = "he left"


class Sent:
    """A record as its producer wrote it."""

    def __init__(self, source: bytes) -> None:
        self.headers = ((h.CE_SOURCE, source),)
        self.key, self.value = b"key", b"{}"


OLD, NEW, OTHER = Sent(b"/old"), Sent(b"/new"), Sent(b"/other")


def submission(name: str = "interview-1", revision: int = 1) -> TranscriptSubmitted:
    transcript = ids.derive_transcript_id(STUDY.study_id, name)
    return TranscriptSubmitted(
        transcript_id=transcript, revision=revision, title=name, content="A: b", study=STUDY
    )


@pytest.fixture
def registry(fresh_database: Database) -> StudyRegistry:
    return StudyRegistry(fresh_database, is_open=True, cache_s=0)


async def test_an_interview_is_handed_over(office: Office, registry: StudyRegistry) -> None:
    await registry.admit(submission(), OLD)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=2), NEW)
    path = f"/v1/transcripts/{TRANSCRIPT}/handover"
    status, owned = await office.ask("POST", path, {"to": "/new", "reason": WHY})
    assert (status, owned["producer"], owned["study_id"]) == (200, "/new", STUDY.study_id)
    await registry.admit(submission(revision=2), NEW)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=3), OLD)
    (entry,) = (await office.context.trail.page()).entries
    assert (entry.action, entry.target, entry.study_id, entry.reason) == (
        *("transcript.handover", f"{TRANSCRIPT} to /new", STUDY.study_id, WHY),
    )


async def test_the_interviews_of_a_study_are_handed_over(
    office: Office, registry: StudyRegistry
) -> None:
    for number, producer in enumerate((OLD, OLD, OTHER)):
        await registry.admit(submission(str(number)), producer)
    path = f"/v1/studies/{STUDY.study_id}/handover"
    body = {"to": "/new", "reason": WHY}
    status, done = await office.ask("POST", path, body | {"of": "/old"})
    assert (status, done["transcripts"]) == (200, 2)
    await registry.admit(submission("0", 2), NEW)
    await registry.admit(submission("2", 2), OTHER)
    assert (await office.ask("POST", path, body))[1]["transcripts"] == 1
    assert (await office.ask("POST", path, body))[1]["transcripts"] == 0
    assert (await office.ask("POST", "/v1/studies/none/handover", body))[0] == 404
    entries = (await office.context.trail.page(action="study")).entries
    assert [one.target for one in reversed(entries)][:2] == ["/old to /new", "all to /new"]


@pytest.mark.parametrize("body", [{"to": ""}, {"to": "/new", "reason": ""}, {"reason": WHY}])
async def test_a_handover_names_a_producer_and_a_reason(
    office: Office, registry: StudyRegistry, body: dict[str, str]
) -> None:
    await registry.admit(submission(), OLD)
    for path in (f"transcripts/{TRANSCRIPT}", f"studies/{STUDY.study_id}"):
        status, _ = await office.ask("POST", f"/v1/{path}/handover", {"reason": WHY} | body)
        assert status == 400
