"""What became of replayed letters: gone through their stage, or failed again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.letter_causes import ListCausesRequest
from control.domain import IndexedDeadLetter
from control.letters.causes import LetterCauseStore
from control.letters.store import DeadLetterStore
from control.replays.outcomes import OLDER_EVERY, ReplayOutcomeSweeper
from database.pool import Database
from support.interviews import TRANSCRIPT, chunk
from support.settled_interviews import SettledInterview

REPLAYED, RESOLVED, FAILED_AGAIN = (
    DeadLetterState.REPLAYED,
    DeadLetterState.RESOLVED,
    DeadLetterState.FAILED_AGAIN,
)


@pytest.fixture
def interview(fresh_database: Database) -> SettledInterview:
    return SettledInterview(fresh_database)


async def state(interview: SettledInterview, letter: IndexedDeadLetter) -> DeadLetterState:
    await ReplayOutcomeSweeper(interview.database).sweep()
    return (await interview.letters.letter(letter.letter_id)).state


async def again(
    interview: SettledInterview, letter: IndexedDeadLetter, number: int, **changes: object
) -> IndexedDeadLetter:
    """The letter that a replayed one becomes when its message fails again."""
    same = letter.model_dump(
        include={"service", "source_topic", "source_partition", "source_offset", "subject"}
    )
    return await interview.set_aside(number, **{**same, "replay_of": letter.letter_id, **changes})


async def test_sending_a_letter_resolves_nothing(interview: SettledInterview) -> None:
    await interview.ingest()
    letter = await interview.dies(2)
    await interview.replay(letter)
    assert await state(interview, letter) is REPLAYED


@pytest.mark.parametrize("service", ["enrichment", "guardrail", "persistence"])
async def test_a_chunk_that_is_stored_resolves_its_letter(
    interview: SettledInterview, service: str
) -> None:
    await interview.ingest()
    letter = await interview.set_aside(1, service=service, subject=str(chunk(1, 2).chunk_id))
    await interview.replay(letter)
    await interview.store(1)
    assert await state(interview, letter) is REPLAYED, "another chunk was stored"
    await interview.store(2)
    assert await state(interview, letter) is RESOLVED
    stored = await interview.letters.letter(letter.letter_id)
    assert stored.outcome_at is not None


async def test_a_chunk_that_is_stored_before_the_letter_is_marked_resolves_it(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await interview.dies(2)
    assert await interview.letters.claim_for_replay(letter.letter_id)
    await interview.store(2)
    assert await state(interview, letter) is DeadLetterState.REPLAYING
    await interview.letters.mark_many_replayed([letter.letter_id])
    assert await state(interview, letter) is RESOLVED


async def test_an_earlier_draft_of_its_chunk_resolves_no_letter(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    await interview.store(2, final=False)
    letter = await interview.dies(2)
    await interview.replay(letter)
    assert await state(interview, letter) is REPLAYED
    await interview.store(2)
    assert await state(interview, letter) is RESOLVED


async def test_notes_that_wait_for_their_interview_are_through(interview: SettledInterview) -> None:
    letter = await interview.dies(2)
    await interview.replay(letter)
    await interview.store(2)
    assert await state(interview, letter) is RESOLVED


@pytest.mark.parametrize(
    ("service", "later", "topic", "expected"),
    [
        ("enrichment", "guardrail", "notes-drafted", RESOLVED),
        ("enrichment", "persistence", "notes-validated", RESOLVED),
        # It may be about the good notes of a draft that was refused once more.
        ("guardrail", "persistence", "notes-validated", REPLAYED),
        ("persistence", "guardrail", "notes-drafted", REPLAYED),
        ("guardrail", "enrichment", "chunks-ready", REPLAYED),
    ],
)
async def test_a_letter_of_a_later_stage_shows_that_it_went_through(
    interview: SettledInterview, service: str, later: str, topic: str, expected: DeadLetterState
) -> None:
    about = str(chunk(1, 2).chunk_id)
    await interview.set_aside(9, service=later, subject=about, source_topic=topic)
    letter = await interview.set_aside(1, service=service, subject=about)
    await interview.replay(letter)
    assert await state(interview, letter) is REPLAYED, "that one is older than the replay"
    await interview.set_aside(2, service=later, subject=about, source_topic=topic)
    assert await state(interview, letter) is expected


async def refused(
    interview: SettledInterview, number: int = 1, **changes: object
) -> IndexedDeadLetter:
    """A draft of a chunk that the guardrail set aside, as the model has had its last try."""
    return await interview.set_aside(
        number,
        service="guardrail",
        subject=str(chunk(1, 2).chunk_id),
        source_topic="notes-drafted",
        error_code="ungrounded",
        **changes,
    )


async def test_good_notes_of_a_draft_that_is_refused_once_more_resolve_no_letter(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await refused(interview)
    await interview.replay(letter)
    await interview.store(2, attempt=3, final=False)
    assert await state(interview, letter) is REPLAYED
    await interview.store(2, attempt=4)
    assert await state(interview, letter) is RESOLVED


async def test_good_notes_that_wait_for_their_interview_resolve_no_refused_draft(
    interview: SettledInterview,
) -> None:
    letter = await refused(interview)
    await interview.replay(letter)
    await interview.store(2, attempt=3, final=False)
    assert await state(interview, letter) is REPLAYED
    await interview.store(2, attempt=4)
    assert await state(interview, letter) is RESOLVED


@pytest.mark.parametrize(
    ("service", "topic", "expected"),
    [
        ("guardrail", "notes-drafted", FAILED_AGAIN),
        ("enrichment", "notes-rejected", FAILED_AGAIN),
        ("guardrail", "notes-rejected", REPLAYED),
        ("enrichment", "chunks-ready", REPLAYED),
        ("persistence", "notes-validated", REPLAYED),
    ],
)
@pytest.mark.parametrize("marked", ["marked", "not marked yet"])
async def test_a_refused_draft_has_failed_again_when_the_next_one_does(
    interview: SettledInterview,
    service: str,
    topic: str,
    marked: str,
    expected: DeadLetterState,
) -> None:
    is_marked = marked == "marked"
    await interview.ingest()
    letter = await refused(interview)
    if is_marked:
        await interview.replay(letter)
    else:
        assert await interview.letters.claim_for_replay(letter.letter_id)
    await interview.store(2, attempt=3, final=False)
    next_one = await interview.set_aside(
        2, service=service, subject=letter.subject, source_topic=topic
    )
    if not is_marked:
        await interview.letters.mark_many_replayed([letter.letter_id])
    assert await state(interview, letter) is expected
    found = await interview.letters.letter(letter.letter_id)
    assert found.became == (next_one.letter_id if expected is FAILED_AGAIN else None)
    assert (await interview.letters.letter(next_one.letter_id)).state is DeadLetterState.OPEN


async def test_a_letter_of_another_draft_that_failed_before_says_nothing(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await refused(interview, 5)
    await interview.replay(letter)
    # Its DLQ is read later than the guardrail's.
    await interview.set_aside(4, subject=letter.subject, source_topic="notes-rejected")
    other = {"subject": str(chunk(1, 1).chunk_id), "source_topic": "notes-rejected"}
    await interview.set_aside(6, **other)
    assert await state(interview, letter) is REPLAYED


async def test_a_refused_draft_that_is_open_has_not_failed_again(
    interview: SettledInterview,
) -> None:
    letter = await refused(interview)
    await refused(interview, 2)
    assert await state(interview, letter) is DeadLetterState.OPEN


async def test_each_refused_draft_is_linked_to_the_next(interview: SettledInterview) -> None:
    await interview.ingest()
    chain = [await refused(interview)]
    for number in (2, 3):
        await interview.replay(chain[-1])
        chain.append(await refused(interview, number))
    await interview.replay(chain[-1])
    await interview.store(2, attempt=6)
    await ReplayOutcomeSweeper(interview.database).sweep()
    letters = [await interview.letters.letter(one.letter_id) for one in chain]
    assert [one.state for one in letters] == [FAILED_AGAIN, FAILED_AGAIN, RESOLVED]
    assert [one.became for one in letters] == [chain[1].letter_id, chain[2].letter_id, None]


async def test_a_submission_is_through_when_its_content_is_stored(
    interview: SettledInterview,
) -> None:
    await interview.submit()
    letter = await interview.refuse(subject=str(TRANSCRIPT), revision=1)
    await interview.replay(letter)
    assert await state(interview, letter) is REPLAYED
    await interview.ingest()
    assert await state(interview, letter) is RESOLVED


async def test_a_submission_of_other_content_is_not_through(interview: SettledInterview) -> None:
    await interview.submit(content="b" * 64)
    letter = await interview.refuse(subject=str(TRANSCRIPT), revision=1)
    await interview.replay(letter)
    await interview.ingest()
    assert await state(interview, letter) is REPLAYED


async def test_a_message_that_fails_again_links_both_letters(interview: SettledInterview) -> None:
    first = await interview.dies(2)
    await interview.replay(first)
    second = await again(interview, first, 2)
    found = await interview.letters.letter(first.letter_id)
    assert (found.state, found.became) == (FAILED_AGAIN, second.letter_id)
    assert (await interview.letters.letter(second.letter_id)).replay_of == first.letter_id


async def test_a_message_that_fails_before_its_letter_is_marked_failed_again(
    interview: SettledInterview,
) -> None:
    first = await interview.dies(2)
    assert await interview.letters.claim_for_replay(first.letter_id)
    await again(interview, first, 2)
    await interview.letters.mark_many_replayed([first.letter_id])
    assert await state(interview, first) is FAILED_AGAIN


@pytest.mark.parametrize(
    "forged", [{"service": "guardrail"}, {"source_offset": 77}, {"source_topic": "notes-drafted"}]
)
async def test_a_record_of_another_message_fails_no_letter_again(
    interview: SettledInterview, forged: dict[str, object]
) -> None:
    first = await interview.dies(2)
    await interview.replay(first)
    await again(interview, first, 2, **forged)
    assert await state(interview, first) is REPLAYED


async def test_failing_again_counts_more_than_being_through(interview: SettledInterview) -> None:
    await interview.ingest()
    first = await interview.dies(2)
    await interview.replay(first)
    await interview.store(2)
    assert await state(interview, first) is RESOLVED
    await again(interview, first, 2)
    assert await state(interview, first) is FAILED_AGAIN


async def test_lists_and_counts_show_what_became_of_letters(interview: SettledInterview) -> None:
    await interview.ingest()
    letters = [
        await interview.set_aside(number, subject=str(chunk(1, 1 + number % 2).chunk_id))
        for number in range(4)
    ]
    for one in letters[:3]:
        await interview.replay(one)
    await interview.store(1)
    await again(interview, letters[1], 10)
    await ReplayOutcomeSweeper(interview.database).sweep()
    counted = {one.state: one.letters for one in await interview.letters.counts()}
    # Letters 0 and 2 are about the chunk that is stored, 1 failed again, 3 and 10 are open.
    assert counted == {DeadLetterState.OPEN: 2, RESOLVED: 2, FAILED_AGAIN: 1}
    for wanted, number in counted.items():
        which = DeadLetterFilter(state=wanted)
        assert len(await interview.letters.letters(which)) == number
    (cause,) = (
        await LetterCauseStore(interview.database).causes(ListCausesRequest(state="all"))
    ).causes
    assert {state: n for state, n in cause.letters.items() if n} == counted


async def test_goes_round_all_letters_half_a_batch_at_a_time(
    interview: SettledInterview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.outcomes.BATCH", 4)
    await interview.ingest()
    letters = [
        await interview.set_aside(number, subject=str(chunk(1, 2).chunk_id)) for number in range(9)
    ]
    for one in letters:
        await interview.replay(one)
    sweeper = ReplayOutcomeSweeper(interview.database)
    assert [await sweeper.sweep() for _ in range(4)] == [0, 0, 0, 0]
    await interview.store(2)
    # The latest two each time, and the next two in turn.
    assert [await sweeper.sweep() for _ in range(3)] == [4, 4, 1]


async def test_the_latest_letters_are_looked_at_first_and_each_time(
    interview: SettledInterview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.outcomes.BATCH", 4)
    await interview.ingest()
    for number in range(20):
        await interview.replay(await interview.dies(1, number))
    sweeper = ReplayOutcomeSweeper(interview.database)
    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 0]
    latest = await interview.dies(2, 30)
    await interview.replay(latest)
    await interview.store(2)
    assert await sweeper.sweep() == 1
    assert (await interview.letters.letter(latest.letter_id)).state is RESOLVED


async def test_a_letter_with_an_outcome_or_replayed_anew_is_awaited_no_longer(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    through, twice, open_again = [await interview.dies(number, number) for number in (1, 2, 3)]
    for one in (through, twice, open_again):
        await interview.replay(one)
    await interview.store(1)
    await interview.database.execute(
        "UPDATE dead_letters SET state = 'open' WHERE letter_id = ANY ($1)",
        [twice.letter_id, open_again.letter_id],
    )
    await interview.replay(twice)
    assert await ReplayOutcomeSweeper(interview.database).sweep() == 1
    awaited = await interview.database.fetch("SELECT letter_id FROM awaited_replays")
    assert [row["letter_id"] for row in awaited] == [twice.letter_id]


async def test_a_letter_that_an_earlier_version_of_control_marks_is_awaited(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await interview.dies(2)
    assert await interview.letters.claim_for_replay(letter.letter_id)
    await interview.database.execute(
        "UPDATE dead_letters SET state = 'replayed', state_changed_at = now(), claimed_by = NULL"
    )
    await interview.store(2)
    assert await ReplayOutcomeSweeper(interview.database).sweep() == 1


async def was_sent_before(interview: SettledInterview, ago: timedelta) -> None:
    """Have replayed letters be as if they had been sent so long ago."""
    await interview.database.execute(
        "WITH awaited AS (UPDATE awaited_replays SET sent_at = now() - $1::interval)"
        " UPDATE dead_letters SET state_changed_at = now() - $1::interval",
        ago,
    )


async def test_a_letter_without_an_effect_is_looked_at_each_second_for_a_day_only(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await interview.dies(2)
    await interview.replay(letter)
    await was_sent_before(interview, timedelta(hours=25))
    sweeper = ReplayOutcomeSweeper(interview.database)
    assert await sweeper.sweep() == 0
    await interview.store(2)
    assert [await sweeper.sweep() for _ in range(OLDER_EVERY - 1)] == [0] * (OLDER_EVERY - 1)
    assert await sweeper.sweep() == 1


async def test_a_letter_without_an_effect_is_not_looked_at_after_a_month(
    interview: SettledInterview,
) -> None:
    await interview.ingest()
    letter = await interview.dies(2)
    await interview.replay(letter)
    await interview.store(2)
    await was_sent_before(interview, timedelta(days=31))
    assert await state(interview, letter) is REPLAYED


async def test_two_replicas_leave_each_others_letters_alone(fresh_database: Database) -> None:
    interview = SettledInterview(fresh_database)
    mine, other = interview.letters, DeadLetterStore(fresh_database)
    letter = await interview.dies(2)
    async with mine.hold_claims_lock():
        assert await mine.claim_for_replay(letter.letter_id)
        assert await other.take_over_interrupted(()) == []
    taken = await asyncio.gather(
        other.take_over_interrupted(()), DeadLetterStore(fresh_database).take_over_interrupted(())
    )
    # None holds a claim here: each may take it, the second one from the first.
    assert letter.letter_id in [one.letter_id for some in taken for one in some]


async def test_of_two_replicas_one_takes_over_what_a_third_left(fresh_database: Database) -> None:
    interview = SettledInterview(fresh_database)
    letters = [await interview.dies(1, number) for number in range(20)]
    for one in letters:
        assert await interview.letters.claim_for_replay(one.letter_id)
    first, second = DeadLetterStore(fresh_database), DeadLetterStore(fresh_database)
    async with first.hold_claims_lock(), second.hold_claims_lock():
        taken = await asyncio.gather(
            first.take_over_interrupted(()), second.take_over_interrupted(())
        )
    ids = [one.letter_id for some in taken for one in some]
    assert sorted(ids) == sorted(one.letter_id for one in letters)
