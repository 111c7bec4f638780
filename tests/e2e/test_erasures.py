"""A participant asks to be forgotten while the system is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.facts import SubmissionState
from contracts.events import SettledOutcome
from contracts.study import Study, Theme
from database.pool import open_database
from onrecord import Producer
from support.marked_words import find_marked, find_marked_files
from support.pipeline import Pipeline, submitted
from support.waiting import until

STUDY = Study(
    study_id="forgotten",
    name="Paying for repairs",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
)
TALK = (
    "Interviewer: What did you pay, {name}?\n\n"
    "{name}: I paid fifty dollars for the {name} repair, which was too expensive for me.\n\n"
    "Interviewer: And before?\n\n"
    "{name}: I paid forty dollars the year before, and {name} was happy.\n"
)
WITHIN_S = 90.0
OTHERS = 12


async def test_a_participant_is_erased_while_others_are_on_their_way(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    gone = submitted(STUDY, "of Wanderquist", TALK.format(name="Wanderquist"))
    kept = [
        submitted(STUDY, f"of Person{number}", TALK.format(name=f"Person{number}"))
        for number in range(OTHERS)
    ]
    receipt = tmp_path / "receipt.json"
    before = (await pipeline.settled()).submissions.states
    async with Producer(pipeline.kafka) as producer:
        await producer.send(gone)
        (stored,) = [one async for one in producer.settled([gone], timeout_s=WITHIN_S)]
        assert (stored.outcome, stored.notes > 0) == (SettledOutcome.COMPLETE, True)
        for event in kept:
            await producer.send(event)
        plan = await pipeline.ask(
            *("erase", "participant", "wanderquist", "--study", STUDY.study_id),
            *("--reason", "consent", "--dry-run"),
        )
        assert [one["transcript_id"] for one in plan["named"]] == [str(gone.transcript_id)]
        await pipeline.onrecord(
            *("erase", "participant", "wanderquist", "--study", STUDY.study_id),
            *("--reason", "consent", "--yes", "--wait", "120", "--output", str(receipt)),
        )
        outcomes = [one async for one in producer.settled(kept, timeout_s=WITHIN_S)]
        assert {one.outcome for one in outcomes} == {SettledOutcome.COMPLETE}
    async with Producer(pipeline.kafka) as producer:
        # Sent again, it is discarded, and its producer is told.
        await producer.send(gone)
        (erased,) = [one async for one in producer.settled([gone], timeout_s=WITHIN_S)]
        assert (erased.outcome, erased.chunks) == (SettledOutcome.ERASED, 0)

    assert "Wanderquist" not in receipt.read_text(encoding="utf-8")
    await pipeline.onrecord("erase", "verify", str(receipt))
    changed = receipt.read_text(encoding="utf-8").replace("participant", "transcript")
    receipt.write_text(changed, encoding="utf-8")
    await pipeline.onrecord("erase", "verify", str(receipt), code=1)

    balance = await pipeline.settled()
    assert balance.balances, balance.lost
    erased_before = before[SubmissionState.ERASED]
    assert balance.submissions.states[SubmissionState.ERASED] == erased_before + 2
    async with open_database(pipeline.postgres) as database:
        assert await find_marked(database, "wanderquist") == {}
        stored_notes = await database.fetchval(
            "SELECT count(DISTINCT transcript_id) FROM notes WHERE study_id = $1", STUDY.study_id
        )
        assert stored_notes == OTHERS


async def test_no_file_of_the_database_has_the_name_once_its_space_is_given_back(
    pipeline: Pipeline,
) -> None:
    """As the receipt says it of PostgreSQL; its write-ahead log is overwritten in time."""
    folder = pipeline.stack.home.data / "postgres"
    if not folder.is_dir():
        pytest.skip("the database's files are in a container")
    event = submitted(STUDY, "of Quillfeather", TALK.format(name="Quillfeather"))
    async with Producer(pipeline.kafka) as producer:
        await producer.send(event)
        (stored,) = [one async for one in producer.settled([event], timeout_s=WITHIN_S)]
    assert stored.outcome is SettledOutcome.COMPLETE
    async with open_database(pipeline.postgres) as database:
        await database.execute("CHECKPOINT")
        assert find_table_files(folder, b"Quillfeather")
        await pipeline.onrecord(
            *("erase", "transcript", str(event.transcript_id), "--reason", "consent", "--yes"),
            *("--wait", "120"),
        )
        for statement in ("VACUUM FULL", "CHECKPOINT"):
            await database.execute(statement)

    async def is_gone() -> bool:  # replaced files are deleted shortly after
        return not find_table_files(folder, b"Quillfeather")

    await until(is_gone)


def find_table_files(folder: Path, word: bytes) -> list[Path]:
    """Files of tables, indexes and statistics that have a word."""
    return [one for one in find_marked_files(folder, word) if "pg_wal" not in one.parts]
