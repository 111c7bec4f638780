"""Replay plans over HTTP and real Kafka: made, previewed, run, and followed to each letter."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from contracts.replay_plans import ReplayPlanState
from control.plans import ReplayPlanRunner
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
    assert (len(page["letters"]), page["next"]) == (4, 4)
    _, rest = await office.ask("GET", f"{path}/letters?begin=4")
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
