"""Every request that changes something or reads exact words has an entry in the trail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from contracts.access import TrailOutcome
from database.pool import Database
from persistence.store import NotesStore
from support.changing_requests import (
    STUDY_ID,
    ChangingRequests,
    changing,
    open_office_and_stage,
)
from support.control_office import Office
from support.interviews import STUDY, TRANSCRIPT, ingested, note, refused, validated

WHY: Final = "it was asked for"

IN_ORDER: Final = (
    ("PUT", "/letters/{letter_id}/edit"),
    ("DELETE", "/letters/{letter_id}/edit"),
    ("POST", "/letters/{letter_id}/snooze"),
    ("POST", "/letters/{letter_id}/discard"),
    ("POST", "/letters/{letter_id}/restore"),
    ("POST", "/letters/discard"),
    ("POST", "/letters/restore"),
    ("POST", "/plans"),
    ("POST", "/rehearsals"),
    ("POST", "/plans/{plan_id}/start"),
    ("POST", "/plans/{plan_id}/pause"),
    ("POST", "/plans/{plan_id}/resume"),
    ("POST", "/plans/{plan_id}/cancel"),
    ("POST", "/letters/{letter_id}/replay"),
    ("POST", "/transcripts/{transcript_id}/fix"),
    ("POST", "/studies/{study_id}/refresh"),
)
"""What one request does the next one takes; the last two are of a study before it is archived."""

READINGS: Final = {
    "/letters/{letter_id}": "letter.read",
    "/letters/{letter_id}/value": "letter.read",
    "/letters/{letter_id}/edit": "letter.read",
    "/studies/{study_id}/notes?exact=true": "notes.read_exact",
    "/studies/{study_id}/notes/rejected": "notes.read_rejected",
    "/transcripts/{transcript_id}/segments?exact=true": "segments.read_exact",
    "/transcripts/{transcript_id}/reading-report?exact=true": "reading_report.read_exact",
    "/notes/{note_id}/evidence?exact=true": "note.read_exact",
    "/notes/{note_id}?exact=true": "note.read_exact",
    "/notes/{note_id}/explanation": "note.explain",
    "/search?q=recommend&exact=true": "search.exact",
}
"""Requests that read exact words or a letter's value, and the action of each."""


@pytest.fixture
async def office(broker: str, fresh_database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office_and_stage(broker, fresh_database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def requests(office: Office) -> ChangingRequests:
    prepared = ChangingRequests(office)
    await prepared.begin()
    return prepared


async def test_whatever_is_changed_has_an_entry_with_who_what_why_and_from_where(
    office: Office, requests: ChangingRequests
) -> None:
    unsuccessful = set()
    rest = [one for one in changing() if one not in IN_ORDER]
    # What ends the session comes last.
    for method, path in (*IN_ORDER, *sorted(rest, key=lambda one: one == ("DELETE", "/session"))):
        before = {one.entry_id for one in (await office.context.trail.page(limit=500)).entries}
        answer = await requests.send(method, path, **{"Onrecord-Reason": WHY})
        assert answer.is_success or answer.status_code in {404, 409}, (method, path, answer.text)
        entries = (await office.context.trail.page(limit=500)).entries
        added = [one for one in entries if one.entry_id not in before]
        if not answer.is_success:
            unsuccessful.add((method, path, answer.json()["detail"][:70]))
            continue
        assert added, (method, path)
        for one in added:
            assert (one.actor, one.address) == ("admin", "127.0.0.1"), (method, path)
            assert one.action, (method, path)
            assert one.outcome is TrailOutcome.DONE, (method, path)
            assert one.status == answer.status_code, (method, path)
            assert one.reason in {WHY, "a test"}, (method, path)
            if "{study_id}" in path:
                assert one.study_id == STUDY_ID, (method, path)
    assert unsuccessful == set()


async def test_whatever_reads_exact_words_has_an_entry(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    found = note("She would not recommend it")
    await store.store_notes(validated(found, rejected=(refused(),)))
    letter = await office.died(b"an interview", 1)
    names = {
        "letter_id": str(letter),
        "study_id": STUDY.study_id,
        "transcript_id": str(TRANSCRIPT),
        "note_id": str(found.note_id),
    }
    for path, action in READINGS.items():
        before = len((await office.context.trail.page(limit=500)).entries)
        answer = await office.client.get(f"{office.url}/v1{path.format(**names)}")
        # There is no event in these bytes that could be edited.
        assert answer.status_code in {200, 422}, (path, answer.text)
        entries = (await office.context.trail.page(limit=500)).entries
        assert len(entries) == before + 1, path
        assert entries[0].action == action, path
        assert entries[0].status == answer.status_code, path
