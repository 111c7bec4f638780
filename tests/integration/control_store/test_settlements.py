"""Every interview is settled once by what stores it or sets it aside, in whatever order that is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import permutations

import pytest

from contracts.events import SettledReason
from control.interviews.settling import DECISIONS_LOCK
from database.errors import DatabaseUnavailableError
from database.pool import Database
from messaging import KafkaUnavailableError
from support.interviews import TRANSCRIPT, note, sha, validated
from support.postgres import TestServer
from support.settled_interviews import SettledInterview


@pytest.fixture
def interview(fresh_database: Database) -> SettledInterview:
    return SettledInterview(fresh_database)


async def test_an_interview_is_complete_with_its_last_chunk(interview: SettledInterview) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    assert await interview.settle() == []
    await interview.store(2)
    (event,) = await interview.settle()
    assert (event.transcript_id, event.revision, event.content_sha256) == (TRANSCRIPT, 1, sha("a"))
    assert (event.number, event.outcome.value) == (1, "complete")
    assert (event.chunks, event.stored, event.dead, event.notes) == (2, 2, 0, 2)
    assert await interview.settle() == []


async def test_whatever_comes_last_settles_the_interview(
    interview: SettledInterview, fresh_database: Database
) -> None:
    steps: tuple[Callable[[], Awaitable[object]], ...] = (
        interview.submit,
        interview.ingest,
        partial(interview.store, 1),
        partial(interview.dies, 2),
    )
    for order in permutations(steps):
        await fresh_database.execute(
            "TRUNCATE transcripts, submissions, dead_letters, settlements, settlement_checks, "
            "pending_drafts CASCADE"
        )
        for step in order[:-1]:
            await step()
            assert await interview.settle() == []
        await order[-1]()
        assert await interview.outcomes() == ["dead_in_part"]


async def test_a_chunk_that_is_replayed_and_stored_completes_what_was_dead_in_part(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    letter = await interview.dies(2)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.stored, event.dead) == ("dead_in_part", 1, 1)
    assert event.reasons == (
        SettledReason(
            service="enrichment", code="llm_timeout", message="no answer in 30 s", chunks=1
        ),
    )
    await interview.replay(letter)
    assert await interview.settle() == []
    await interview.store(2)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.number, event.dead) == ("complete", 2, 0)


async def test_a_chunk_that_is_replayed_and_dies_again_is_dead_again(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    letter = await interview.dies(2)
    assert await interview.outcomes() == ["dead_in_part"]
    await interview.replay(letter)
    await interview.dies(2, number=2)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.number) == ("dead_in_part", 2)


async def test_giving_a_letter_up_changes_no_outcome(interview: SettledInterview) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    letter = await interview.dies(2)
    assert await interview.outcomes() == ["dead_in_part"]
    await interview.letters.discard(letter.letter_id, "not worth it")
    await interview.submit(offset=1)
    assert await interview.settle() == []


async def test_notes_saved_from_a_dead_draft_are_counted_when_they_are_stored(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.dies(2)
    assert [event.notes for event in await interview.settle()] == [1]
    await interview.store(2, final=False)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.number, event.notes) == ("dead_in_part", 2, 2)


async def test_a_refused_submission_is_settled_with_its_cause(interview: SettledInterview) -> None:
    await interview.submit()
    await interview.refuse()
    (event,) = await interview.settle()
    assert (event.outcome.value, event.revision, event.content_sha256) == ("refused", 1, sha("a"))
    assert event.reasons == (
        SettledReason(
            service="ingestion", code="malformed_transcript", message="line 3 has no time"
        ),
    )


async def test_a_letter_that_is_indexed_before_its_submission_settles_it(
    interview: SettledInterview,
) -> None:
    await interview.refuse()
    assert await interview.settle() == []
    await interview.submit()
    assert await interview.outcomes() == ["refused"]


async def test_an_invalid_submission_that_names_its_interview_is_refused(
    interview: SettledInterview,
) -> None:
    await interview.submit(revision=None, content=None)
    await interview.refuse(error_code="invalid_event", error_message="revision: must be positive")
    (event,) = await interview.settle()
    assert (event.outcome.value, event.revision, event.content_sha256) == ("refused", None, None)
    assert event.reasons[0].message == "revision: must be positive"


async def test_a_refused_submission_is_complete_once_it_is_replayed_and_stored(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    letter = await interview.refuse(error_code="bug")
    assert await interview.outcomes() == ["refused"]
    await interview.replay(letter)
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.number) == ("complete", 2)


async def test_a_letter_at_the_place_of_a_topic_made_anew_refuses_nothing(
    interview: SettledInterview,
) -> None:
    await interview.submit(offset=7)
    await interview.refuse(offset=7, source_sent_at=None, source_offset=8)
    await interview.refuse(offset=6, source_offset=7, number=51)
    assert await interview.settle() == []


async def test_garbage_under_the_key_of_a_chunk_makes_no_chunk_dead(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.set_aside(1, subject=None, error_code="invalid_event")
    assert await interview.settle() == []
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]


async def test_other_content_that_is_refused_under_its_id_does_not_refuse_an_interview(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.submit(offset=1, content=sha("b"))
    await interview.refuse(offset=1)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.content_sha256) == ("refused", sha("b"))
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.content_sha256) == ("complete", sha("a"))


async def test_other_content_under_a_stored_revision_is_refused_and_the_stored_one_is_not(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    await interview.submit(offset=1, content=sha("b"))
    await interview.set_aside(
        9,
        service="persistence",
        source_topic="transcripts-ingested",
        subject=str(TRANSCRIPT),
        revision=1,
        content_sha256=sha("b"),
        error_code="revision_conflict",
    )
    settled = {event.content_sha256: event for event in await interview.settle()}
    assert {content: one.outcome.value for content, one in settled.items()} == {
        sha("a"): "complete",
        sha("b"): "refused",
    }
    assert settled[sha("b")].reasons[0].code == "revision_conflict"


@pytest.mark.parametrize("dead", [False, True])
async def test_a_newer_revision_supersedes_the_older(
    interview: SettledInterview, *, dead: bool
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    if dead:
        await interview.dies(2)
    else:
        await interview.store(2)
    assert await interview.outcomes() == ["dead_in_part" if dead else "complete"]
    await interview.submit(offset=1, revision=2)
    assert await interview.settle() == []
    await interview.ingest(revision=2)
    (event,) = await interview.settle()
    assert (event.revision, event.outcome.value, event.superseded_by) == (1, "superseded", 2)
    assert event.number == 2


async def test_an_older_revision_that_comes_late_is_superseded_at_once(
    interview: SettledInterview,
) -> None:
    await interview.submit(offset=0, revision=2)
    await interview.ingest(revision=2)
    await interview.submit(offset=1, revision=1)
    assert await interview.settle() == []
    await interview.ingest(revision=1)
    assert [(event.revision, event.outcome.value) for event in await interview.settle()] == [
        (1, "superseded")
    ]


async def test_submitting_again_what_is_complete_is_answered_once(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]
    await interview.submit()  # the same record, read again
    assert await interview.settle() == []
    await interview.submit(offset=1)
    (event,) = await interview.settle()
    assert (event.outcome.value, event.number) == ("complete", 2)


async def test_submitting_again_what_is_dead_in_part_is_answered_by_what_becomes_of_it(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.dies(2)
    assert await interview.outcomes() == ["dead_in_part"]
    await interview.submit(offset=1)
    assert await interview.settle() == []
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]


async def test_an_interview_that_nobody_submitted_here_is_not_settled(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    assert await interview.settle() == []


async def test_an_outcome_that_was_written_and_not_published_is_published_as_it_was(
    interview: SettledInterview, fresh_database: Database
) -> None:
    await interview.submit()
    await interview.refuse()
    assert await interview.settler.decide() == 2
    interview.refuses = KafkaUnavailableError("away")
    with pytest.raises(KafkaUnavailableError):
        await interview.settler.publish()
    after = SettledInterview(fresh_database)
    assert await after.outcomes() == ["refused"]
    assert await after.settle() == []
    assert await interview.settle() == []


async def test_an_outcome_that_was_published_and_not_marked_is_published_with_the_same_id(
    interview: SettledInterview, fresh_database: Database
) -> None:
    await interview.submit()
    await interview.refuse()
    await interview.settle()
    await fresh_database.execute("UPDATE settlements SET published_at = NULL")
    await interview.settle()
    first, second = interview.published
    assert first == second


async def test_an_outcome_that_is_replaced_while_it_is_published_is_followed_by_the_new_one(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    letter = await interview.dies(2)
    await interview.settler.decide()
    publish = interview.settler._publish

    async def replaced_meanwhile(events: object) -> None:
        await publish(events)  # type: ignore[arg-type]
        interview.settler._publish = publish
        await interview.replay(letter)
        await interview.store(2)
        await interview.settler.decide()

    interview.settler._publish = replaced_meanwhile
    assert await interview.outcomes() == ["dead_in_part", "complete"]


async def test_while_one_replica_decides_another_does_not(
    interview: SettledInterview, fresh_database: Database
) -> None:
    await interview.submit()
    await interview.refuse()
    async with fresh_database.transaction() as other:
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock($1)", DECISIONS_LOCK)
        assert await interview.settle() == []
    assert await interview.outcomes() == ["refused"]


async def test_many_deciders_at_once_publish_each_outcome_in_the_order_of_its_numbers(
    interview: SettledInterview, fresh_database: Database
) -> None:
    replicas = [SettledInterview(fresh_database) for _ in range(3)]
    await interview.submit()
    await interview.ingest()
    done = asyncio.Event()

    async def settle(replica: SettledInterview) -> None:
        while not done.is_set():
            await replica.settler.decide()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for replica in replicas:
            tasks.create_task(settle(replica))
        await interview.dies(1)
        await interview.dies(2, number=2)
        for attempt in range(1, 20):
            draft = validated(note(f"saved {attempt}"), attempt=attempt, final=False)
            await interview.notes.store_notes(draft)
        await interview.store(1, attempt=20)
        await interview.store(2, attempt=20)
        done.set()
    await interview.settle()
    last = interview.published[-1]
    assert (last.outcome.value, last.notes) == ("complete", 21)
    row = await fresh_database.fetchrow("SELECT number FROM settlements")
    assert row is not None
    assert row["number"] == last.number


async def test_what_happens_while_the_database_is_away_is_settled_after(
    interview: SettledInterview, postgres: TestServer
) -> None:
    await interview.submit()
    await interview.refuse()
    postgres.stop()
    with pytest.raises(DatabaseUnavailableError):
        await interview.settler.decide()
    with pytest.raises(DatabaseUnavailableError):
        await interview.settler.publish()
    postgres.start()
    assert await interview.outcomes() == ["refused"]


async def test_an_invalid_submission_is_not_taken_for_what_is_stored_under_its_revision(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    await interview.ingest()
    await interview.store(1)
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]
    await interview.submit(offset=1, content=None)
    assert await interview.settle() == []
    await interview.refuse(offset=1, error_code="invalid_event")
    (event,) = await interview.settle()
    assert (event.outcome.value, event.content_sha256) == ("refused", None)
