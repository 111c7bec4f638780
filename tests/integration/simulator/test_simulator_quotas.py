"""Limits per minute, as clients meet them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from integration.simulator.conftest import ManualClock, Simulation

    Start = Callable[..., Awaitable[Simulation]]

HELLO_TOKENS = 2 + 17  # "Hello", and the answer to it


async def refused(simulation: Simulation, document: Any = "Hello") -> dict[str, str]:
    with pytest.raises(openai.RateLimitError) as raised:
        await simulation.ask(document)
    assert raised.value.code == "rate_limit_exceeded"
    return dict(raised.value.response.headers)


async def test_headers_report_what_is_left(start: Start, manual_clock: ManualClock) -> None:
    limits = {"requests_per_minute": 60, "tokens_per_minute": 6_000}
    simulation = await start(clock=manual_clock.clock, **limits)
    headers = await simulation.headers()
    reported = {name: value for name, value in headers.items() if name.startswith("x-ratelimit")}
    assert reported == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": str(6_000 - HELLO_TOKENS),
        "x-ratelimit-reset-tokens": "190ms",
    }


async def test_without_limits_nothing_is_told_of_them(start: Start) -> None:
    assert not [name for name in await (await start()).headers() if name.startswith("x-rate")]


async def test_what_is_reported_as_remaining_can_be_had_and_no_more(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, requests_per_minute=60, burst_s=5)
    left = int((await simulation.headers())["x-ratelimit-remaining-requests"])
    assert left == 4
    for _ in range(left):
        await simulation.ask("Hello")
    headers = await refused(simulation)
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("1", "1000")


async def test_a_client_that_waits_as_asked_is_served(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, tokens_per_minute=1_000)
    await simulation.ask()
    headers = await refused(simulation, json.dumps({"more": "a" * 800}))
    manual_clock.passed += int(headers["retry-after-ms"]) / 1000 - 0.01
    await refused(simulation, json.dumps({"more": "a" * 800}))
    manual_clock.passed += 0.01
    await simulation.ask(json.dumps({"more": "a" * 800}))


async def test_an_answers_tokens_are_taken_as_its_usage_says(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, tokens_per_minute=100_000)
    answer = await simulation.ask()
    assert answer.usage
    limits = (await simulation.counts())["limits"]["tokens"]
    assert limits["taken"] == answer.usage.total_tokens
    assert limits["remaining"] == 100_000 - answer.usage.total_tokens


async def test_reserved_tokens_are_the_most_the_answer_may_have(
    start: Start, manual_clock: ManualClock
) -> None:
    limits = {"tokens_per_minute": 100_000, "tokens_counted": "reserved"}
    simulation = await start(clock=manual_clock.clock, **limits)
    answer = await simulation.ask(max_completion_tokens=5_000)
    assert answer.usage
    taken = (await simulation.counts())["limits"]["tokens"]["taken"]
    assert taken == answer.usage.prompt_tokens + 5_000


async def test_a_request_beyond_a_minutes_quota_is_told_no_wait(start: Start) -> None:
    simulation = await start(tokens_per_minute=100)
    headers = await refused(simulation, "a" * 1_000)
    assert not [name for name in headers if name.startswith("retry-after")]


async def test_refused_requests_take_nothing_and_are_no_attempts(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, requests_per_minute=60, burst_s=1)
    first = await simulation.ask("Hello")
    for _ in range(5):
        await refused(simulation)
    manual_clock.passed += 1
    second = await simulation.ask("Hello")
    fresh = await start(seed=7)
    assert [first.id, second.id] == [(await fresh.ask("Hello")).id for _ in range(2)]
    counted = await simulation.counts()
    assert counted["by_outcome"] == {"answered": 2, "over_requests_limit": 5}
    assert counted["rate_limited"] == 5
    assert counted["limits"]["requests"]["taken"] == 2


async def test_the_quota_can_be_halved_while_it_runs(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, requests_per_minute=600, burst_s=1)
    manual_clock.passed += 30
    status, described = await simulation.admin(
        "PATCH", "models/any-model", {"requests_per_minute": 300}
    )
    assert (status, described["behaviour"]["requests_per_minute"]) == (200, 300)
    manual_clock.passed += 30
    counted = (await simulation.counts())["limits"]["requests"]
    assert counted["remaining"] == 5
    assert counted["available"] == 5 + 150 + 5  # made when it was first named; half of what it held
    assert (await simulation.headers())["x-ratelimit-limit-requests"] == "300"


async def test_counts_report_how_much_of_the_quota_was_used(
    start: Start, manual_clock: ManualClock
) -> None:
    simulation = await start(clock=manual_clock.clock, requests_per_minute=600, burst_s=1)
    await asyncio.gather(*(simulation.ask("Hello") for _ in range(5)))
    await simulation.admin("DELETE", "counts")
    manual_clock.passed += 60
    await asyncio.gather(*(simulation.ask("Hello") for _ in range(10)))
    status, counted = await simulation.admin("GET", "counts")
    model = counted["models"]["any-model"]
    assert (status, counted["seconds"], model["calls"]) == (200, 60, 10)
    assert model["limits"]["requests"] == {
        "per_minute": 600,
        "remaining": 0,
        "taken": 10,
        "available": 605,
    }
    assert model["prompt_tokens"] + model["completion_tokens"] > 0


@pytest.mark.parametrize(
    "changes", [{"requests_per_minute": 0}, {"requests": 3}, {"latency": "fast"}, [1]]
)
async def test_changes_that_make_no_sense_are_refused(start: Start, changes: Any) -> None:
    simulation = await start()
    status, answer = await simulation.admin("PATCH", "models/any-model", changes)
    assert status == 400
    assert "\n" not in answer["error"]["message"]
