"""Letters when the DLQ is purged or made anew, forged, or the database goes away in between."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from contracts import headers as h
from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.errors import BadMessageError, ErrorCode
from control.letters.indexing import build_indexed_dead_letter
from control.letters.store import ClaimedLetters, DeadLetterStore
from control.replays.replayer import DeadLetterReplayer, ReplayTimings
from database.errors import DatabaseUnavailableError
from database.pool import Database
from messaging import Record
from messaging.delivery import Headers, append_headers, split_headers
from messaging.kafka.admin import create_topics, open_admin_client
from support.control_office import KEY, ODD, TOPICS, Office, letter_bytes, open_office
from support.postgres import TestServer
from support.waiting import until

DLQ = "enrichment-dlq"
RETRY = "enrichment-retry-0"


async def purge(office: Office, before: int) -> None:
    place = TopicPartition(office.bench.kafka.topic(DLQ), 0)
    async with open_admin_client(office.bench.kafka) as admin:
        await admin.delete_records({place: RecordsToDelete(before)}, timeout_ms=10_000)


async def remove_dlq(office: Office) -> None:
    name = office.bench.kafka.topic(DLQ)
    async with open_admin_client(office.bench.kafka) as admin:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone)


async def states(office: Office) -> dict[UUID, DeadLetterState]:
    return {one.letter_id: one.state for one in await office.context.store.letters()}


async def is_told_as_gone(office: Office, letter: UUID) -> None:
    status, shown = await office.ask("GET", f"/v1/letters/{letter}")
    assert (status, shown["value"]) == (200, None)
    assert "gone" in shown["gone"]
    status, body = await office.ask("POST", f"/v1/letters/{letter}/replay")
    assert (status, "discard" in body["detail"]) == (410, True)


async def test_of_a_purged_dlq_letters_are_told_as_gone_and_others_are_replayed(
    office: Office,
) -> None:
    gone, also, there = [await office.died(b"%d" % n, n) for n in range(3)]
    await purge(office, before=2)
    await is_told_as_gone(office, gone)
    _, body = await office.ask("POST", "/v1/letters/replay")
    assert (body["replayed"], set(body["not_replayed"])) == ([str(there)], {str(gone), str(also)})
    status, _ = await office.ask("POST", f"/v1/letters/{also}/discard", {"reason": "purged"})
    assert status == 200


async def test_a_dlq_that_is_purged_to_its_end_is_no_outage(office: Office) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(2)]
    await purge(office, before=2)
    await is_told_as_gone(office, letters[1])
    status, body = await office.ask("POST", "/v1/letters/replay")
    assert (status, set(body["not_replayed"])) == (200, {str(one) for one in letters})


async def test_a_dlq_that_was_deleted_is_no_outage_and_letters_in_a_new_one_are_others(
    office: Office,
) -> None:
    old = await office.died(b"old", 1)
    await remove_dlq(office)
    await is_told_as_gone(office, old)
    await create_topics(office.bench.kafka, TOPICS)
    await is_told_as_gone(office, old)
    new = await office.died(b"new", 2)
    assert old != new
    _, shown = await office.ask("GET", f"/v1/letters/{new}")
    assert shown["gone"] == ""
    await is_told_as_gone(office, old)
    _, body = await office.ask("POST", "/v1/letters/replay")
    assert (body["replayed"], body["left_out"]) == ([str(new)], {"gone": 1})


async def test_control_starts_though_letters_of_a_cut_short_replay_are_gone(
    office: Office,
) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(2)]
    for one in letters:
        assert await office.context.store.claim_for_replay(one)
    await purge(office, before=1)
    async with office.context.replayer.repairing():

        async def are_settled() -> bool:
            return DeadLetterState.REPLAYING not in (await states(office)).values()

        await until(are_settled)
    assert await states(office) == {
        letters[0]: DeadLetterState.OPEN,
        letters[1]: DeadLetterState.REPLAYED,
    }


class GoesAway(DeadLetterStore):
    """A store whose database is stopped before or after one of its statements."""

    def __init__(self, database: Database, server: TestServer) -> None:
        super().__init__(database)
        self.server = server
        self.before: str | None = None
        self.in_answer_to: str | None = None

    async def _reach(self, name: str) -> None:
        if self.before == name:
            self.before = None
            await asyncio.to_thread(self.server.stop)

    async def mark_many_replayed(self, letter_ids: Sequence[UUID]) -> None:
        await self._reach("mark")
        await super().mark_many_replayed(letter_ids)

    async def release_claims(
        self, letter_ids: Sequence[UUID], *, may_be_sent: Collection[UUID] = ()
    ) -> None:
        await self._reach("release")
        await super().release_claims(letter_ids, may_be_sent=may_be_sent)

    async def claim_many_for_replay(self, which: DeadLetterFilter, **how: Any) -> ClaimedLetters:
        claimed = await super().claim_many_for_replay(which, **how)
        if self.in_answer_to == "claim":
            self.in_answer_to = None
            raise DatabaseUnavailableError("it went away before its answer was here")
        return claimed


@pytest.mark.parametrize("many", [True, False])
async def test_letters_that_were_sent_while_the_database_went_away_are_marked_later(
    postgres: TestServer, broker: str, fresh_database: Database, *, many: bool
) -> None:
    store = GoesAway(fresh_database, postgres)
    async with open_office(broker, fresh_database, store=store) as office:
        letters = [await office.died(b"%d" % n, n) for n in range(3)]
        async with office.context.replayer.repairing():
            store.before = "mark"
            path = "/v1/letters/replay" if many else f"/v1/letters/{letters[0]}/replay"
            status, body = await office.ask("POST", path)
            assert (status, "PostgreSQL" in body["detail"]) == (503, True)
            await asyncio.to_thread(postgres.start)

            async def are_replayed() -> bool:
                found = await states(office)
                sent = letters if many else letters[:1]
                return all(found[one] is DeadLetterState.REPLAYED for one in sent)

            await until(are_replayed)
        number = 3 if many else 1
        assert await office.bench.size(RETRY) == number, "what the broker has is not sent again"


async def test_letters_that_could_not_be_opened_again_are_replayed_later(
    postgres: TestServer, broker: str, fresh_database: Database
) -> None:
    store = GoesAway(fresh_database, postgres)
    async with open_office(broker, fresh_database, store=store) as office:
        letters = [await office.died(b"%d" % n, n) for n in range(2)]
        await purge(office, before=1)
        async with office.context.replayer.repairing():
            store.before = "release"
            status, _ = await office.ask("POST", "/v1/letters/replay")
            assert status == 503
            await asyncio.to_thread(postgres.start)

            async def are_settled() -> bool:
                return DeadLetterState.REPLAYING not in (await states(office)).values()

            await until(are_settled)
        assert await states(office) == {
            letters[0]: DeadLetterState.OPEN,
            letters[1]: DeadLetterState.REPLAYED,
        }


async def test_letters_whose_claim_was_not_answered_are_replayed_later(
    postgres: TestServer, broker: str, fresh_database: Database
) -> None:
    store = GoesAway(fresh_database, postgres)
    async with open_office(broker, fresh_database, store=store) as office:
        letter = await office.died(b"v", 1)
        async with office.context.replayer.repairing():
            store.in_answer_to = "claim"
            status, _ = await office.ask("POST", "/v1/letters/replay")
            assert status == 503

            async def is_replayed() -> bool:
                return (await states(office))[letter] is DeadLetterState.REPLAYED

            await until(is_replayed)


class NoBroker:
    """A publisher with a mistake in it, which no replay expects."""

    async def find_missing_topics(self, _: Any) -> frozenset[str]:
        return frozenset()

    async def forward_all(self, *_: Any) -> Any:
        raise ZeroDivisionError


async def test_a_replay_that_ends_in_a_bug_leaves_neither_reader_nor_letters_behind(
    office: Office,
) -> None:
    letter = await office.died(b"v", 1)
    context = office.context
    timings = ReplayTimings(repair_pause_s=0.05)
    broken = DeadLetterReplayer(context.store, context.reader, NoBroker(), timings)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError) as caught:  # which keeps alive all that was on the stack
        await broken.replay_many(DeadLetterFilter(), limit=1)
    place = (await context.store.letter(letter)).place
    async with asyncio.timeout(10):
        assert (await context.reader.read(place)).value == b"v"
    assert caught.type is ZeroDivisionError
    broken._repairer._sender = context.replayer.sender
    async with broken.repairing():

        async def is_replayed() -> bool:
            return (await states(office))[letter] is DeadLetterState.REPLAYED

        await until(is_replayed)


async def test_a_forged_record_does_not_become_an_existing_letter(office: Office) -> None:
    letter = await office.died(b"true", 1)
    forged = await office.set_aside(b"forged", letter_bytes(1, value=b"true"))
    assert forged != letter
    assert (await office.context.store.letter(letter)).dlq_offset == 0
    await office.ask("POST", f"/v1/letters/{letter}/replay")
    (record,) = await office.bench.records(RETRY, 1)
    assert record.value == b"true"


async def test_a_forged_record_does_not_hide_in_a_letter_that_was_discarded(
    office: Office,
) -> None:
    letter = await office.died(b"true", 1)
    await office.ask("POST", f"/v1/letters/{letter}/discard", {"reason": "a test"})
    forged = await office.set_aside(b"forged", letter_bytes(1, value=b"true"))
    assert await states(office) == {letter: DeadLetterState.DISCARDED, forged: DeadLetterState.OPEN}


@pytest.mark.parametrize("value", [b"another", b"the same"])
async def test_of_a_source_topic_that_was_made_anew_a_letter_at_an_old_place_is_a_new_one(
    office: Office, value: bytes
) -> None:
    old = await office.died(b"the same", 1, sent_ms=1_000)
    await office.ask("POST", f"/v1/letters/{old}/discard", {"reason": "a test"})
    new = await office.died(value, 1, sent_ms=2_000)
    assert await states(office) == {old: DeadLetterState.DISCARDED, new: DeadLetterState.OPEN}


@pytest.mark.parametrize("closed_by", ["discard", "replay"])
async def test_a_message_that_dies_again_after_its_letter_was_closed_is_an_open_letter_again(
    office: Office, fresh_database: Database, closed_by: str
) -> None:
    """Such as one of a topic that was restored, byte for byte with its timestamps."""
    letter = await office.died(b"v", 1, sent_ms=1_000)
    reason = {"reason": "its topic was deleted"} if closed_by == "discard" else None
    assert (await office.ask("POST", f"/v1/letters/{letter}/{closed_by}", reason))[0] == 200
    closed = (await states(office))[letter]
    await fresh_database.execute("DELETE FROM settlement_checks")
    assert await office.died(b"v", 1, sent_ms=1_000) == letter
    assert await states(office) == {letter: closed}, "it was written twice before"

    later = datetime.now(UTC) + timedelta(days=1)
    cause = BadMessageError("another", code=ErrorCode.INVALID_EVENT)
    assert await office.died(b"v", 1, sent_ms=1_000, at=later, error=cause) == letter

    found = await office.context.store.letter(letter)
    assert (found.state, found.error_code, found.failed_at) == (
        DeadLetterState.OPEN,
        "invalid_event",
        later,
    )
    checks = await fresh_database.fetch("SELECT letter_id FROM settlement_checks")
    assert [one["letter_id"] for one in checks] == [letter], "its interview's outcome may change"
    before = await office.bench.size(RETRY)
    assert (await office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 200
    assert await office.bench.size(RETRY) == before + 1


async def test_a_letter_that_is_read_again_after_it_was_closed_stays_closed(
    office: Office,
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)  # by the clock of a service
    letter = await office.died(b"v", 1, at=ahead)
    await office.ask("POST", f"/v1/letters/{letter}/discard", {"reason": "a test"})
    indexed = await office.context.store.letter(letter)
    assert await office.context.store.index_letter(indexed) is False
    assert await states(office) == {letter: DeadLetterState.DISCARDED}


async def test_a_letter_that_is_written_or_read_twice_is_one(office: Office) -> None:
    letter = await office.died(b"v", 1)
    assert await office.died(b"v", 1) == letter
    assert (await office.context.store.letter(letter)).dlq_offset == 1
    assert len(await states(office)) == 1


async def test_letters_that_are_read_at_once_are_each_indexed_once(
    office: Office, fresh_database: Database
) -> None:
    store = office.context.store
    letters = []
    for offset in range(20):
        headers = letter_bytes(offset, value=b"v")
        record = Record(DLQ, 0, offset, KEY, b"v", headers, 1_000)
        letters.append(build_indexed_dead_letter(record))
    results = await asyncio.gather(*map(store.index_letter, [*letters, *letters[:10]]))
    assert sum(results) == len(letters)
    rows = await fresh_database.fetch("SELECT letter_id FROM dead_letters")
    assert sorted(row["letter_id"] for row in rows) == sorted(one.letter_id for one in letters)


async def test_a_letter_that_an_earlier_version_indexed_is_known_when_it_is_read_again(
    office: Office, fresh_database: Database
) -> None:
    old = UUID(int=7)
    told: Headers = ((h.LETTER_ID, str(old).encode()), (h.DLQ_TOPIC, b"chunks-ready"))
    record = Record(DLQ, 0, 0, b"k", b"v", append_headers(ODD, told), 1_000)
    before = build_indexed_dead_letter(record).model_copy(
        update={"letter_id": old, "message_sha256": None}
    )
    await office.context.store.index_letter(before)
    again = await office.set_aside(b"v", append_headers(ODD, told), key=b"k")
    assert again != old
    assert await states(office) == {old: DeadLetterState.OPEN}
    assert await fresh_database.fetchval("SELECT message_sha256 IS NOT NULL FROM dead_letters")
    await office.ask("POST", f"/v1/letters/{old}/replay")
    assert await states(office) == {old: DeadLetterState.REPLAYED}


async def test_a_replay_of_all_leaves_out_what_no_replay_mends_unless_it_is_asked_for(
    office: Office,
) -> None:
    bad = [
        await office.died(b"%d" % n, n, error=BadMessageError("why", code=code))
        for n, code in enumerate((ErrorCode.UNDECODABLE, ErrorCode.REVISION_CONFLICT))
    ]
    good = await office.died(b"x", 9)
    foreign = await office.set_aside(b"foreign", ())
    _, body = await office.ask("POST", "/v1/letters/replay")
    assert body["replayed"] == [str(good)]
    assert body["left_out"] == {"undecodable": 1, "revision_conflict": 1, "unknown_source": 1}
    _, body = await office.ask("POST", "/v1/letters/replay", {"code": "undecodable"})
    assert (body["replayed"], body["left_out"]) == ([str(bad[0])], {})
    status, problem = await office.ask("POST", f"/v1/letters/{bad[1]}/replay")
    assert status == 409
    assert "another interview with this id and revision is stored" in problem["detail"]
    status, _ = await office.ask("POST", f"/v1/letters/{bad[1]}/replay?force=true")
    assert status == 200
    assert (await states(office))[foreign] is DeadLetterState.OPEN


async def test_the_replayed_message_tells_when_it_was_first_read(office: Office) -> None:
    letter = await office.died(b"v", 1, sent_ms=1_767_323_045_000)
    await office.ask("POST", f"/v1/letters/{letter}/replay")
    (record,) = await office.bench.records(RETRY, 1)
    _, added = split_headers(record.headers)
    assert dict(added)[h.ORIGIN_TIMESTAMP] == b"1767323045000"


async def test_a_reader_is_free_as_soon_as_it_has_answered(office: Office) -> None:
    letter = await office.context.store.letter(await office.died(b"v", 1))
    assert (await office.context.reader.read(letter.place)).value == b"v"
    assert not office.context.reader._one_at_a_time.locked(), "whether or not garbage was collected"
    batches = office.context.reader.read_many([letter.place])
    async with aclosing(batches):
        assert [one.value for one in await anext(batches)] == [b"v"]
        assert office.context.reader._one_at_a_time.locked()
    assert not office.context.reader._one_at_a_time.locked()
