"""How long dead letters are kept: what expires when, what is deleted then, and who is warned."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from structlog.testing import capture_logs

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.letter_retention import LetterRetention
from control.access.rights import Caller
from control.access.trail import AuditTrail
from control.letters import retention
from control.letters.indexing import build_indexed_dead_letter
from control.letters.reindexing import reindex_dlqs
from control.letters.retention import LetterRetentionSweeper, RetentionPeriods, RetentionWarnings
from database.pool import Database
from messaging import Record
from messaging.kafka.admin import create_topics, open_admin_client
from support.control_office import KEY, TOPICS, Office, letter_bytes, open_office
from support.waiting import until

DLQ = "enrichment-dlq"
PERIODS = RetentionPeriods(timedelta(days=90), timedelta(days=30), timedelta(days=7))
STUDY = """
INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by, retention_days)
VALUES ($1, 'refuse', 'proven', 'ada', $2)
"""


class Archive:
    """An office whose letters grow old."""

    def __init__(self, office: Office, database: Database) -> None:
        self.office = office
        self.database = database
        self.sweeper = LetterRetentionSweeper(
            database, office.bench.kafka, PERIODS, gone_for=timedelta(hours=1)
        )

    async def age(self, letter_id: UUID, days: float) -> None:
        """Have a letter become what it is that much earlier."""
        await self.database.execute(
            "WITH awaited AS ("
            "UPDATE awaited_replays SET sent_at = now() - $2::interval WHERE letter_id = $1"
            ") UPDATE dead_letters SET indexed_at = indexed_at - $2::interval,"
            " failed_at = now() - $2::interval, state_changed_at = now() - $2::interval,"
            " outcome_at = outcome_at - $2::interval WHERE letter_id = $1",
            letter_id,
            timedelta(days=days),
        )

    async def state(self, letter_id: UUID) -> DeadLetterState:
        return (await self.office.context.store.letter(letter_id)).state

    async def commit(self, offset: int) -> None:
        """Have control's group be behind an offset of the DLQ."""
        kafka = self.office.bench.kafka
        consumer = AIOKafkaConsumer(
            **kafka.client_options(), group_id=kafka.topic("control"), enable_auto_commit=False
        )
        place = TopicPartition(kafka.topic(DLQ), 0)
        await consumer.start()
        try:
            consumer.assign([place])
            await consumer.commit({place: offset})
        finally:
            await consumer.stop()

    async def begin(self) -> int:
        kafka = self.office.bench.kafka
        consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False)
        place = TopicPartition(kafka.topic(DLQ), 0)
        await consumer.start()
        try:
            return int((await consumer.beginning_offsets([place]))[place])
        finally:
            await consumer.stop()

    async def purge(self, before: int) -> None:
        place = TopicPartition(self.office.bench.kafka.topic(DLQ), 0)
        async with open_admin_client(self.office.bench.kafka) as admin:
            await admin.delete_records({place: RecordsToDelete(before)}, timeout_ms=10_000)

    async def trail(self) -> list[dict[str, Any]]:
        page = await AuditTrail(self.database).page(action="letters.expire")
        return [json.loads(entry.target) for entry in page.entries]

    async def read(self) -> LetterRetention:
        status, body = await self.office.ask("GET", "/v1/letters/retention")
        assert status == 200
        return LetterRetention.model_validate(body)


@pytest.fixture
async def archive(broker: str, fresh_database: Database) -> AsyncIterator[Archive]:
    async with open_office(broker, fresh_database, retention=PERIODS) as office:
        yield Archive(office, fresh_database)


