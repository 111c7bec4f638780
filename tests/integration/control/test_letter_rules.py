"""Rules that replay letters by themselves: off at first, only once letters cease, and so often."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.access import TrailOutcome
from contracts.call_purposes import DRAFT
from contracts.errors import ErrorCode, RejectedError
from control.domain import DeadLetterNotOpenError
from control.replays.rule_runner import RuleRunner
from control.replays.rules import MOST_UNKNOWN
from database.pool import Database
from messaging import KafkaUnavailableError
from support.control_office import Office, TryAgainError

TIMEOUTS = {
    "name": "timeouts",
    "filter": {"code": "llm_timeout"},
    "quiet_s": 600,
    "rate_per_s": 2,
    "most_replays": 2,
}


class UngroundedError(RejectedError):
    """A cause that is no timeout."""

    code = ErrorCode.UNGROUNDED


@pytest.fixture
async def runner(office: Office, fresh_database: Database) -> RuleRunner:
    return RuleRunner(fresh_database, office.context.replayer.replay, period_s=0.0, second_s=0.0)


async def is_well(database: Database, ago: timedelta = timedelta(minutes=2)) -> None:
    """A model has answered a call for notes."""
    await database.execute(
        """
        INSERT INTO llm_calls (
            call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at,
            settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
            output_tokens, estimated, latency_s
        )
        VALUES (gen_random_uuid(), 's', 'c', $2, 'p', 'e', 'm', current_date,
                now() - $1::interval, now() - $1::interval, 'answered', 'm', '', 1, 0, 1, false, 1)
        """,
        ago,
        DRAFT,
    )


@pytest.fixture
async def well(fresh_database: Database) -> None:
    await is_well(fresh_database)


async def resolve_all(database: Database) -> None:
    await database.execute(
        "UPDATE dead_letters SET outcome = 'resolved', outcome_at = now() WHERE state = 'replayed'"
    )


async def enabled(office: Office, **changes: Any) -> None:
    status, rule = await office.ask("POST", "/v1/rules", TIMEOUTS | changes)
    assert (status, rule["is_enabled"]) == (201, False)
    path = f"{office.url}/v1/rules/{rule['name']}"
    answer = await office.client.patch(path, json={"is_enabled": True}, headers={"If-Match": "*"})
    assert answer.status_code == 200


async def open_letters(office: Office) -> set[UUID]:
    found = await office.context.store.letters()
    return {one.letter_id for one in found if one.state == "open"}


@pytest.mark.usefixtures("well")
async def test_a_rule_replays_what_it_means_once_it_is_enabled(
    office: Office, runner: RuleRunner
) -> None:
    for number in range(5):
        await office.died(b"%d" % number, number, error=TryAgainError("slow"))
    other = await office.died(b"x", 9, error=UngroundedError("not there"))
    await office.ask("POST", "/v1/rules", TIMEOUTS)
    assert await runner.look() == 0  # off at first
    path = f"{office.url}/v1/rules/timeouts"
    await office.client.patch(path, json={"is_enabled": True}, headers={"If-Match": '"1"'})
    assert await runner.look() == 5
    assert await open_letters(office) == {other}
    assert await office.bench.size("enrichment-retry-0") == 5
    (entry, *_) = (await office.context.trail.page()).entries
    assert (entry.actor, entry.action) == ("rule:timeouts", "rule.fire")
    assert (entry.outcome, entry.status) == (TrailOutcome.DONE, None)
    assert json.loads(entry.target) == {"rule": "timeouts", "version": 2, "letters": 5}
    _, rule = await office.ask("GET", "/v1/rules/timeouts")
    assert (rule["replayed"], rule["fired_at"] is not None) == (5, True)
    assert await runner.look() == 0
    assert len((await office.context.trail.page(action="rule.fire")).entries) == 1


@pytest.mark.usefixtures("well")
async def test_a_rule_waits_until_its_letters_have_ceased(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    await office.died(b"1", 1, at=datetime.now(UTC) - timedelta(hours=1))
    latest = await office.died(b"2", 2, at=datetime.now(UTC) - timedelta(minutes=5))
    await enabled(office)
    assert await runner.look() == 0
    await fresh_database.execute(
        "UPDATE dead_letters SET failed_at = now() - interval '11 minutes' WHERE letter_id = $1",
        latest,
    )
    assert await runner.look() == 2


@pytest.mark.usefixtures("well")
async def test_a_letter_that_fails_again_ends_a_firing_within_a_second(
    office: Office, fresh_database: Database
) -> None:
    for number in range(6):
        await office.died(b"%d" % number, number)
    await enabled(office)

    async def replay(letter_id: UUID) -> None:
        await office.context.replayer.replay(letter_id)
        await office.died(b"again %s" % letter_id.bytes, 50, at=datetime.now(UTC))

    runner = RuleRunner(fresh_database, replay, period_s=0.0, second_s=0.0)
    assert await runner.look() == 2  # one second's letters
    assert await runner.look() == 0


@pytest.mark.usefixtures("well")
async def test_replays_by_a_person_count_towards_the_most_of_a_message(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    await enabled(office)
    for round_ in range(3):
        letter_id = await office.died(b"%d" % round_, round_)
        await fresh_database.execute("UPDATE dead_letters SET source_offset = 7")
        if round_ == 0:
            assert (await office.ask("POST", f"/v1/letters/{letter_id}/replay"))[0] == 200
        else:
            assert await runner.look() == (1 if round_ == 1 else 0)
    assert len(await open_letters(office)) == 1


@pytest.mark.usefixtures("well")
async def test_replays_of_the_drafts_before_count_towards_the_most_of_a_refused_draft(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    await enabled(office, filter={"code": "ungrounded"})
    for round_ in range(3):
        letter_id = await office.died(
            b"%d" % round_,
            round_,
            error=UngroundedError("not there"),
            at=datetime.now(UTC) - timedelta(hours=1 - round_ / 10),
        )
        # Each draft of a chunk is a message of its own, from a place of its own.
        await fresh_database.execute(
            "UPDATE dead_letters SET became = $1, outcome = 'failed_again' WHERE state = 'replayed'"
            " AND outcome IS NULL",
            letter_id,
        )
        assert await runner.look() == (1 if round_ < 2 else 0)
    assert await open_letters(office) == {letter_id}


async def test_letters_of_a_service_that_is_away_do_not_stand_before_those_of_another(
    office: Office, fresh_database: Database
) -> None:
    seen: list[UUID] = []

    async def replay(letter_id: UUID) -> None:
        seen.append(letter_id)

    for number in range(130):
        await office.died(b"%d" % number, number)
    letter = await office.died(b"well", 500)
    await fresh_database.execute(
        "UPDATE dead_letters SET service = 'guardrail' WHERE letter_id <> $1", letter
    )
    await is_well(fresh_database)  # enrichment; of the guardrail nothing is known
    await enabled(office)
    runner = RuleRunner(fresh_database, replay, period_s=0.0, second_s=0.0)
    assert await runner.look() == 1
    assert seen == [letter]


@pytest.mark.usefixtures("well")
async def test_what_a_replay_of_many_leaves_out_is_left_out(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    await enabled(office, filter={"service": "enrichment"})
    snoozed = await office.died(b"1", 1)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await office.ask("POST", f"/v1/letters/{snoozed}/snooze", {"snooze_until": until})
    hopeless = await office.died(b"2", 2)
    await fresh_database.execute(
        "UPDATE dead_letters SET error_code = 'undecodable' WHERE letter_id = $1", hopeless
    )
    assert await runner.look() == 0


@pytest.mark.usefixtures("well")
async def test_hopeless_letters_are_passed_over_page_by_page_a_bounded_number_in_a_look(
    office: Office, runner: RuleRunner, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.rules.PAGE", 2)
    monkeypatch.setattr("control.replays.rules.MOST_PAGES", 2)
    for number in range(9):
        await office.died(b"%d" % number, number)
    await enabled(office, rate_per_s=1)
    # What the first eight are about is withdrawn.
    await fresh_database.execute(
        "WITH first AS (UPDATE dead_letters SET subject = gen_random_uuid(), revision = 1"
        " WHERE letter_id IN (SELECT letter_id FROM dead_letters"
        " ORDER BY dlq_topic, dlq_partition, dlq_offset LIMIT 8) RETURNING subject)"
        " INSERT INTO withdrawn_revisions (transcript_id, revision)"
        " SELECT subject::uuid, 1 FROM first"
    )
    monkeypatch.setattr("control.replays.rule_runner.PORTION_S", 1)
    counted = [await runner.look() for _ in range(4)]
    assert counted == [0, 0, 1, 0]
    assert len(await open_letters(office)) == 8


@pytest.mark.usefixtures("well")
async def test_of_two_replicas_one_looks_at_a_rule_and_one_that_cannot_goes_on(
    office: Office, fresh_database: Database
) -> None:
    for number in range(3):
        await office.died(b"%d" % number, number)
    await enabled(office)
    seen: list[UUID] = []

    async def replay(letter_id: UUID) -> None:
        seen.append(letter_id)
        if len(seen) == 1:
            raise DeadLetterNotOpenError("discarded meanwhile")

    replicas = [RuleRunner(fresh_database, replay, second_s=0.0) for _ in range(2)]
    assert sum(await asyncio.gather(*(one.look() for one in replicas))) == 2
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.usefixtures("well")
async def test_an_outage_ends_a_firing_and_what_was_replayed_is_noted(
    office: Office, fresh_database: Database
) -> None:
    for number in range(3):
        await office.died(b"%d" % number, number)
    await enabled(office)
    calls = 0

    async def replay(letter_id: UUID) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KafkaUnavailableError("no broker answers")
        await office.context.replayer.replay(letter_id)

    with pytest.raises(KafkaUnavailableError):
        await RuleRunner(fresh_database, replay, period_s=0.0, second_s=0.0).look()
    _, rule = await office.ask("GET", "/v1/rules/timeouts")
    assert rule["replayed"] == 1
    assert len(await open_letters(office)) == 2


async def test_silence_is_no_health_and_one_letter_is_sent_as_a_probe(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    """In an outage messages wait and none is set aside: that proves nothing."""
    for number in range(5):
        await office.died(b"%d" % number, number)
    await is_well(fresh_database, ago=timedelta(minutes=11))
    await enabled(office)
    assert await runner.look() == 1
    assert [await runner.look() for _ in range(3)] == [0, 0, 0], "nothing is known of it yet"
    await resolve_all(fresh_database)
    assert await runner.look() == 4


async def test_a_model_that_answers_shows_only_that_its_own_stage_is_well(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    for number in range(3):
        await office.died(b"%d" % number, number)
    others = {await office.died(b"%d" % number, number) for number in range(3, 6)}
    await fresh_database.execute(
        "UPDATE dead_letters SET service = 'guardrail' WHERE letter_id = ANY ($1)", list(others)
    )
    await is_well(fresh_database)
    await enabled(office)
    assert await runner.look() == 3
    assert await open_letters(office) == others


async def test_a_firing_waits_while_nothing_is_known_of_too_many(
    office: Office, runner: RuleRunner, fresh_database: Database
) -> None:
    await is_well(fresh_database)
    for number in range(MOST_UNKNOWN + 5):
        await office.died(b"%d" % number, number)
    await enabled(office, rate_per_s=100)
    assert await runner.look() == MOST_UNKNOWN
    assert await runner.look() == 0
    await resolve_all(fresh_database)
    assert await runner.look() == 5


async def test_a_firing_that_takes_longer_than_a_period_stays_of_one_replica(
    office: Office, fresh_database: Database
) -> None:
    await is_well(fresh_database)
    for number in range(6):
        await office.died(b"%d" % number, number)
    await enabled(office, rate_per_s=1)
    second = RuleRunner(fresh_database, office.context.replayer.replay, period_s=8.0)
    seen: list[int] = []

    async def replay(letter_id: UUID) -> None:
        await office.context.replayer.replay(letter_id)
        # So that six letters take longer than the 6.4 s after which a claim lapses.
        await asyncio.sleep(0.8)
        seen.append(await second.look())

    first = RuleRunner(fresh_database, replay, period_s=8.0, second_s=0.5)
    assert await first.look() == 6
    assert seen == [0] * 6
    assert len((await office.context.trail.page(action="rule.fire")).entries) == 1


async def test_rules_change_only_as_they_were_read(office: Office) -> None:
    assert (await office.ask("POST", "/v1/rules", TIMEOUTS))[0] == 201
    status, problem = await office.ask("POST", "/v1/rules", TIMEOUTS)
    assert status == 409
    assert problem["detail"].startswith("there is a rule timeouts already: choose another name")
    path, body = f"{office.url}/v1/rules/timeouts", {"is_enabled": True}
    assert (await office.client.patch(path, json=body)).status_code == 428
    answer = await office.client.patch(path, json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    for method in ("PATCH", "DELETE"):
        answer = await office.client.request(method, path, json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == 412
    answer = await office.client.delete(path, headers={"If-Match": '"2"'})
    assert answer.status_code == 204
    assert (await office.ask("GET", "/v1/rules/timeouts"))[0] == 404
    assert (await office.ask("GET", "/v1/rules"))[1] == {"rules": [], "next": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "No spaces"},
        {"filter": {}},
        {"filter": {"studdy": "x"}},
        {"filter": {"state": "open"}},
        {"rate_per_s": 0},
        {"most_replays": 0},
        {"quiet_s": -1},
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    office: Office, changes: dict[str, Any]
) -> None:
    assert (await office.ask("POST", "/v1/rules", TIMEOUTS | changes))[0] == 400
    assert (await office.ask("GET", "/v1/rules"))[1] == {"rules": [], "next": None}
