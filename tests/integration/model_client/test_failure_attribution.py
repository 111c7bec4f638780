"""Questions on which an endpoint always fails, while it serves others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, NoReturn

import pytest

from contracts.errors import OnrecordError
from integration.model_client.test_refusals import request
from model_client import CostAttribution, ModelClient, ModelSettings, errors
from support.scripted_endpoint import (
    Exchange,
    ScriptedEndpoint,
    completion,
    json_response,
    streamed,
    until_given_up,
)

Fault = Callable[[], Any]


def disconnects() -> Any:
    async def cut(exchange: Exchange) -> NoReturn:
        await exchange.abort()

    return cut


def hangs() -> Any:
    return streamed(until_given_up)


def fails() -> Any:
    return json_response({}, status=500)


FAULTS: dict[str, tuple[Fault, type[OnrecordError]]] = {
    "answers 500": (fails, errors.ServerError),
    "cuts the connection": (disconnects, errors.ServerError),
    "hangs": (hangs, errors.ModelTimeoutError),
}


def endpoint_with(fault: Fault) -> ScriptedEndpoint:
    """Fails on what holds the word "poison", and answers everything else."""

    def respond(request: dict[str, Any], _: int) -> Any:
        if "poison" in str(request["messages"]):
            return fault()
        return json_response(completion(content='{"notes": []}'))

    return ScriptedEndpoint(respond)


async def ask_as_messaging_does(
    client: ModelClient, text: str, turn: asyncio.Lock
) -> OnrecordError | None:
    """Ask until it is no outage: what then befalls the message; None: it was answered.

    While it is one, messages are tried one after another, as a stage's gate has it.
    """
    gate: AbstractAsyncContextManager[Any] = nullcontext()
    for _ in range(50):
        try:
            async with gate:
                await client.ask(request(text), CostAttribution("heating", text))
        except errors.ModelUnavailableError:
            gate = turn
        except OnrecordError as error:
            return error
        else:
            return None
    raise AssertionError(f"{text} is taken for an outage for ever")


@pytest.mark.long
@pytest.mark.parametrize("poisons", [1, 7])
@pytest.mark.parametrize("name", FAULTS)
async def test_what_fails_by_itself_is_no_outage_while_others_are_served(
    name: str, poisons: int
) -> None:
    fault, expected = FAULTS[name]
    async with endpoint_with(fault).serve() as url:
        settings = ModelSettings(
            base_url=url, model="m", timeout_s=1.0 if name == "hangs" else 30.0
        )
        async with ModelClient(settings) as client:
            turn, texts = asyncio.Lock(), [f"poison {one}" for one in range(poisons)]
            asking = [
                asyncio.create_task(ask_as_messaging_does(client, one, turn)) for one in texts
            ]
            served = 0
            while not all(task.done() for task in asking):
                # More than the poisons: where most calls fail, it is the endpoint that does.
                goods = [f"good {served + one}" for one in range(3 * poisons)]
                fates = await asyncio.gather(
                    *(ask_as_messaging_does(client, one, turn) for one in goods)
                )
                assert set(fates) == {None}
                served += len(goods)
            for task in asking:
                assert isinstance(task.result(), expected)
            assert served > 0
            await client.ask(request("good at last"), CostAttribution("heating", "last"))
            assert not client.endpoints[0].breaker.is_open


@pytest.mark.parametrize("poisons", [1, 7])
@pytest.mark.parametrize("name", FAULTS)
async def test_left_alone_it_is_told_from_an_outage_by_a_short_question(
    name: str, poisons: int
) -> None:
    fault, expected = FAULTS[name]
    async with endpoint_with(fault).serve() as url:
        settings = ModelSettings(
            base_url=url, model="m", timeout_s=2.0 if name == "hangs" else 30.0
        )
        async with ModelClient(settings) as client:
            turn = asyncio.Lock()
            fates = await asyncio.gather(
                *(ask_as_messaging_does(client, f"poison {one}", turn) for one in range(poisons))
            )
            assert {isinstance(one, expected) for one in fates} == {True}
            await client.ask(request("good"), CostAttribution("heating", "good"))
            assert not client.endpoints[0].breaker.is_open


@pytest.mark.long
async def test_many_that_hang_and_are_left_alone_take_few_questions() -> None:
    questions = 0

    def respond(request: dict[str, Any], _: int) -> Any:
        nonlocal questions
        if "poison" in str(request["messages"]):
            return hangs()
        questions += 1
        return json_response(completion(content="ok"))

    poisons, turn = 12, asyncio.Lock()
    async with ScriptedEndpoint(respond).serve() as url:
        settings = ModelSettings(base_url=url, model="m", timeout_s=1.0)
        async with ModelClient(settings) as client:
            for _ in range(2):  # as from a retry topic
                fates = await asyncio.gather(
                    *(
                        ask_as_messaging_does(client, f"poison {one}", turn)
                        for one in range(poisons)
                    )
                )
                assert {isinstance(one, errors.ModelTimeoutError) for one in fates} == {True}
    assert questions <= poisons / 4


@pytest.mark.parametrize("limit", [None, 30.0], ids=["no limit", "no turn for a question"])
@pytest.mark.parametrize("name", FAULTS)
async def test_an_outage_is_not_taken_for_a_request_that_is_left_alone(
    name: str, limit: float | None
) -> None:
    asked: list[str] = []

    def respond(request: dict[str, Any], _: int) -> Any:
        asked.append(str(request["messages"]))
        return FAULTS[name][0]()

    outages = 0
    async with (
        ScriptedEndpoint(respond).serve() as url,
        ModelClient(
            ModelSettings(base_url=url, model="m", timeout_s=0.5, requests_per_minute=limit)
        ) as client,
    ):
        for _ in range(8):
            try:
                await client.ask(request("good"), CostAttribution("heating", "good"))
            except errors.ModelUnavailableError:
                outages += 1
            except OnrecordError:
                assert outages == 0, "an outage befell the message"
    assert outages >= 7
    # Each failure in the outage is followed by one short question at most, and no two are the same:
    # a cache on the way would answer for a model that is down.
    questions = [one for one in asked if "Reply with" in one]
    assert len(questions) == len({*questions}) <= len(asked) / 2
    assert questions or limit


async def test_an_endpoint_is_not_measured_by_a_short_question() -> None:
    def respond(request: dict[str, Any], _: int) -> Any:
        if "Reply with" not in str(request["messages"]):
            return fails()
        answer = completion(content="ok", usage={"prompt_tokens": 90, "completion_tokens": 1})
        return json_response(answer)

    async with (
        ScriptedEndpoint(respond).serve() as url,
        ModelClient(ModelSettings(base_url=url, model="m", first_token_s=60.0)) as client,
    ):
        endpoint = client.endpoints[0]
        prompt = {"messages": [{"role": "user", "content": "words " * 500}]}
        before = endpoint._estimate.estimate_prompt_tokens(prompt)
        answer_tokens = endpoint.limits._answer_tokens
        fate = await ask_as_messaging_does(client, "poison", asyncio.Lock())
        assert isinstance(fate, errors.ServerError)
        assert endpoint._estimate.estimate_prompt_tokens(prompt) == before
        assert endpoint.limits._answer_tokens == answer_tokens
        assert endpoint.concurrency.first_token_timeout(60.0) == 60.0


async def test_an_outage_after_that_is_an_outage_for_it_too() -> None:
    down = False

    def respond(request: dict[str, Any], _: int) -> Any:
        if down or "poison" in str(request["messages"]):
            return fails()
        return json_response(completion(content='{"notes": []}'))

    async with (
        ScriptedEndpoint(respond).serve() as url,
        ModelClient(ModelSettings(base_url=url, model="m")) as client,
    ):
        assert await ask_as_messaging_does(client, "good", asyncio.Lock()) is None
        with pytest.raises(OnrecordError):
            await client.ask(request("poison"), CostAttribution("heating", "poison"))
        down = True
        # Its own failures until the breaker knows; then nothing but the outage.
        for one in range(4):
            with pytest.raises(OnrecordError):
                await client.ask(request("good"), CostAttribution("heating", f"good {one}"))
        for _ in range(5):
            with pytest.raises(errors.ModelUnavailableError):
                await client.ask(request("poison"), CostAttribution("heating", "poison"))