async def test_a_replayed_letter_without_an_outcome_is_closed_after_the_month_of_looking_for_it(
    archive: Archive,
) -> None:
    letter = await archive.office.died(b"what Ada said", 1)
    assert (await archive.office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 200
    await archive.age(letter, 60.5)  # 30 days, behind the 31 in which it may have an outcome
    await archive.sweeper.sweep()
    assert (await archive.office.context.store.letter(letter)).headers
    await archive.age(letter, 61.5)
    await archive.sweeper.sweep()
    emptied = await archive.office.context.store.letter(letter)
    assert (emptied.state, emptied.headers, emptied.key) == ("replayed", (), None)
    assert await archive.database.fetchval("SELECT count(*) FROM awaited_replays") == 0


async def test_what_failed_again_after_the_month_is_awaited_no_longer(archive: Archive) -> None:
    letter = await archive.office.died(b"what Ada said", 1)
    assert (await archive.office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 200
    await archive.age(letter, 32)
    await archive.database.execute(
        "UPDATE dead_letters SET outcome = 'failed_again', outcome_at = now()"
    )
    await archive.sweeper.sweep()
    assert (await archive.office.context.store.letter(letter)).headers
    assert await archive.database.fetchval("SELECT count(*) FROM awaited_replays") == 0


async def test_an_open_letter_expires_with_its_edits_and_says_so_everywhere(
    archive: Archive,
) -> None:
    old = await archive.office.died(b"what Ada said", 1)
    young = await archive.office.died(b"what Bo said", 2)
    caller = Caller(token_id=UUID(int=1), name="ada", grants=())
    await archive.office.context.editor.choose(old, None, (b"edited words", ()), caller, "a test")
    await archive.age(old, 91)
    await archive.age(young, 89)
    with capture_logs() as logs:
        await archive.sweeper.sweep()
    assert (await archive.state(old), await archive.state(young)) == ("expired", "open")
    (entry,) = await archive.trail()
    assert (entry["service"], entry["letters"]) == ("enrichment", 1)
    assert [one["letters"] for one in logs if one["event"] == "letters_expired"] == [1]
    assert await archive.database.fetchval("SELECT count(*) FROM letter_edits") == 0
    letter = await archive.office.context.store.letter(old)
    assert (letter.headers, letter.key, letter.edit) == ((), None, None)
    # Its bytes are on the broker until no earlier letter is kept, and nobody is shown them.
    status, shown = await archive.office.ask("GET", f"/v1/letters/{old}")
    assert (status, shown["value"], shown["letter"]["state"]) == (200, None, "expired")
    assert "kept for 90 days" in shown["gone"]
    for path in ("replay", "value", "edit"):
        method = "POST" if path == "replay" else "GET"
        status, body = await archive.office.ask(method, f"/v1/letters/{old}/{path}")
        assert (status, "is expired" in body["detail"]) == (410, True)
    status, body = await archive.office.ask("POST", f"/v1/letters/{old}/discard", {"reason": "x"})
    assert (status, "is expired" in body["detail"]) == (409, True)
    status, body = await archive.office.ask("POST", f"/v1/letters/{old}/restore")
    assert status == 409
    _, listed = await archive.office.ask("GET", "/v1/letters?state=expired")
    assert [one["letter_id"] for one in listed["letters"]] == [str(old)]
    _, listed = await archive.office.ask("GET", "/v1/letters?state=discarded")
    assert listed["letters"] == []
    _, causes = await archive.office.ask("GET", "/v1/causes?state=expired")
    assert [one["letters"]["expired"] for one in causes["causes"]] == [1]
    counts = {one.state: one.letters for one in await archive.office.context.store.counts()}
    assert counts == {"open": 1, "expired": 1}
    await archive.sweeper.sweep()
    assert len(await archive.trail()) == 1, "nothing expires twice"


async def test_a_study_with_a_shorter_retention_goes_before_and_none_with_a_longer_one(
    archive: Archive,
) -> None:
    letters = {}
    for number, (study, days) in enumerate([("short", 10), ("long", 900)]):
        await archive.database.execute(STUDY, study, days)
        letters[study] = await archive.office.died(b"%d" % number, number)
        await archive.database.execute(
            "UPDATE dead_letters SET study_id = $2 WHERE letter_id = $1", letters[study], study
        )
        await archive.age(letters[study], 11)
    await archive.sweeper.sweep()
    assert await archive.state(letters["short"]) == "expired"
    assert await archive.state(letters["long"]) == "open"
    await archive.age(letters["long"], 91)
    await archive.sweeper.sweep()
    assert await archive.state(letters["long"]) == "expired"


async def test_a_letter_that_says_it_failed_long_ago_is_kept_from_when_it_was_read(
    archive: Archive,
) -> None:
    letter = await archive.office.died(b"v", 1)  # in January, by its headers
    await archive.sweeper.sweep()
    assert await archive.state(letter) == "open"
    (cause,) = (await archive.read()).causes
    indexed_at = (await archive.office.context.store.letter(letter)).indexed_at
    assert indexed_at is not None
    assert cause.first_expires_at == indexed_at + timedelta(days=90)


async def test_closed_letters_are_kept_for_less_and_records_are_deleted_from_the_beginning(
    archive: Archive,
) -> None:
    store = archive.office.context.store
    resolved, discarded, opened, behind = [
        await archive.office.died(b"%d" % n, n) for n in range(4)
    ]
    for one in (resolved, behind):
        assert await store.claim_for_replay(one)
        await store.mark_many_replayed([one])
    await archive.database.execute(
        "UPDATE dead_letters SET outcome = 'resolved', outcome_at = now() WHERE state = 'replayed'"
    )
    await store.discard(discarded, "not needed")
    for one in (resolved, discarded, behind):
        await archive.age(one, 29)
    await archive.commit(4)
    await archive.sweeper.sweep()
    assert await archive.begin() == 0
    for one in (resolved, discarded, behind):
        await archive.age(one, 31)
    await archive.commit(1)
    await archive.sweeper.sweep()
    assert await archive.begin() == 1, "what control has not indexed is not deleted"
    await archive.commit(4)
    await archive.sweeper.sweep()
    assert await archive.begin() == 2, "up to the first letter that is kept"
    rows = await archive.database.fetch("SELECT letter_id FROM dead_letters")
    assert {row["letter_id"] for row in rows} == {discarded, opened, behind}
    assert await archive.state(discarded) == "discarded"
    found = await store.letter(behind)
    assert (found.state, found.emptied_at is not None, found.headers) == ("resolved", True, ())
    _, shown = await archive.office.ask("GET", f"/v1/letters/{opened}")
    assert (shown["value"], shown["gone"]) == ("Mg==", "")
    # Once the open one is closed and its time over, too, nothing holds up the others.
    await store.discard(opened, "not needed")
    await archive.age(opened, 31)
    await archive.sweeper.sweep()
    assert await archive.begin() == 4
    rows = await archive.database.fetch("SELECT letter_id FROM dead_letters")
    assert {row["letter_id"] for row in rows} == {discarded, opened}, "kept for the audit"


async def test_a_record_that_the_index_does_not_know_is_not_deleted(archive: Archive) -> None:
    old = await archive.office.died(b"old", 1)
    await archive.office.bench.send(DLQ, b"unknown", key=KEY, headers=letter_bytes(2))
    await archive.age(old, 91)
    await archive.commit(2)
    await archive.sweeper.sweep()
    assert (await archive.state(old), await archive.begin()) == ("expired", 1)


async def test_a_letter_without_its_message_is_not_opened_again(archive: Archive) -> None:
    first, one, other = [await archive.office.died(b"%d" % n, n) for n in range(3)]
    for letter in (one, other):
        status, body = await archive.office.ask(
            "POST", f"/v1/letters/{letter}/discard", {"reason": "no use"}
        )
        assert status == 200
    await archive.age(one, 31)
    await archive.commit(3)
    await archive.sweeper.sweep()
    status, body = await archive.office.ask("POST", f"/v1/letters/{one}/restore")
    assert (status, "not kept any more" in body["detail"]) == (409, True)
    status, _ = await archive.office.ask("POST", f"/v1/letters/{other}/restore")
    assert status == 200
    assert [await archive.state(letter) for letter in (first, one, other)] == [
        *("open", "discarded", "open")
    ]


async def test_a_message_that_fails_anew_after_its_letter_was_emptied_has_its_key_and_no_edit(
    archive: Archive,
) -> None:
    letter = await archive.office.died(b"v", 1, sent_ms=1_000)
    caller = Caller(token_id=UUID(int=1), name="ada", grants=())
    await archive.office.context.editor.choose(letter, None, (b"edited", ()), caller, "a test")
    assert (await archive.office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 200
    await archive.age(letter, 70)
    await archive.sweeper.sweep()
    emptied = await archive.office.context.store.letter(letter)
    assert (emptied.state, emptied.key, emptied.edit) == ("replayed", None, 1)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await archive.office.died(b"v", 1, sent_ms=1_000, at=later) == letter
    again = await archive.office.context.store.letter(letter)
    assert (again.state, again.key, again.edit) == ("open", KEY, None)
    assert again.headers
    status, shown = await archive.office.ask("GET", f"/v1/letters/{letter}/edit")
    assert (status, shown["current"], shown["edits"]) == (200, None, [])


async def test_the_record_of_an_open_letter_is_never_deleted(archive: Archive) -> None:
    """However it came to be open: the index has emptied it."""
    letter, behind = [await archive.office.died(b"%d" % n, n) for n in range(2)]
    await archive.database.execute(
        "UPDATE dead_letters SET emptied_at = now() WHERE letter_id = $1", letter
    )
    await archive.age(behind, 91)
    await archive.commit(2)
    await archive.sweeper.sweep()
    assert (await archive.state(behind), await archive.begin()) == ("expired", 0)


async def test_an_hour_at_another_broker_costs_no_letter(archive: Archive) -> None:
    letters = [await archive.office.died(b"%d" % n, n) for n in range(3)]
    await archive.commit(3)
    # As the sweeps at a broker whose DLQs are empty leave them: one has not expired yet.
    await archive.database.execute(
        "UPDATE dead_letters SET displaced_at = now() - interval '2 hours'"
    )
    await archive.database.execute(
        "UPDATE dead_letters SET state = 'discarded', outcome = 'expired', outcome_at = now(),"
        " state_reason = $2 WHERE letter_id = ANY ($1)",
        letters[:2],
        retention.GONE,
    )
    await archive.sweeper.sweep()
    assert [await archive.state(one) for one in letters] == ["open"] * 3
    assert (await archive.read()).gone == 0
    assert await archive.begin() == 0
    for one in letters:
        assert (await archive.office.ask("POST", f"/v1/letters/{one}/replay"))[0] == 200


async def test_replicas_that_look_at_once_tell_each_expiry_once(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        await archive.age(await archive.office.died(b"%d" % number, number), 91)
    other = LetterRetentionSweeper(archive.database, archive.office.bench.kafka, PERIODS)
    await asyncio.gather(archive.sweeper.sweep(), other.sweep())
    assert sum(entry["letters"] for entry in await archive.trail()) == 7


async def test_a_failed_again_letter_is_kept_as_long_as_what_it_became(archive: Archive) -> None:
    store = archive.office.context.store
    first, again = [await archive.office.died(b"%d" % n, n) for n in range(2)]
    assert await store.claim_for_replay(first)
    await store.mark_many_replayed([first])
    await archive.database.execute(
        "UPDATE dead_letters SET outcome = 'failed_again', outcome_at = now(), became = $2"
        " WHERE letter_id = $1",
        first,
        again,
    )
    await archive.age(first, 31)
    await archive.commit(2)
    await archive.sweeper.sweep()
    assert await archive.begin() == 1
    assert (await store.letter(first)).became == again


@pytest.mark.parametrize("is_made_anew", [False, True])
async def test_letters_that_are_gone_from_a_dlq_expire_after_a_while_and_come_back_with_it(
    archive: Archive, *, is_made_anew: bool
) -> None:
    gone, there = [await archive.office.died(b"%d" % n, n) for n in range(2)]
    if is_made_anew:
        await archive.database.execute(
            "UPDATE dead_letters SET indexed_at = now() - interval '1 hour'"
        )
        name = archive.office.bench.kafka.topic(DLQ)
        async with open_admin_client(archive.office.bench.kafka) as admin:
            await admin.delete_topics([name])

            async def is_gone() -> bool:
                return name not in await admin.list_topics()

            await until(is_gone)
        with capture_logs() as logs:
            await archive.sweeper.sweep()
        assert [one["topics"] for one in logs if one["event"] == "dlqs_missing"]
        found = await archive.read()
        assert (DLQ in found.missing_dlqs, found.gone) == (True, 0)
        await create_topics(archive.office.bench.kafka, TOPICS)
    else:
        await archive.purge(1)
    await archive.sweeper.sweep()
    assert await archive.state(gone) == "open", "not at once"
    found = await archive.read()
    assert found.gone == (2 if is_made_anew else 1)
    await archive.database.execute(
        "UPDATE dead_letters SET displaced_at = displaced_at - interval '1 hour'"
    )
    await archive.sweeper.sweep()
    assert await archive.state(gone) == "expired"
    assert await archive.state(there) == ("expired" if is_made_anew else "open")
    (entry,) = await archive.trail()
    assert entry["letters"] == found.gone
    status, body = await archive.office.ask("POST", f"/v1/letters/{gone}/replay")
    assert (status, retention.GONE in body["detail"]) == (410, True)
    # The record is written there again, as from a copy: what is read is open.
    place = await archive.office.bench.size(DLQ)
    headers = letter_bytes(0, value=b"0")
    await archive.office.bench.send(DLQ, b"0", key=KEY, headers=headers)
    letter = build_indexed_dead_letter(Record(DLQ, 0, place, KEY, b"0", headers, 1_000))
    assert letter.letter_id == gone
    await archive.office.context.store.index_letter(letter)
    status, body = await archive.office.ask("POST", f"/v1/letters/{gone}/replay")
    assert (status, body.get("state", body)) == (200, "replayed")


async def test_a_letter_whose_time_was_over_does_not_come_back(archive: Archive) -> None:
    letter = await archive.office.died(b"0", 0)
    await archive.age(letter, 91)
    await archive.sweeper.sweep()
    headers = letter_bytes(0, value=b"0")
    again = build_indexed_dead_letter(Record(DLQ, 0, 0, KEY, b"0", headers, 1_000))
    assert again.letter_id == letter
    assert await archive.office.context.store.index_letter(again) is False
    assert await archive.state(letter) == "expired"


async def test_what_expires_soon_and_a_dlq_near_its_bound_are_told_before(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await archive.office.died(b"v" * 1_000, 1)
    await archive.age(letter, 84)
    with capture_logs() as logs:
        await archive.sweeper.sweep()
        await archive.sweeper.sweep()
    assert [one["letters"] for one in logs if one["event"] == "letters_expire_soon"] == [1]
    assert archive.sweeper.warnings == RetentionWarnings(expiring=1)
    found = await archive.read()
    assert (found.letters, found.expiring, found.policy.open_days) == (1, 1, 90)
    (cause,) = found.causes
    assert (cause.service, cause.error_code, cause.letters) == ("enrichment", "llm_timeout", 1)
    (dlq,) = (one for one in found.dlqs if one.topic == DLQ)
    assert (dlq.letters, dlq.bytes, dlq.is_near_bound) == (1, 1_000, False)
    assert dlq.max_bytes == 16 * 1024**3
    monkeypatch.setattr("contracts.letter_retention.NEAR_BOUND", 1e-9)
    with capture_logs() as logs:
        await archive.sweeper.sweep()
    assert [one["topic"] for one in logs if one["event"] == "dlq_near_its_bound"] == [DLQ]
    assert [one.topic for one in archive.sweeper.warnings.full] == [DLQ]


async def test_a_plan_and_a_restore_leave_expired_letters_alone(archive: Archive) -> None:
    letters = [await archive.office.died(b"%d" % n, n) for n in range(2)]
    status, plan = await archive.office.ask("POST", "/v1/plans", {"canary": False})
    assert status == 201
    await archive.age(letters[0], 91)
    await archive.sweeper.sweep()
    await archive.office.ask("POST", f"/v1/plans/{plan['plan_id']}/start", {})
    plans = archive.office.context.plans
    await plans.take_plans()
    claimed = await plans.slices.claim(UUID(plan["plan_id"]), 0, 2)
    assert [one.letter_id for one in (claimed.letters if claimed else ())] == [letters[1]]
    assert (await plans.plan(UUID(plan["plan_id"]))).not_sent == {"expired": 1}
    page, _ = await plans.letters(UUID(plan["plan_id"]))
    assert [one.state for one in page] == ["expired", "replaying"]
    which = DeadLetterFilter(state=DeadLetterState.EXPIRED)
    assert len(await archive.office.context.store.letters(which)) == 1


async def test_a_reindex_finds_what_the_index_lacks_and_opens_what_was_gone(
    archive: Archive,
) -> None:
    kept, lost, resolved, gone = [await archive.office.died(b"%d" % n, n) for n in range(4)]
    store = archive.office.context.store
    assert await store.claim_for_replay(resolved)
    await store.mark_many_replayed([resolved])
    # As after a restored database, and a DLQ that was away.
    await archive.database.execute("DELETE FROM dead_letters WHERE letter_id = $1", lost)
    await archive.database.execute(
        "UPDATE dead_letters SET state = 'discarded', outcome = 'expired', state_reason = 'gone',"
        " displaced_at = now() WHERE letter_id = $1",
        gone,
    )
    status, body = await archive.office.ask("POST", "/v1/letters/reindex", {})
    assert (status, body) == (200, {"read": 4, "new": 1, "next": None})
    assert [await archive.state(one) for one in (kept, lost, resolved, gone)] == [
        *("open", "open", "replayed", "open")
    ]
    entries = (await AuditTrail(archive.database).page(action="letters.reindex")).entries
    assert len(entries) == 1
    status, body = await archive.office.ask("POST", f"/v1/letters/{gone}/replay")
    assert (status, body["state"]) == (200, "replayed")
    status, body = await archive.office.ask("POST", "/v1/letters/reindex", {"cursor": "x"})
    assert (status, "cursor" in body["detail"]) == (400, True)


async def test_a_reindex_goes_on_where_it_was(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.letters.reindexing.AT_A_TIME", 2)
    for number in range(5):
        await archive.office.died(b"%d" % number, number)
    await archive.database.execute("DELETE FROM dead_letters")
    kafka, store = archive.office.bench.kafka, archive.office.context.store
    # Its time is over at once, and then after it has begun.
    nothing = await reindex_dlqs(store, kafka, budget_s=0)
    assert nothing.next is not None
    assert (nothing.read, *nothing.next) == (0, DLQ, 0, 0)
    rest = await reindex_dlqs(store, kafka, begin=nothing.next._replace(offset=3))
    assert (rest.read, rest.next) == (2, None)
    first = await reindex_dlqs(store, kafka)
    assert (first.read, first.new, len(await store.letters())) == (5, 3, 5)
