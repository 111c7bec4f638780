"""Causes of dead letters: counted as letters come and change, listed, noted on and replayed by."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.errors import ErrorCode, ParkedError, RejectedError
from contracts.ids import derive_id
from contracts.letter_causes import CauseTrend, LetterCause, ListCausesRequest
from control.letters.causes import LetterCauseStore, classify_trend
from database.pool import Database
from support.control_office import Office, TryAgainError

ONE_ID, OTHER_ID = derive_id("chunk", 1), derive_id("chunk", 2)
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


class UngroundedError(RejectedError):
    """A cause that is no timeout."""

    code = ErrorCode.UNGROUNDED


class OverBudgetError(ParkedError):
    """A cause that has money in it."""

    code = ErrorCode.BUDGET_EXCEEDED


async def causes(office: Office, query: str = "") -> list[dict[str, Any]]:
    status, page = await office.ask("GET", f"/v1/causes{query}")
    assert status == 200, page
    found: list[dict[str, Any]] = page["causes"]
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no answer in 30.5 s (attempt 3 of 3)", "no answer in 7 s (attempt 12 of 12)"),
        (f"chunk {ONE_ID} is gone", f"chunk {OTHER_ID} is gone"),
        ('expected "theme" in "cost"', 'expected "a, b" in ""'),
        ("expected 'theme'", "expected 'question two'"),
        ("https://a.example/v1?x=1 answered 500", "http://[::1]:8080/ answered 503"),
        ("content 0a1b2c3d4e5f is stored", "content deadbeef0 is stored"),
        ("spent $12.50 of $20", "spent $1,312.07 of $2,000.00"),
    ],
)
async def test_messages_that_differ_by_ids_numbers_and_quotes_are_one_cause(
    office: Office, one: str, other: str
) -> None:
    await office.died(b"1", 1, error=TryAgainError(one))
    await office.died(b"2", 2, error=TryAgainError(other))
    (cause,) = await causes(office)
    assert cause["letters"]["open"] == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the model doesn't answer, it isn't up", "the model doesn't answer: the key isn't valid"),
        ("no answer in time", "the answer is no JSON"),
        ("facade is closed", "deadline is closed"),
    ],
)
async def test_messages_that_say_something_else_are_two_causes(
    office: Office, one: str, other: str
) -> None:
    await office.died(b"1", 1, error=TryAgainError(one))
    await office.died(b"2", 2, error=TryAgainError(other))
    assert len(await causes(office)) == 2


async def test_causes_have_counts_times_studies_and_an_example(office: Office) -> None:
    now = datetime.now(UTC)
    first = await office.died(b"v", 1, at=now - timedelta(hours=3), error=TryAgainError("slow 1"))
    for number in (2, 3):
        await office.died(b"x", number, at=now, error=TryAgainError(f"slow {number}"))
    await office.died(b"y", 4, at=now, error=UngroundedError("not there"))
    slow, other = await causes(office)
    assert (slow["error_code"], slow["summary"]) == ("llm_timeout", "slow <n>")
    assert {state: number for state, number in slow["letters"].items() if number} == {"open": 3}
    assert (sum(slow["by_hour"]), slow["trend"]) == (3, "rising")
    assert 1 in slow["by_hour"][-5:-2]  # an hour may have begun meanwhile
    assert slow["studies"] == [{"study_id": "", "letters": 3}]
    assert slow["example"] == str(first)
    assert (other["letters"]["open"], other["trend"], other["replay_helps"]) == (1, "new", True)
    status, again = await office.ask("GET", f"/v1/causes/{slow['cause_id']}")
    assert (status, again) == (200, slow)
    assert (await office.ask("GET", "/v1/causes/0123456789abcdef"))[0] == 404
    assert (await office.ask("GET", "/v1/causes/X"))[0] == 400


async def test_lists_narrow_by_service_code_state_and_study(office: Office) -> None:
    given_up = await office.died(b"1", 1, error=TryAgainError("slow"))
    await office.died(b"2", 2, error=UngroundedError("not there"))
    await office.ask("POST", f"/v1/letters/{given_up}/discard", {"reason": "a test"})
    assert [one["error_code"] for one in await causes(office)] == ["ungrounded"]
    assert len(await causes(office, "?state=all")) == 2
    (discarded,) = await causes(office, "?state=discarded")
    assert discarded["error_code"] == "llm_timeout"
    assert await causes(office, "?state=all&service=guardrail") == []
    assert await causes(office, "?state=all&study=another") == []
    assert len(await causes(office, "?state=all&code=ungrounded")) == 1
    assert (await office.ask("GET", "/v1/causes?state=ajar"))[0] == 400
    assert (await office.ask("GET", "/v1/causes?serivce=guardrail"))[0] == 400


async def counted(database: Database) -> Counter[tuple[str, str]]:
    rows = await database.fetch(
        "SELECT cause_id, state, sum(letters) AS letters FROM letter_cause_counts GROUP BY 1, 2"
    )
    return Counter({(row[0], row[1]): int(row[2]) for row in rows if row[2]})


async def there(database: Database) -> Counter[tuple[str, str]]:
    rows = await database.fetch("SELECT cause_id, state FROM dead_letters")
    return Counter((row[0], row[1]) for row in rows)


@pytest.mark.parametrize("seed", range(3))
async def test_counts_are_those_of_the_letters_whatever_becomes_of_them(
    office: Office, fresh_database: Database, seed: int
) -> None:
    random = Random(seed)
    store = office.context.store
    ids: list[UUID] = []
    for step in range(60):
        match random.randrange(6):
            case 0 | 1:
                error = random.choice([TryAgainError, UngroundedError])(f"no {random.random()}")
                at = datetime.now(UTC) - timedelta(hours=random.randrange(100))
                ids.append(await office.died(b"%d" % step, step, error=error, at=at))
            case 2 if ids:
                await store.discard(random.choice(ids), "a test")
            case 3 if ids:
                some = random.choice(ids)
                if await store.claim_for_replay(some):
                    await random.choice([store.mark_many_replayed, store.release_claims])([some])
            case 4:
                await store.claim_many_for_replay(
                    DeadLetterFilter(), until=datetime.now(UTC), limit=3
                )
            case 5:
                await LetterCauseStore(fresh_database).sum_counts()
        assert await counted(fresh_database) == await there(fresh_database)
    await fresh_database.execute("DELETE FROM dead_letters WHERE state = 'open'")
    await LetterCauseStore(fresh_database).sum_counts()
    await LetterCauseStore(fresh_database).delete_empty_counts()
    assert await counted(fresh_database) == await there(fresh_database)
    rows = await fresh_database.fetch("SELECT FROM letter_cause_counts WHERE letters = 0")
    assert not rows


async def test_what_operators_note_about_a_cause_stays_and_is_in_the_trail(office: Office) -> None:
    await office.died(b"1", 1)
    (cause,) = await causes(office)
    path = f"{office.url}/v1/causes/{cause['cause_id']}"
    client = office.client
    assert (await client.patch(path, json={"assignee": "Ada"})).status_code == 428
    edited = await client.patch(
        path,
        json={"assignee": "Ada", "remark": "the provider is looking"},
        headers={"If-Match": '"1"'},
    )
    assert (edited.status_code, edited.headers["ETag"]) == (200, '"2"')
    late = await client.patch(path, json={"assignee": "Bo"}, headers={"If-Match": '"1"'})
    assert late.status_code == 412
    await office.died(b"2", 2)
    (cause,) = await causes(office)
    assert (cause["assignee"], cause["remark"]) == ("Ada", "the provider is looking")
    assert cause["letters"]["open"] == 2
    again = {"assignee": "Bo", "muted_until": None}
    assert (await client.patch(path, json=again, headers={"If-Match": "*"})).status_code == 200
    unknown = f"{office.url}/v1/causes/{'0' * 16}"
    assert (await client.patch(unknown, json=again, headers={"If-Match": "*"})).status_code == 404
    _, trail = await office.ask("GET", "/v1/trail?action=cause.edit")
    one = cause["cause_id"]
    assert [entry["target"] for entry in trail["entries"]] == [
        f'{one}: {{"assignee": "Ada", "muted_until": null}} until now',
        f'{one}: {{"assignee": "", "remark": ""}} until now',
    ], "what was there before; nothing of what was refused"


async def test_a_muted_cause_is_counted_and_comes_back(office: Office) -> None:
    await office.died(b"1", 1)
    (cause,) = await causes(office)
    path = f"{office.url}/v1/causes/{cause['cause_id']}"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    muted = await office.client.patch(path, json={"muted_until": until}, headers={"If-Match": "*"})
    assert muted.status_code == 200
    status, page = await office.ask("GET", "/v1/causes")
    assert (status, page) == (
        200,
        {"causes": [], "next": None, "muted": 1, "snoozed": 0, "expiring": 0},
    )
    assert len(await causes(office, "?muted=true")) == 1
    await office.client.patch(path, json={"muted_until": None}, headers={"If-Match": "*"})
    assert len(await causes(office)) == 1


async def test_letters_are_found_by_all_that_is_asked_for(office: Office) -> None:
    early = datetime(2026, 3, 1, 8, tzinfo=UTC)
    late = datetime(2026, 3, 1, 20, tzinfo=UTC)
    one = await office.died(b"1", 1, at=early, error=TryAgainError("no answer in 3 s"))
    two = await office.died(b"2", 2, at=late, error=UngroundedError("Not There"))

    async def found(query: str) -> list[str]:
        status, page = await office.ask("GET", f"/v1/letters?{query}")
        assert status == 200, page
        return [letter["letter_id"] for letter in page["letters"]]

    _, shown = await office.ask("GET", f"/v1/letters/{one}")
    assert await found(f"cause={shown['letter']['cause_id']}") == [str(one)]
    assert await found("text=not%20there") == [str(two)]
    assert await found("text=%25") == []
    assert await found("since=2026-03-01T12:00:00Z") == [str(two)]
    assert await found("before=2026-03-01T12:00:00Z") == [str(one)]
    assert await found("since=2026-03-01T08:00:00Z&before=2026-03-01T20:00:00Z") == [str(one)]
    assert await found("min_attempts=1") == [str(two), str(one)]
    assert await found("min_attempts=2") == []
    assert await found("study=none") == []
    assert await found("producer=none") == []
    assert (await office.ask("GET", "/v1/letters?since=yesterday"))[0] == 400
    assert (await office.ask("GET", "/v1/letters?min_attempts=-1"))[0] == 400


async def test_a_replay_by_cause_takes_that_cause_alone(office: Office) -> None:
    one = await office.died(b"1", 1, error=TryAgainError("slow"))
    two = await office.died(b"2", 2, error=OverBudgetError("$3 are spent"))
    (cause,) = (one for one in await causes(office) if one["error_code"] == "budget_exceeded")
    status, result = await office.ask("POST", "/v1/letters/replay", {"cause": cause["cause_id"]})
    assert (status, result["replayed"]) == (200, [str(two)])
    assert (await office.context.store.letter(one)).state is DeadLetterState.OPEN


async def test_causes_without_letters_go_unless_something_is_noted_about_them(
    office: Office, fresh_database: Database
) -> None:
    store = LetterCauseStore(fresh_database)
    for number, error in enumerate((TryAgainError, UngroundedError, OverBudgetError)):
        await office.died(b"%d" % number, number, error=error("why"))
    kept = next(one for one in await causes(office) if one["error_code"] == "ungrounded")
    await office.client.patch(
        f"{office.url}/v1/causes/{kept['cause_id']}",
        json={"remark": "ours"},
        headers={"If-Match": "*"},
    )
    await fresh_database.execute("DELETE FROM dead_letters WHERE error_code <> 'budget_exceeded'")
    await store.sum_counts()
    async with fresh_database.transaction() as connection:
        await connection.execute("LOCK TABLE dead_letters IN ROW EXCLUSIVE MODE")
        await store.delete_empty_counts()
        assert await fresh_database.fetchval("SELECT count(*) FROM letter_causes") == 3
    await store.delete_empty_counts()
    rows = await fresh_database.fetch("SELECT error_code FROM letter_causes ORDER BY error_code")
    assert [row["error_code"] for row in rows] == ["budget_exceeded", "ungrounded"]


async def test_a_page_has_the_causes_with_the_most_letters(
    office: Office, fresh_database: Database
) -> None:
    await fresh_database.execute(
        """
        INSERT INTO dead_letters (
            letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
            error_type, error_message, attempts, timeouts, failed_at, fingerprint, headers,
            size_bytes, study_id
        )
        SELECT gen_random_uuid(), 'enrichment', 'enrichment-dlq', 0, number, 'g', 'llm_timeout',
               'T' || number % 40, 'no answer', 1, 1, now() - number * interval '1 minute', '',
               '[]', 1, 's' || number % 25
          FROM generate_series(1, 5000) AS number
        """
    )
    store = LetterCauseStore(fresh_database)
    page = await store.causes(ListCausesRequest(limit=10))
    assert [sum(one.letters.values()) for one in page.causes] == [125] * 10
    assert all(len(one.studies) == one.study_count == 5 for one in page.causes)
    assert sum(one.letters for one in page.causes[0].studies) == 125
    await fresh_database.execute(
        "UPDATE letter_causes SET muted_until = now() + interval '1 day' WHERE error_type <> 'T1'"
    )
    assert len((await store.causes(ListCausesRequest(limit=10))).causes) == 1
    assert (await store.causes(ListCausesRequest(limit=10))).muted == 39
    every = await store.causes(ListCausesRequest(limit=10, muted=True))
    assert (len(every.causes), every.muted) == (10, 0)


@pytest.mark.parametrize(
    ("before", "current", "trend"),
    [
        ([0] * 23, 0, CauseTrend.QUIET),
        ([0] * 22 + [1], 5, CauseTrend.RISING),
        ([10] * 23, 5, CauseTrend.STEADY),
        ([10] * 23, 11, CauseTrend.RISING),
        ([10] * 23, 2, CauseTrend.FALLING),
        ([1] * 23, 0, CauseTrend.FALLING),
    ],
)
def test_the_trend_is_the_current_hour_beside_the_mean_of_those_before(
    before: list[int], current: int, trend: CauseTrend
) -> None:
    assert classify_trend([*before, current], NOW - timedelta(days=2), NOW) is trend


def test_a_cause_of_the_latest_hour_is_new() -> None:
    assert classify_trend([0] * 23 + [9], NOW - timedelta(minutes=5), NOW) is CauseTrend.NEW
    assert LetterCause.model_fields["trend"].description
