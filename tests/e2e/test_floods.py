"""What strangers send stops nobody: a flood of garbage, before and after it is replayed."""

from __future__ import annotations

import asyncio
import json

import pytest

from audit.facts import SubmissionState
from contracts.errors import ErrorCode
from contracts.study import Study, Theme
from onrecord import cli
from support.pipeline import Pipeline, submitted
from support.waiting import until

LINES = 120
STUDY = Study(
    study_id="flood",
    name="Paying for repairs",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
)
TALK = (
    "Interviewer: What did you pay?\n\nParticipant: I paid forty dollars for the repair, no more.\n"
)
WITHIN_S = 60.0


async def is_stored(pipeline: Pipeline, title: str) -> None:
    """Wait until an interview has ended in a note."""

    async def look() -> bool:
        return any(note[0] == title for note in await pipeline.notes(STUDY.study_id))

    await until(look, within_s=WITHIN_S)


async def open_garbage(pipeline: Pipeline) -> int:
    query = "SELECT count(*) FROM dead_letters WHERE error_code = $1 AND state = 'open'"
    ((number,),) = await pipeline.rows(query, ErrorCode.UNDECODABLE)
    return int(number)


async def test_garbage_under_an_interviews_key_holds_it_up_in_no_way(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await pipeline.settled()
    already = await open_garbage(pipeline)
    first = submitted(STUDY, "behind a flood", TALK)
    lines = [b"Participant: line %d\n" % number for number in range(LINES)]
    await pipeline.publish_lines("transcripts-submitted", lines, key=first.key.encode())
    await pipeline.publish([first])

    await is_stored(pipeline, first.title)
    balance = await pipeline.settled()

    assert balance.balances
    assert balance.submissions.total - before.submissions.total == 1
    assert (
        balance.submissions.states[SubmissionState.DEAD]
        == before.submissions.states[SubmissionState.DEAD]
    )
    assert balance.unreadable.total - before.unreadable.total == LINES
    assert await open_garbage(pipeline) == already + LINES

    for name, value in pipeline.env.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    assert (
        await asyncio.to_thread(cli.run_command, ["dlq", "replay", "--all", "--yes", "--json"]) == 0
    )
    output = json.loads(capsys.readouterr().out)
    assert output["left_out"][ErrorCode.UNDECODABLE] == already + LINES
    second = submitted(STUDY, "behind a replay", TALK)
    await pipeline.publish([second])
    await is_stored(pipeline, second.title)


async def test_a_revision_that_no_database_takes_does_not_keep_the_books_from_balancing(
    pipeline: Pipeline,
) -> None:
    event = submitted(STUDY, "revision of a billion", TALK)
    document = event.model_dump(mode="json") | {"revision": 2**31}
    await pipeline.publish_bytes(
        "transcripts-submitted", json.dumps(document).encode(), key=event.key.encode()
    )

    balance = await pipeline.settled()

    assert balance.balances
    assert len(await pipeline.letters(event.transcript_id)) >= 1
