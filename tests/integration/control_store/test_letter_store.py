import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from contracts import headers as h
from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.ids import NAMESPACE
from control.domain import (
    AmbiguousDeadLetterIdError,
    DeadLetterSortOrder,
    IndexedDeadLetter,
    IndexedSubmission,
    InvalidDeadLetterIdError,
    UnknownDeadLetterError,
)
from control.letters.rows import build_letter_row
from control.letters.store import DeadLetterStore
from database.errors import DatabaseUnavailableError
from database.pool import Database
from support.postgres import TestServer

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
CALL = """
INSERT INTO llm_calls (
    call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at
)
VALUES (gen_random_uuid(), 's', $1, 'draft', $3, 'e', $2, current_date, $4)
"""


def letter(number: int = 1, **changes: Any) -> IndexedDeadLetter:
    return IndexedDeadLetter(
        letter_id=uuid5(NAMESPACE, f"letter {number}"),
        service="enrichment",
        dlq_topic="enrichment-dlq",
        dlq_partition=0,
        dlq_offset=number,
        source_topic="chunks-ready",
        source_partition=3,
        source_offset=17,
        consumer_group="enrichment",
        error_code="llm_timeout",
        error_type="LlmTimeoutError",
        error_message="no answer in 30 s",
        attempts=4,
        timeouts=4,
        first_failed_at=NOON,
        failed_at=NOON + timedelta(minutes=number),
        fingerprint="f1",
        subject="some chunk",
        key=b"some chunk",
        headers=(("ce_type", b"onrecord.ChunkReady.v1"), ("odd", b"\xff\x00"), ("none", None)),
        size_bytes=1_234,
    ).model_copy(update=changes)


def claiming(letter: IndexedDeadLetter) -> IndexedDeadLetter:
    """The letter with its id in its headers and a digest, as services write them."""
    headers = ((h.LETTER_ID, str(letter.letter_id).encode()),)
    return letter.model_copy(update={"headers": headers, "message_sha256": b"d" * 32})


@pytest.fixture
def store(fresh_database: Database) -> DeadLetterStore:
    return DeadLetterStore(fresh_database)


async def numbers(store: DeadLetterStore, *args: Any, **kwargs: Any) -> list[int]:
    return [one.dlq_offset for one in await store.letters(*args, **kwargs)]


async def test_gives_back_a_letter_as_it_was_indexed(store: DeadLetterStore) -> None:
    assert await store.index_letter(letter(replay_of=UUID(int=5)))
    stored = await store.letter(letter().letter_id)
    assert stored.indexed_at is not None
    assert stored.state_changed_at is not None
    assert stored.cause_id
    unset = {"indexed_at": None, "state_changed_at": None, "cause_id": ""}
    assert stored.model_copy(update=unset) == letter(replay_of=UUID(int=5))


async def test_a_letter_indexed_again_stays_as_it_is(store: DeadLetterStore) -> None:
    await store.index_letter(letter())
    await store.claim_for_replay(letter().letter_id)
    assert not await store.index_letter(letter())
    assert (await store.letter(letter().letter_id)).state is DeadLetterState.REPLAYING


async def test_a_letter_written_twice_by_a_crashing_service_is_one(store: DeadLetterStore) -> None:
    await store.index_letter(letter(dlq_offset=1))
    assert not await store.index_letter(letter(dlq_offset=2))
    assert await numbers(store) == [2], "it was read there last"


async def test_the_same_letter_many_times_at_once_is_new_once(store: DeadLetterStore) -> None:
    new = await asyncio.gather(*(store.index_letter(letter()) for _ in range(8)))
    assert sum(new) == 1


