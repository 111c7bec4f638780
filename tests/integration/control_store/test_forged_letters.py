"""A record that a stranger writes to a DLQ says nothing about anybody's interview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from audit import run_audit
from audit.broker import ScanResult
from audit.facts import SubmissionState
from contracts import headers as h
from contracts.errors import RetryableError
from contracts.topics import TRANSCRIPTS_SUBMITTED
from control.letters.indexing import build_indexed_dead_letter
from database.pool import Database
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers
from read_model.queries import ReadModelQueries
from support.interviews import TRANSCRIPT, chunk
from support.settled_interviews import NOON, SettledInterview

CHUNK: Final = str(chunk(index=2).chunk_id)
OFFSET: Final = 0
FORGERIES: Final = ("no id", "another's id", "a made-up id")


@pytest.fixture
async def interview(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> SettledInterview:
    """One of two chunks, of which the second is on its way."""
    monkeypatch.setattr("audit.proof.PAUSE_S", 0)  # nothing moves between two looks
    interview = SettledInterview(fresh_database)
    await interview.submit(offset=OFFSET)
    await interview.ingest()
    await interview.store(1)
    return interview


class NothingInKafka:
    """A scan of topics of which control has indexed everything."""

    async def scan(self) -> ScanResult:
        return ScanResult(unread=(), letters=(), submissions=(), received={})

    async def find_partitions_of_recreated_topics(self, _: object) -> dict[tuple[str, int], int]:
        return {}


def own_headers(service: str, origin: MessageOrigin, key: bytes, value: bytes) -> Headers:
    """The headers that a service adds when it sets a message aside."""
    return build_dead_letter_headers(
        describe_failure(RetryableError("why"), service),
        Delivery(origin, attempts=1),
        digest_record(key, value, ()),
        service=service,
        group=service,
        at=datetime(2026, 1, 6, tzinfo=UTC),
    )


def forge(added: Headers, how: str, others: Headers) -> Headers:
    """Headers that say the same, under an id that does not follow from the record."""
    ids = {"another's id": dict(others)[h.LETTER_ID], "a made-up id": str(UUID(int=7)).encode()}
    kept = tuple(one for one in added if one[0] != h.LETTER_ID)
    return (*kept, (h.LETTER_ID, ids[how])) if how in ids else kept


async def index(
    interview: SettledInterview, service: str, key: bytes, value: bytes, added: Headers
) -> UUID:
    """Have control index a record of a DLQ."""
    headers = append_headers((), added)
    record = Record(f"{service}-dlq", 0, 3, key, value, headers, 1_000)
    letter = build_indexed_dead_letter(record)
    await interview.letters.index_letter(letter)
    return letter.letter_id


async def coverage(database: Database) -> tuple[int, int, int, int]:
    """Chunks of the interview that are stored, dead, discarded and waiting."""
    (found,) = await ReadModelQueries(database).interviews("billing")
    return found.stored, found.dead, found.discarded, found.waiting


async def audited(database: Database) -> tuple[Sequence[str], Sequence[str]]:
    """What an audit says of submissions and of chunks."""
    scanner: Any = NothingInKafka()
    result = await run_audit(scanner, database)
    return names(result.submissions.states), names(result.chunks.states)


def names(states: Any) -> list[str]:
    return sorted(state for state in SubmissionState for _ in range(states[state]))


@pytest.mark.parametrize("how", FORGERIES)
async def test_a_forged_letter_with_a_chunks_id_is_no_letter_of_that_chunk(
    interview: SettledInterview, fresh_database: Database, how: str
) -> None:
    key, value = CHUNK.encode(), f'{{"chunk_id": "{CHUNK}"}}'.encode()
    own = own_headers("enrichment", MessageOrigin("chunks-ready", 0, 7), key, value)
    others = own_headers("enrichment", MessageOrigin("chunks-ready", 0, 8), key, value)
    forged = await index(interview, "enrichment", key, value, forge(own, how, others))
    assert await coverage(fresh_database) == (1, 0, 0, 1)
    assert await interview.outcomes() == []
    assert await audited(fresh_database) == (["lost"], ["lost", "stored"]), (
        "nothing accounts for it"
    )
    await interview.letters.discard(forged, "forged")
    assert await coverage(fresh_database) == (1, 0, 0, 1)

    assert await index(interview, "enrichment", key, value, own) != forged
    assert await coverage(fresh_database) == (1, 1, 0, 0)
    assert await interview.outcomes() == ["dead_in_part"]
    assert await audited(fresh_database) == (["dead"], ["dead", "stored"])


@pytest.mark.parametrize("how", FORGERIES)
async def test_a_forged_letter_of_a_submissions_place_is_no_letter_of_that_submission(
    interview: SettledInterview, fresh_database: Database, how: str
) -> None:
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]
    await interview.submit(offset=1, revision=2, content="b" * 64)
    key, value = str(TRANSCRIPT).encode(), b"garbage"
    sent_ms = int((NOON + timedelta(minutes=1)).timestamp() * 1000)
    for offset, sent in ((OFFSET, int(NOON.timestamp() * 1000)), (1, sent_ms)):
        place = MessageOrigin(TRANSCRIPTS_SUBMITTED.name, 0, offset, sent)
        own = own_headers("ingestion", place, key, value)
        forged = await index(
            interview,
            "ingestion",
            key,
            value,
            forge(
                own,
                how,
                own_headers(
                    "ingestion", MessageOrigin(TRANSCRIPTS_SUBMITTED.name, 0, 9), key, value
                ),
            ),
        )
        assert await interview.outcomes() == []
        assert (await audited(fresh_database))[0] == ["lost", "stored"]
        await interview.letters.discard(forged, "forged")
        unread = await ReadModelQueries(fresh_database).unread_submissions()
        assert unread.interviews == 1

    await index(interview, "ingestion", key, value, own)
    assert await interview.outcomes() == ["refused"]
    assert (await audited(fresh_database))[0] == ["dead", "stored"]
