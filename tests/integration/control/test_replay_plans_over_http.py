"""Replay plans over HTTP and real Kafka: made, previewed, run, and followed to each letter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import headers as h
from contracts.replay_options import ReplayOverrides, decode_replay_options
from contracts.replay_plans import ReplayPlanState
from control.replays.plans import ReplayPlanRunner
from support.control_office import Office
from support.waiting import until

RETRY = "enrichment-retry-0"


async def plan(office: Office, **wanted: Any) -> dict[str, Any]:
    status, made = await office.ask("POST", "/v1/plans", wanted)
    assert status == 201, made
    found: dict[str, Any] = made
    return found


async def test_a_plan_is_made_run_and_reported(office: Office) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(6)]
    made = await plan(office, which={"service": "enrichment"}, rate=1_000)
    await office.died(b"later", 9)
    path = f"/v1/plans/{made['plan_id']}"
    assert (made["state"], made["letters"], made["steps"]) == ("ready", 6, [6])
    _, preview = await office.ask("GET", f"{path}/preview")
    (part,) = preview["parts"]
    assert (part["letters"], part["topic"]) == (6, RETRY)
    runner = ReplayPlanRunner(office.context.plans, office.context.replayer, poll_s=0.05)
    async with office.context.replayer.repairing(), runner.running():
        assert (await office.ask("POST", f"{path}/start"))[0] == 200
        assert (await office.ask("POST", f"{path}/start"))[0] == 200, "it runs already"

        async def are_sent() -> bool:
            return bool((await office.ask("GET", path))[1]["counts"]["replayed"] == 6)

        await until(are_sent)
        # What fails again is read from the DLQ, as its service writes it there.
        await office.context.database.execute(
            "UPDATE dead_letters SET outcome = 'resolved' WHERE state = 'replayed'"
        )

        async def is_finished() -> bool:
            return bool((await office.ask("GET", path))[1]["state"] == "finished")

        await until(is_finished)
    assert await office.bench.size(RETRY) == 6
    assert {record.value for record in await office.bench.records(RETRY, 6)} == {
        b"%d" % n for n in range(6)
    }
    _, page = await office.ask("GET", f"{path}/letters?limit=4")
    assert len(page["letters"]) == 4
    _, rest = await office.ask("GET", f"{path}/letters?cursor={page['next']}")
    assert rest["next"] is None
    shown = [*page["letters"], *rest["letters"]]
    assert {one["letter_id"] for one in shown} == set(map(str, letters))
    assert {(one["state"], one["by_this_plan"]) for one in shown} == {("resolved", True)}
    _, letter = await office.ask("GET", f"/v1/letters/{letters[0]}")
    assert letter["letter"]["plan_id"] == made["plan_id"]
    _, trail = await office.ask("GET", "/v1/trail")
    assert {one["action"] for one in trail["entries"]} >= {
        "plan.create",
        "plan.start",
        "plan.finish",
    }


async def test_what_makes_no_sense_is_refused_with_its_reason(office: Office) -> None:
    status, problem = await office.ask("POST", "/v1/plans", {"which": {"service": "guardrail"}})
    assert (status, "no open letter matches" in problem["detail"]) == (404, True)
    assert (await office.ask("POST", "/v1/plans", {"rate": 0}))[0] == 400
    assert (await office.ask("POST", "/v1/plans", {"witch": {}}))[0] == 400
    for typo in ({"cod": "llm_timeout"}, {"state": "discarded"}):
        assert (await office.ask("POST", "/v1/plans", {"which": typo}))[0] == 400, typo
    for method, verb in (("GET", ""), ("GET", "/preview"), ("GET", "/letters"), ("POST", "/start")):
        status, problem = await office.ask(method, f"/v1/plans/{uuid4()}{verb}")
        assert (status, "there is no plan" in problem["detail"]) == (404, True), verb
    await office.died(b"v", 1)
    path = f"/v1/plans/{(await plan(office))['plan_id']}"
    status, problem = await office.ask("POST", f"{path}/pause")
    assert (status, "is ready" in problem["detail"]) == (409, True)
    for _ in range(2):
        assert (await office.ask("POST", f"{path}/cancel"))[1]["state"] == "cancelled"
    status, problem = await office.ask("POST", f"{path}/start")
    assert (status, "is cancelled" in problem["detail"]) == (409, True)


async def test_a_plan_is_changed_as_it_was_read(office: Office) -> None:
    await office.died(b"v", 1)
    url = f"{office.url}/v1/plans/{(await plan(office))['plan_id']}"
    etag = (await office.client.get(url)).headers["ETag"]
    first = await office.client.post(f"{url}/start", headers={"If-Match": etag})
    assert first.status_code == 200
    assert first.headers["ETag"] != etag
    second = await office.client.post(f"{url}/pause", headers={"If-Match": etag})
    assert second.status_code == 412


async def test_a_plan_that_stopped_is_resumed_as_it_was_read(office: Office) -> None:
    await office.died(b"v", 1)
    made = await plan(office)
    url = f"{office.url}/v1/plans/{made['plan_id']}"
    assert (await office.client.post(f"{url}/start")).status_code == 200
    await office.context.plans.end(UUID(made["plan_id"]), ReplayPlanState.STOPPED, "too many")
    assert (await office.client.post(f"{url}/start")).status_code == 409
    assert (await office.client.post(f"{url}/resume")).status_code == 428
    etag = (await office.client.get(url)).headers["ETag"]
    resumed = await office.client.post(f"{url}/resume", headers={"If-Match": etag})
    assert (resumed.status_code, resumed.json()["state"]) == (200, "running")


async def test_a_plan_sends_what_it_sets_with_its_own_letters_alone(office: Office) -> None:
    await office.died(b"1", 1)
    wanted = {"prompt_version": "notes-2", "model": "small", "deadline_s": 60}
    made = await plan(office, overrides=wanted)
    assert {name: made["overrides"][name] for name in wanted} == wanted
    other = await office.died(b"2", 2)
    path = f"/v1/plans/{made['plan_id']}"
    runner = ReplayPlanRunner(office.context.plans, office.context.replayer, poll_s=0.05)
    async with office.context.replayer.repairing(), runner.running():
        assert (await office.ask("POST", f"{path}/start"))[0] == 200
        (sent,) = await office.bench.records(RETRY, 1)
        assert (await office.ask("POST", f"/v1/letters/{other}/replay"))[0] == 200
    _, plain = await office.bench.records(RETRY, 2)
    options = dict(sent.headers)[h.REPLAY_OPTIONS]
    assert decode_replay_options(options) == ReplayOverrides(**wanted)
    assert (plain.value, h.REPLAY_OPTIONS in dict(plain.headers)) == (b"2", False)
    _, trail = await office.ask("GET", "/v1/trail")
    targets = [one["target"] for one in trail["entries"] if one["action"] == "plan.create"]
    assert ["notes-2" in one for one in targets] == [True]


async def test_a_crash_of_control_leaves_a_plans_letters_with_what_it_sets(office: Office) -> None:
    await office.died(b"1", 1)
    made = await plan(office, overrides={"prompt_version": "notes-2"})
    plans = office.context.plans
    plan_id = UUID(made["plan_id"])
    await plans.start(plan_id)
    async with office.context.store.hold_claims_lock():
        await plans.take_plans()
        assert await plans.slices.claim(plan_id, 0, 1)
        # It was claimed, and not sent: repair does that.
        assert await office.context.replayer.finish_interrupted() == 1
    (sent,) = await office.bench.records(RETRY, 1)
    assert b"notes-2" in dict(sent.headers)[h.REPLAY_OPTIONS]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"prompt_version": "notes-99"}, "there is no 'notes-99'; there are notes-1"),
        ({"deadline_s": 4}, "deadline_s"),
        ({"deadline_s": 601}, "deadline_s"),
        ({"personal_data": "publish"}, "personal_data"),
        ({"modell": "small"}, "modell"),
        ({"model": ""}, "model"),
        ({"fresh": True, "fresh_since": "2026-11-23T12:00:00Z"}, "control sets it"),
    ],
)
async def test_a_plan_sets_only_what_there_is(
    office: Office, overrides: dict[str, Any], says: str
) -> None:
    await office.died(b"1", 1)
    status, problem = await office.ask("POST", "/v1/plans", {"overrides": overrides})
    assert status == 400
    assert says in str(problem)
    status, problem = await office.ask("POST", "/v1/rehearsals", {"overrides": overrides})
    assert (status, says in str(problem)) == (400, True)


async def test_a_plan_that_asks_models_anew_says_since_when_answers_count(office: Office) -> None:
    await office.died(b"1", 1)
    before = datetime.now(UTC)
    made = await plan(office, overrides={"fresh": True})
    since = datetime.fromisoformat(made["overrides"]["fresh_since"])
    assert before <= since <= datetime.now(UTC)
    assert made["overrides"]["fresh"]
    # A plan that is sent by somebody else later, after a crash, sets the same.
    read = await office.ask("GET", f"/v1/plans/{made['plan_id']}")
    assert read[1]["overrides"] == made["overrides"]