async def test_letters_that_are_indexed_at_once_are_each_what_they_are(
    store: DeadLetterStore,
) -> None:
    """New ones, known ones as they are or elsewhere, and one twice: where it is last counts."""
    for number in (1, 2, 3):
        await store.index_letter(claiming(letter(number, dlq_offset=number)))
    again = (
        claiming(letter(1, dlq_offset=1)),
        claiming(letter(2, dlq_offset=7)),
        claiming(letter(4, dlq_offset=4)),
        claiming(letter(5, dlq_offset=5)),
        claiming(letter(5, dlq_offset=6)),
        claiming(letter(6, dlq_offset=3)),
    )
    rows = [build_letter_row(one) for one in again]
    assert await store.indexer.index(rows) == [False, False, True, True, False, True]
    assert await numbers(store, order=DeadLetterSortOrder.OLDEST_FIRST) == [1, 7, 3, 4, 6, 3]
    assert (await store.letter(letter(3).letter_id)).displaced_at is not None
    assert await store.indexer.index(rows[:2]) == [False, False]


async def test_letters_that_are_read_again_as_they_are_cost_no_transaction_each(
    store: DeadLetterStore, fresh_database: Database
) -> None:
    many = [claiming(letter(number, dlq_offset=number)) for number in range(1, 101)]
    rows = [build_letter_row(one) for one in many]
    assert await store.indexer.index(rows) == [True] * 100
    await store.discard(many[0].letter_id, "a test")
    before = await fresh_database.fetch("SELECT letter_id, xmin::text FROM dead_letters ORDER BY 1")
    assert await store.indexer.index(rows) == [False] * 100
    after = await fresh_database.fetch("SELECT letter_id, xmin::text FROM dead_letters ORDER BY 1")
    assert after == before


async def test_a_letter_in_a_dlq_made_anew_takes_the_place_of_an_older_one(
    store: DeadLetterStore,
) -> None:
    for number in (1, 2):
        await store.index_letter(letter(number, dlq_offset=number))
    assert await store.index_letter(letter(3, dlq_offset=1))
    displaced = await store.letter(letter(1).letter_id)
    assert (displaced.state, displaced.displaced_at is None) == (DeadLetterState.OPEN, False)
    claimed = await store.claim_many_for_replay(DeadLetterFilter(), until=LATER, limit=10)
    assert [one.letter_id for one in claimed.seen] == [letter(3).letter_id, letter(2).letter_id]
    assert await store.discard(letter(1).letter_id, "its bytes are gone")


async def test_letters_copied_to_a_dlq_made_anew_are_found_at_their_new_places(
    store: DeadLetterStore,
) -> None:
    for number, offset in ((1, 1), (2, 2), (3, 3), (3, 1), (1, 2), (2, 3)):
        await store.index_letter(letter(number, dlq_offset=offset))
    found = await store.letters(order=DeadLetterSortOrder.OLDEST_FIRST)
    assert [(one.letter_id.int, one.dlq_offset) for one in found] == [
        (letter(number).letter_id.int, offset) for number, offset in ((1, 2), (2, 3), (3, 1))
    ]
    assert [one.displaced_at for one in found] == [None] * 3


async def test_a_letter_that_is_open_again_has_the_model_that_was_asked_last(
    store: DeadLetterStore, fresh_database: Database
) -> None:
    async def asked(model: str, at: datetime) -> None:
        await fresh_database.execute(CALL, letter().subject, model, f"notes of {model}", at)

    await asked("small", NOON)
    await store.index_letter(letter())
    await store.discard(letter().letter_id, "a test")
    await fresh_database.execute("UPDATE dead_letters SET state_changed_at = failed_at")
    await asked("large", NOON + timedelta(hours=1))
    await asked("later", LATER + timedelta(hours=1))
    assert not await store.index_letter(letter(failed_at=LATER))
    found = await store.letter(letter().letter_id)
    assert (found.state, found.model, found.prompt_version) == (
        *(DeadLetterState.OPEN, "large", "notes of large"),
    )
    assert await numbers(store, DeadLetterFilter(model="small")) == []
    await store.discard(letter().letter_id, "a test")
    await fresh_database.execute("DELETE FROM llm_calls")
    await store.index_letter(letter(failed_at=datetime.now(UTC) + timedelta(minutes=2)))
    found = await store.letter(letter().letter_id)
    assert (found.state, found.model, found.prompt_version) == (
        DeadLetterState.OPEN,
        "large",
        "notes of large",
    ), "the calls are deleted, and what they were is known"


