"""Several models behind one endpoint, each with abilities and limits of its own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from contracts.notes import DraftNote

if TYPE_CHECKING:
    from integration.simulator.conftest import ManualClock, Simulation

    Start = Callable[..., Awaitable[Simulation]]

MODELS: dict[str, Any] = {
    "large": {"requests_per_minute": 60, "burst_s": 1},
    "small": {"context_tokens": 500, "output_tokens": 20},
    "plain": {"json_schema": "refused"},
    "loose": {"json_schema": "ignored"},
    "chatty": {"wrapping": "fences"},
    "lab/thinker": {"wrapping": "reasoning"},
}


async def ask_for_text(simulation: Simulation, model: str, **more: Any) -> str:
    return (await simulation.ask(model=model, **more)).choices[0].message.content or ""


async def test_lists_its_models_and_knows_no_others(start: Start) -> None:
    simulation = await start(models=MODELS)
    assert [model.id async for model in simulation.client.models.list()] == list(MODELS)
    with pytest.raises(openai.NotFoundError) as raised:
        await simulation.ask(model="huge")
    assert raised.value.code == "model_not_found"


async def test_each_model_has_its_own_quota(start: Start, manual_clock: ManualClock) -> None:
    simulation = await start(clock=manual_clock.clock, models=MODELS)
    await simulation.ask(model="large")
    with pytest.raises(openai.RateLimitError):
        await simulation.ask(model="large")
    assert await ask_for_text(simulation, "loose")
    assert (await simulation.counts("large"))["rate_limited"] == 1
    assert (await simulation.counts("loose"))["rate_limited"] == 0


async def test_a_models_own_settings_go_over_those_for_all(start: Start) -> None:
    models = {"a": {}, "b": {"output_tokens": None}}
    simulation = await start(models=models, output_tokens=10)
    lengths = [len(await ask_for_text(simulation, model)) for model in models]
    assert lengths[0] == 40 < lengths[1]


async def test_a_model_refuses_what_its_context_does_not_hold(
    start: Start, document: dict[str, Any]
) -> None:
    simulation = await start(models=MODELS)
    for prompt, most in ((None, 1), ("short", 500)):
        with pytest.raises(openai.BadRequestError) as raised:
            await simulation.ask(prompt, model="small", max_completion_tokens=most)
        assert raised.value.code == "context_length_exceeded"
    assert await ask_for_text(simulation, "large", document=document)


async def test_a_model_cuts_off_what_is_longer_than_its_answers(start: Start) -> None:
    models = {"short": {"output_tokens": 20}}
    answer = await (await start(models=models)).ask(model="short")
    assert answer.choices[0].finish_reason == "length"


async def test_a_model_without_schemas_refuses_them_and_takes_json(start: Start) -> None:
    simulation = await start(models=MODELS)
    with pytest.raises(openai.BadRequestError, match="json_schema"):
        await simulation.ask(model="plain")
    assert json.loads(
        await ask_for_text(simulation, "plain", response_format={"type": "json_object"})
    )


async def test_a_model_that_ignores_schemas_adds_keys(start: Start) -> None:
    answer = json.loads(await ask_for_text(await start(models=MODELS), "loose"))
    assert set(answer) == {"notes", "summary"}
    assert all(set(note) > set(DraftNote.model_fields) for note in answer["notes"])


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("chatty", r"Here are the notes:\n```json\n(.*)\n```\n.*"),
        ("lab/thinker", r"<think>.*\{notes\}.*</think>\s*(.*)"),
    ],
)
async def test_a_model_that_wraps_its_answer_still_gives_it(
    start: Start, model: str, form: str
) -> None:
    simulation = await start(models=MODELS)
    found = re.fullmatch(form, await ask_for_text(simulation, model), re.DOTALL)
    assert found
    assert json.loads(found.group(1)) == json.loads(await ask_for_text(simulation, "large"))


async def test_a_rule_can_concern_one_model(start: Start) -> None:
    simulation = await start({"fault": "refusal", "model": "loose"}, models=MODELS)
    assert not await ask_for_text(simulation, "loose")
    assert await ask_for_text(simulation, "large")


async def test_changes_one_model_while_it_runs(start: Start) -> None:
    simulation = await start(models=MODELS)
    status, _ = await simulation.admin("PATCH", "models/lab/thinker", {"wrapping": "none"})
    assert status == 200
    assert json.loads(await ask_for_text(simulation, "lab/thinker"))
    assert (await simulation.admin("GET", "models/none"))[0] == 404
    assert (await simulation.admin("PATCH", "models/none", {}))[0] == 404


async def test_the_beginning_of_a_prompt_is_cached_by_the_model_that_saw_it(start: Start) -> None:
    simulation = await start(models={"a": {}, "b": {}})
    prompts = ["a" * 8_000 + end for end in ("one", "another")]
    first, second, other = [
        (await simulation.ask(prompt, model=model)).usage
        for prompt, model in ((prompts[0], "a"), (prompts[1], "a"), (prompts[0], "b"))
    ]
    cached = [u.prompt_tokens_details.cached_tokens for u in (first, second, other) if u]  # type: ignore[union-attr] # the client's model allows for none
    assert cached == [0, 8_000 // 4 // 128 * 128, 0]
    assert (await simulation.counts("a"))["cached_tokens"] == cached[1]


async def test_load_makes_a_model_slower(start: Start) -> None:
    slowdown = {"beyond": 1, "per_call": 0.5}
    simulation = await start(latency=0.7, slowdown=slowdown)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(simulation.ask(f"Hello {number}") for number in range(3)))
    assert loop.time() - begun >= 0.7 * (1 + 2 * 0.5)
    assert (await simulation.counts())["most_in_flight"] == 3
