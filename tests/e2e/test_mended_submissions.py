"""A submission that is no valid event is mended by an edit, and it is known what became of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from contracts import ids
from contracts.control_api import DeadLetter, DeadLetterState, DeadLetterWithValue
from contracts.letter_edits import LetterEdits
from contracts.topics import TRANSCRIPTS_SUBMITTED
from onrecord.connections import open_control_client
from onrecord.settings import ClientSettings
from support.pipeline import Pipeline
from support.waiting import until

pytestmark = pytest.mark.long

INTERVIEW = ids.derive_transcript_id("mended", "no title")
SUBMITTED: dict[str, Any] = {
    "transcript_id": str(INTERVIEW),
    "title": "",
    "study": {
        "study_id": "mended",
        "name": "Paying for repairs",
        "themes": [{"id": "pricing", "name": "Prices", "description": "cost, dollars, pay"}],
    },
    "content": "Interviewer: What did you pay?\n\nParticipant: I paid sixty dollars for it.\n",
}


async def test_an_invalid_submission_is_resolved_once_it_is_edited_and_replayed(
    pipeline: Pipeline,
) -> None:
    value = json.dumps(SUBMITTED).encode()
    await pipeline.publish_bytes(TRANSCRIPTS_SUBMITTED.name, value, key=str(INTERVIEW).encode())

    async def find_letter() -> UUID | None:
        found = await pipeline.rows(
            "SELECT letter_id FROM dead_letters WHERE subject = $1", str(INTERVIEW)
        )
        return found[0]["letter_id"] if found else None

    letter = await until(find_letter)

    async def is_refused() -> bool:
        return await outcomes_of(pipeline) == ["refused"]

    await until(is_refused)
    path = f"/v1/letters/{letter}"
    async with open_control_client(ClientSettings.load(pipeline.env)) as control:
        await control.send(
            "PUT",
            f"{path}/edit",
            LetterEdits,
            json={"value": SUBMITTED | {"title": "Paying"}, "reason": "it had no title"},
            headers={"If-Match": "*"},
        )
        await control.send("POST", f"{path}/replay", DeadLetter)

        async def is_resolved() -> bool:
            found = await control.get(path, DeadLetterWithValue)
            return found.letter.state is DeadLetterState.RESOLVED

        await until(is_resolved, within_s=60)

    async def is_complete() -> bool:
        return await outcomes_of(pipeline) == ["complete"]

    await until(is_complete, within_s=60)
    assert not (await pipeline.settled()).lost


async def outcomes_of(pipeline: Pipeline) -> list[str]:
    rows = await pipeline.rows("SELECT event FROM settlements WHERE transcript_id = $1", INTERVIEW)
    return [json.loads(row["event"])["outcome"] for row in rows]