async def test_a_replay_of_many_goes_on_behind_a_place(store: DeadLetterStore) -> None:
    for number in range(5):
        await store.index_letter(letter(number, dlq_offset=number))
    first = await store.claim_many_for_replay(DeadLetterFilter(), until=LATER, limit=2)
    await store.release_claims([one.letter_id for one in first.seen])
    after = first.seen[-1][:3]
    rest = await store.claim_many_for_replay(DeadLetterFilter(), until=LATER, limit=9, after=after)
    assert [one.dlq_offset for one in rest.seen] == [2, 3, 4]


async def test_indexes_a_letter_of_which_little_is_known(store: DeadLetterStore) -> None:
    bare = IndexedDeadLetter(
        letter_id=UUID(int=7),
        service="ingestion",
        dlq_topic="ingestion-dlq",
        dlq_partition=0,
        dlq_offset=0,
        error_code="undecodable",
        failed_at=NOON,
    )
    assert await store.index_letter(bare)
    stored = await store.letter(bare.letter_id)
    assert (stored.key, stored.headers, stored.source_topic) == (None, (), None)


async def test_indexes_a_letter_with_characters_postgres_cannot_store(
    store: DeadLetterStore,
) -> None:
    odd = letter(subject="a\0b", key=b"a\0b", headers=(("na\0me", b"\0"),), error_message="\0")
    assert await store.index_letter(odd)
    stored = await store.letter(odd.letter_id)
    assert (stored.subject, stored.key) == ("a\ufffdb", b"a\0b")
    assert stored.headers == (("na\ufffdme", b"\0"),)


async def test_lists_newest_or_oldest_first_up_to_a_limit(store: DeadLetterStore) -> None:
    for number in (2, 1, 3):
        await store.index_letter(letter(number))
    assert await numbers(store) == [3, 2, 1]
    assert await numbers(store, order=DeadLetterSortOrder.OLDEST_FIRST, limit=2) == [1, 2]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (DeadLetterFilter(), [3, 2, 1]),
        (DeadLetterFilter(service="guardrail"), [2]),
        (DeadLetterFilter(code="llm_timeout"), [3, 1]),
        (DeadLetterFilter(fingerprint="f3"), [3]),
        (DeadLetterFilter(subject="other chunk"), [3]),
        (DeadLetterFilter(key="other key"), [3]),
        (DeadLetterFilter(state=DeadLetterState.DISCARDED), [1]),
        (DeadLetterFilter(service="enrichment", state=DeadLetterState.OPEN), [3]),
        (DeadLetterFilter(service="nobody"), []),
    ],
)
async def test_narrows_by_each_field(
    store: DeadLetterStore, which: DeadLetterFilter, found: list[int]
) -> None:
    await store.index_letter(letter(1))
    await store.index_letter(letter(2, service="guardrail", error_code="ungrounded"))
    await store.index_letter(letter(3, fingerprint="f3", subject="other chunk", key=b"other key"))
    await store.discard(letter(1).letter_id, "a test")
    assert await numbers(store, which) == found


async def test_finds_a_letter_by_the_beginning_of_its_id(store: DeadLetterStore) -> None:
    one = letter(letter_id=UUID("abcd1234-0000-4000-8000-000000000000"))
    other = letter(2, letter_id=UUID("abcd9999-0000-4000-8000-000000000000"))
    await store.index_letter(one)
    await store.index_letter(other)
    for prefix in ("abcd1", "ABCD1234", "abcd1234-00", str(one.letter_id)):
        assert (await store.letter(prefix)).letter_id == one.letter_id
    with pytest.raises(AmbiguousDeadLetterIdError):
        await store.letter("abcd")
    with pytest.raises(UnknownDeadLetterError):
        await store.letter("abce")


@pytest.mark.parametrize("prefix", ["", "abc", "xyz1", "ab%_", "a" * 33])
async def test_refuses_what_cannot_begin_an_id(store: DeadLetterStore, prefix: str) -> None:
    with pytest.raises(InvalidDeadLetterIdError):
        await store.letter(prefix)


