"""Outages and drifts that come when they are due, and faults switched while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from integration.simulator.conftest import ManualClock, Simulation

    Start = Callable[..., Awaitable[Simulation]]

ON_NOON = "2026-01-01T12:01:00Z"  # a minute after the clock's begin


@pytest.mark.parametrize("at", [60, ON_NOON])
async def test_an_outage_begins_and_ends_when_it_is_due(
    start: Start, manual_clock: ManualClock, at: Any
) -> None:
    simulation = await start(clock=manual_clock.clock, outages=[{"at": at, "lasts": 30}])
    for passed, up in ((0, True), (59.9, True), (60, False), (89.9, False), (90, True)):
        manual_clock.passed = passed
        assert await serves(simulation) is up
    assert (await simulation.counts())["by_outcome"] == {"answered": 3, "outage": 2}


async def serves(simulation: Simulation) -> bool:
    try:
        await simulation.ask("Hello")
    except openai.InternalServerError as error:
        return error.status_code != 503
    return True


@pytest.mark.parametrize(
    ("kind", "error"),
    [("hang", openai.APITimeoutError), ("disconnect", openai.APIConnectionError)],
)
async def test_an_outage_concerns_all_endpoints_of_the_api(
    start: Start, kind: str, error: type[Exception]
) -> None:
    simulation = await start(outages=[{"kind": kind}])
    with pytest.raises(error):
        await simulation.ask(patience=0.2)
    with pytest.raises(error):
        await simulation.client.models.list(timeout=0.2)
    assert (await simulation.admin("GET", "outages"))[0] == 200


async def test_an_outage_of_one_model_leaves_the_others(start: Start) -> None:
    simulation = await start(models={"a": {}, "b": {}}, outages=[{"model": "a"}])
    with pytest.raises(openai.InternalServerError):
        await simulation.ask(model="a")
    assert await simulation.ask(model="b")
    assert [model.id async for model in simulation.client.models.list()] == ["a", "b"]


async def test_outages_can_be_planned_and_ended_while_it_runs(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock)
    manual_clock.passed = 100
    status, planned = await simulation.admin("PUT", "outages", [{"lasts": 60}])
    assert (status, planned) == (200, {"outages": [{"lasts": 60}]})
    assert not await serves(simulation)
    assert (await simulation.admin("DELETE", "outages"))[1] == {"outages": []}
    assert await serves(simulation)
    status, answer = await simulation.admin("PUT", "outages", [{"kind": "strike"}])
    assert (status, answer["error"]["message"][:16]) == (400, "outages: 0.kind:")


async def test_an_outage_that_ends_leaves_its_hanging_calls_hanging(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, outages=[{"kind": "hang", "lasts": 60}])
    hanging = asyncio.create_task(simulation.ask("Hello", patience=60))
    async with asyncio.timeout(10):
        while not (await simulation.admin("GET", "requests"))[1]["in_flight"]:
            pass
    manual_clock.passed = 61
    assert await serves(simulation)
    assert not hanging.done()
    hanging.cancel()


@pytest.mark.parametrize("at", [60, ON_NOON])
async def test_a_model_drifts_on_its_date(start: Start, manual_clock: ManualClock, at: Any) -> None:
    drift = {"at": at, "spoils": {"paraphrased_number": 1}}
    simulation = await start(clock=manual_clock.clock, drift=drift)
    before, notes = await simulation.ask(), await simulation.notes()
    manual_clock.passed = 60
    after, worse = await simulation.ask(), await simulation.notes()
    assert before.system_fingerprint != after.system_fingerprint
    assert [note["evidence"] for note in notes] == [note["evidence"] for note in worse]
    assert "sixty pounds" in notes[0]["statement"]
    assert "more than 50 pounds" in worse[0]["statement"]
    assert (await simulation.counts())["drifted"] is True


@pytest.mark.parametrize("at", [0, 0.0, ON_NOON])
async def test_a_drift_that_has_begun_has_a_fingerprint_of_its_own(
    start: Start, manual_clock: ManualClock, at: Any
) -> None:
    steady = await start(clock=manual_clock.clock)
    manual_clock.passed = 60
    drifted = await start(clock=manual_clock.clock, drift={"at": at})
    fingerprints = [(await one.ask()).system_fingerprint for one in (steady, drifted)]
    assert fingerprints[0] != fingerprints[1]


async def test_a_drift_spoils_its_share_of_the_notes(start: Start, document: Any) -> None:
    simulation = await start(drift={"at": 0, "spoils": {"unknown_theme": 0.3}})
    themes = [
        theme
        for number in range(40)
        for note in await simulation.notes({**document, "label": number})
        for theme in note["themes"]
    ]
    assert 0.15 < themes.count("not-a-theme") / len(themes) < 0.45


async def test_named_faults_are_switched_without_disturbing_the_rest(start: Start) -> None:
    simulation = await start({"fault": "unknown_theme", "name": "themes"})
    await simulation.notes()
    status, now = await simulation.admin("PUT", "rules/down", {"fault": "refusal"})
    assert status == 200
    assert [rule["name"] for rule in now["rules"]] == ["down", "themes"]
    assert now["fired"] == [0, 1]
    assert (await simulation.ask()).choices[0].message.refusal
    status, now = await simulation.admin("DELETE", "rules/down")
    assert (status, now["fired"]) == (200, [1])
    assert (await simulation.notes())[0]["themes"] == ["not-a-theme"]
    assert (await simulation.admin("DELETE", "rules/down"))[0] == 404


async def test_a_named_fault_put_again_takes_its_own_place(start: Start) -> None:
    simulation = await start({"fault": "slow", "name": "a", "delay": 0}, {"fault": "hang"})
    _, now = await simulation.admin("PUT", "rules/a", {"fault": "refusal"})
    assert [rule["fault"] for rule in now["rules"]] == ["refusal", "hang"]


async def test_all_faults_can_be_switched_off(start: Start) -> None:
    simulation = await start({"fault": "refusal"})
    assert (await simulation.admin("DELETE", "rules"))[1] == {"rules": [], "fired": []}
    assert await simulation.notes()


@pytest.mark.parametrize("rule", [{"fault": "explode"}, [1], "hang", {"fault": "hang", "x": 1}])
async def test_named_faults_that_make_no_sense_are_refused(start: Start, rule: Any) -> None:
    status, answer = await (await start()).admin("PUT", "rules/bad", rule)
    assert status == 400
    assert answer["error"]["message"].startswith("rules: ")


async def test_the_same_requests_in_the_same_order_get_the_same_of_everything(
    start: Start, manual_clock: ManualClock
) -> None:
    settings: dict[str, Any] = {
        "clock": manual_clock.clock,
        "latency": "lognormal:0.005,1",
        "between_chunks": "pareto:0.0001,2",
        "requests_per_minute": 600,
        "burst_s": 3,
        "drift": {"at": 0},
    }
    rules = ({"fault": "refusal", "rate": 0.3}, {"fault": "server_error", "rate": 0.2})

    async def outcomes(seed: int) -> list[str]:
        simulation = await start(*rules, seed=seed, **settings)
        return [await outcome(simulation, f"Hello {number % 12}") for number in range(40)]

    assert await outcomes(7) == await outcomes(7)
    assert await outcomes(8) != await outcomes(7)


async def outcome(simulation: Simulation, content: str) -> str:
    try:
        answer = await simulation.ask(content)
    except openai.APIStatusError as error:
        return f"{error.status_code} {error.response.headers.get('retry-after-ms')}"
    return f"{answer.id} {answer.choices[0].message} {answer.usage}"