async def test_a_replay_goes_from_open_to_replayed(store: DeadLetterStore) -> None:
    await store.index_letter(letter())
    the_id = letter().letter_id
    await store.mark_many_replayed([the_id])
    assert (await store.letter(the_id)).state is DeadLetterState.OPEN, "it was not claimed"
    assert await store.claim_for_replay(the_id)
    assert [one.letter_id for one in await store.take_over_interrupted(())] == [the_id]
    assert await store.take_over_interrupted([the_id]) == [], "it is at work on it"
    assert not await store.claim_for_replay(the_id), "of two who ask at once, one gets it"
    await store.release_claims([the_id])
    assert await store.claim_for_replay(the_id), "what did not come to pass is open again"
    await store.mark_many_replayed([the_id])
    assert (await store.letter(the_id)).state is DeadLetterState.REPLAYED
    assert await store.take_over_interrupted(()) == []
    assert not await store.claim_for_replay(the_id)


async def test_discards_an_open_letter_for_a_reason(store: DeadLetterStore) -> None:
    await store.index_letter(letter())
    with pytest.raises(ValueError, match="for a reason"):
        await store.discard(letter().letter_id, "  ")
    assert await store.discard(letter().letter_id, "a test recording")
    stored = await store.letter(letter().letter_id)
    assert (stored.state, stored.state_reason) == (DeadLetterState.DISCARDED, "a test recording")
    assert not await store.claim_for_replay(letter().letter_id)
    assert not await store.discard(letter().letter_id, "again")


async def test_does_not_discard_a_letter_that_is_being_replayed(store: DeadLetterStore) -> None:
    await store.index_letter(letter())
    await store.claim_for_replay(letter().letter_id)
    assert not await store.discard(letter().letter_id, "too late")


async def test_of_a_claim_and_a_discard_at_once_one_succeeds(store: DeadLetterStore) -> None:
    for number in range(10):
        one = letter(number)
        await store.index_letter(one)
        outcomes = await asyncio.gather(
            store.claim_for_replay(one.letter_id), store.discard(one.letter_id, "race")
        )
        assert sorted(outcomes) == [False, True]


async def test_counts_by_service_state_and_cause(store: DeadLetterStore) -> None:
    for number in range(3):
        await store.index_letter(letter(number))
    await store.index_letter(letter(3, service="guardrail", error_code="pii"))
    await store.discard(letter(0).letter_id, "a test")
    counted = [tuple(one.model_dump(mode="json").values()) for one in await store.counts()]
    assert counted == [
        ("enrichment", "discarded", "llm_timeout", 1, 0),
        ("enrichment", "open", "llm_timeout", 2, 2),
        ("guardrail", "open", "pii", 1, 1),
    ]


async def test_indexes_a_submission_once(store: DeadLetterStore, fresh_database: Database) -> None:
    one = IndexedSubmission(
        topic="transcripts-submitted",
        partition=1,
        offset=2**33,
        transcript_id=UUID(int=1),
        revision=1,
        submitted_at=NOON,
    )
    unreadable = IndexedSubmission(
        topic="transcripts-submitted", partition=1, offset=3, submitted_at=NOON
    )
    for submission in (one, one, unreadable):
        await store.index_submission(submission)
    assert await fresh_database.fetchval("SELECT count(*) FROM submissions") == 2


async def test_the_database_knows_no_other_state(
    store: DeadLetterStore, fresh_database: Database
) -> None:
    await store.index_letter(letter())
    with pytest.raises(asyncpg.CheckViolationError):
        await fresh_database.execute("UPDATE dead_letters SET state = 'lost'")


async def test_the_index_waits_out_a_server_that_is_stopped(
    postgres: TestServer, store: DeadLetterStore
) -> None:
    postgres.stop()
    with pytest.raises(DatabaseUnavailableError):
        await store.index_letter(letter())
    postgres.start()
    assert await store.index_letter(letter())
