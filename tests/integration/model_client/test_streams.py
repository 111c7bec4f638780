"""Streams as endpoints send them, and what may go wrong with one connection."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from enrichment.domain import DraftAnswer
from model_client import (
    CostAttribution,
    ModelClient,
    ModelRequest,
    ModelSettings,
    ParsedResponse,
    errors,
)
from model_client.limits.adaptive_concurrency import LEAST_PATIENCE_S
from model_client.limits.rate_limits import DEFAULT_WAIT_S
from support.loop_clock import LoopClock
from support.scripted_endpoint import (
    Exchange,
    Respond,
    ScriptedEndpoint,
    completion,
    events,
    json_response,
    piece,
    streamed,
    until_given_up,
)
from support.waiting import until

QUICK = {"timeout_s": 3.0, "first_token_s": 0.6, "between_tokens_s": 0.3}
ACCOUNT = CostAttribution("heating", "chunk-1")
DONE = b"data: [DONE]\n\n"


def request(text: str = "a document") -> ModelRequest[DraftAnswer]:
    return ModelRequest(
        messages=(
            {"role": "system", "content": "Write notes."},
            {"role": "user", "content": text},
        ),
        schema={"type": "object"},
        response_model=DraftAnswer,
        prompt_version="notes-2",
    )


def settings(url: str, **more: Any) -> ModelSettings:
    return ModelSettings(base_url=url, api_key=SecretStr("k"), model="m", **{**QUICK, **more})


async def ask(
    respond: Respond, *, deadline_in: float = 10.0, **more: Any
) -> tuple[ParsedResponse[Any], ScriptedEndpoint]:
    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url, **more)) as client:
        deadline = asyncio.get_running_loop().time() + deadline_in
        return await client.ask(request(), ACCOUNT, deadline=deadline), endpoint


def data(part: Any, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps(part, ensure_ascii=False)}{end}".encode()


def note(statement: str) -> str:
    one = {"statement": statement, "evidence": [], "themes": [], "questions": []}
    return json.dumps({"notes": [one]}, ensure_ascii=False)


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u0085"])
async def test_signs_that_only_look_like_the_end_of_a_line_end_none(sign: str) -> None:
    text = note(f"sixty{sign}pounds")
    answer, endpoint = await ask(lambda *_: streamed(data(piece(text, "stop")), DONE))
    assert answer.value.notes[0].statement == f"sixty{sign}pounds"
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
@pytest.mark.parametrize("size", [1, 7, 1_000])
async def test_lines_end_as_they_may_and_come_in_pieces_of_any_size(end: str, size: int) -> None:
    body = data(piece(note("£60"), "stop"), end) + f"data: [DONE]{end}".encode()
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    answer, _ = await ask(lambda *_: streamed(*parts))
    assert answer.value.notes[0].statement == "£60"


async def test_a_stream_may_end_without_an_empty_line() -> None:
    answer, _ = await ask(lambda *_: streamed(data(piece(note("x"), "stop"), "")))
    assert answer.value.notes


async def test_content_may_come_in_parts_of_which_thoughts_are_some() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "{hm"}]}
    parts = [
        {"choices": [{"delta": {"role": "assistant"}}]},
        {"choices": [{"delta": {"content": [thought]}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": '{"notes": []}'}]}}]},
        {"choices": [{"delta": {"tool_calls": []}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
    ]
    answer, endpoint = await ask(lambda *_: events(*parts))
    assert answer.value.notes == ()
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 3)
    assert len(endpoint.requests) == 1


async def test_a_role_alone_is_not_yet_the_first_token(clock: LoopClock) -> None:
    async def thinks(_: Exchange) -> None:
        await clock.advance(QUICK["between_tokens_s"] * 1.4)

    role = data({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
    answer, endpoint = await ask(
        lambda *_: streamed(role, thinks, data(piece('{"notes": []}', "stop")), DONE)
    )
    assert answer.value.notes == ()
    assert len(endpoint.requests) == 1


async def test_comments_that_keep_a_connection_alive_do_not_keep_a_call_alive(
    clock: LoopClock,
) -> None:
    async def keeps_alive(exchange: Exchange) -> NoReturn:
        await exchange.begin()
        while True:
            await exchange.write(b": still here\n\n")
            await clock.advance(QUICK["between_tokens_s"] / 3)

    with pytest.raises(errors.ModelTimeoutError, match="did not begin"):
        await ask(lambda *_: keeps_alive)


async def test_a_connection_is_used_for_the_next_call(clock: LoopClock) -> None:
    async def a_little_later(_: Exchange) -> None:
        await clock.settle()

    endpoint = ScriptedEndpoint(
        lambda *_: streamed(data(piece('{"notes": []}', "stop")), DONE, a_little_later)
    )
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        for number in range(5):
            await client.ask(request(str(number)), ACCOUNT)
    assert len(endpoint.connections) == 1


async def test_a_stream_that_stays_open_after_its_answer_holds_nobody_up() -> None:
    answer, _ = await ask(
        lambda *_: streamed(data(piece('{"notes": []}', "stop")), DONE, until_given_up),
        deadline_in=1.5,
    )
    assert answer.value.notes == ()


async def test_a_body_that_cannot_be_unpacked_is_a_failure_of_the_endpoint() -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    with pytest.raises(errors.ModelUnavailableError):
        await ask(lambda *_: Response(b"no gzip at all", headers=headers))


async def test_a_page_in_place_of_a_completion_is_a_failure_of_the_endpoint() -> None:
    with pytest.raises(errors.ModelUnavailableError, match="OPENAI_BASE_URL"):
        await ask(lambda *_: Response("<h1>Sign in</h1>", media_type="text/html"))


async def test_an_endpoint_that_does_not_stream_has_the_whole_time_and_is_not_asked_to_again(
    clock: LoopClock,
) -> None:
    body = json.dumps(completion(content='{"notes": []}'))

    def respond(_: dict[str, Any], __: int) -> Any:
        async def slowly(exchange: Exchange) -> None:
            await exchange.begin("application/json")
            await exchange.write(body[:10].encode())
            await clock.advance(QUICK["first_token_s"] * 1.3)
            await exchange.write(body[10:].encode())
            await exchange.end()

        return slowly

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        for number in range(2):
            await client.ask(request(str(number)), ACCOUNT)
    assert ["stream" in one for one in endpoint.requests] == [True, False]


async def test_usage_of_nothing_is_as_good_as_none() -> None:
    none = {"prompt_tokens": 0, "completion_tokens": 0}
    whole = {**completion(content='{"notes": []}'), "usage": none}
    answer, _ = await ask(lambda *_: json_response(whole))
    assert answer.usage.input_tokens > 0


async def test_names_that_cannot_be_stored_are_made_so() -> None:
    whole = {
        **completion(content='{"notes": []}'),
        "model": "m\0" + "x" * 10_000,
        "system_fingerprint": "fp\ud800",
    }
    answer, _ = await ask(lambda *_: json_response(whole))
    assert len(answer.model) == 200
    assert "\0" not in answer.model
    assert answer.fingerprint == "fp?"


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        ({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs", "input": "stream"}]}, "seed"),
        ({"error": {"message": "This model does not support response format"}}, "response_format"),
    ],
)
async def test_refusals_tell_what_is_lacking_in_words_of_their_own(
    refusal: dict[str, Any], name: str
) -> None:
    def respond(request: dict[str, Any], _: int) -> Response:
        if name in request:
            return json_response(refusal, status=422)
        return json_response(completion(content='{"notes": []}'))

    _, endpoint = await ask(respond)
    assert name not in endpoint.requests[-1]
    assert "max_completion_tokens" in endpoint.requests[-1]


async def test_a_question_that_is_quoted_in_its_refusal_costs_the_others_nothing() -> None:
    def respond(request: dict[str, Any], _: int) -> Response:
        if "poison" in str(request["messages"]):
            refusal = {"error": {"message": f"cannot read {json.dumps(request)[-1500:]}"}}
            return json_response(refusal, status=400)
        return json_response(completion(content='{"notes": []}'))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        with pytest.raises(errors.RequestRefusedError):
            await client.ask(request("poison"), ACCOUNT)
        await client.ask(request("good"), ACCOUNT)
    assert {"stream", "response_format", "seed"} <= endpoint.requests[-1].keys()


async def test_a_schema_too_large_for_the_endpoint_is_left_out_of_its_question_alone() -> None:
    def respond(request: dict[str, Any], _: int) -> Response:
        kind = request["response_format"]["type"]
        if kind == "json_schema" and "large" in str(request["messages"]):
            refusal = {"error": {"param": "response_format", "message": "Too many values"}}
            return json_response(refusal, status=400)
        return json_response(completion(content='{"notes": []}'))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        for text in ("small", "large", "small again"):
            await client.ask(request(text), ACCOUNT)
    kinds = [one["response_format"]["type"] for one in endpoint.requests]
    assert kinds == ["json_schema", "json_schema", "json_object", "json_schema"]


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (
            400,
            {"code": 400, "message": "This model's maximum context length is 4096 tokens."},
            errors.ContextTooLongError,
        ),
        (413, {"message": "Request too large"}, errors.ContextTooLongError),
        (405, {"message": "Method not allowed"}, errors.ModelUnavailableError),
        (
            403,
            {"code": 403, "metadata": {"reasons": ["x"], "flagged_input": "y"}},
            errors.PromptFilteredError,
        ),
    ],
)
async def test_refusals_mean_what_their_words_say(
    status: int, error: dict[str, Any], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        await ask(lambda *_: json_response({"error": error}, status=status))


async def test_who_is_told_to_come_back_in_no_time_does_not_hammer(clock: LoopClock) -> None:
    def respond(_: dict[str, Any], number: int) -> Response:
        if number < 2:
            return json_response({"error": {}}, status=429, headers={"retry-after": "0"})
        return json_response(completion(content='{"notes": []}'))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        asking = asyncio.create_task(client.ask(request(), ACCOUNT))
        await until(lambda: endpoint.requests)
        await clock.advance(0.8 * DEFAULT_WAIT_S)
        assert len(endpoint.requests) == 1
        await clock.advance(0.3 * DEFAULT_WAIT_S)
        await asking
    assert len(endpoint.requests) == 2


async def test_with_no_time_left_nothing_is_asked_and_no_endpoint_blamed() -> None:
    endpoint = ScriptedEndpoint(lambda *_: events())
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        for _ in range(6):
            with pytest.raises(errors.ModelTimeoutError):
                await client.ask(request(), ACCOUNT, deadline=asyncio.get_running_loop().time())
        assert not client.endpoints[0].breaker.is_open
    assert endpoint.requests == []


async def test_messages_short_of_time_do_not_make_an_outage(clock: LoopClock) -> None:
    async def writes_slowly(exchange: Exchange) -> NoReturn:
        await exchange.begin()
        while True:
            await exchange.write(data(piece("{")))
            await clock.advance(0.01)

    endpoint = ScriptedEndpoint(lambda *_: writes_slowly)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        soon = asyncio.get_running_loop().time() + 0.5
        asked = [client.ask(request(str(n)), ACCOUNT, deadline=soon) for n in range(8)]
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(one) for one in failures} == {errors.ModelTimeoutError}
        assert not client.endpoints[0].breaker.is_open


PATIENT = {"timeout_s": 100.0, "first_token_s": 30.0, "between_tokens_s": 20.0}


async def times_out(
    clock: LoopClock, client: ModelClient, endpoint: ScriptedEndpoint, after_s: float
) -> str:
    """The error of a call whose two tries both end after this time, and not before."""
    begun, asking = len(endpoint.requests), asyncio.create_task(client.ask(request(), ACCOUNT))

    def has_begun() -> bool:
        return len(endpoint.requests) > begun

    for _ in range(2):
        await until(has_begun)
        begun += 1
        await clock.advance(after_s - 0.5)
        assert not asking.done()
        assert len(endpoint.requests) == begun
        await clock.advance(0.5)
    with pytest.raises(errors.ModelTimeoutError) as caught:
        await asking
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "after_s", "shown"),
    [
        ({}, 30.0, "30 s"),
        ({"first_token_s": 3.0}, 3.0, "3 s"),
        ({"first_token_s": 2.5}, 2.5, "2.5 s"),
    ],
)
async def test_an_answer_that_does_not_begin_names_the_time_that_is_configured(
    clock: LoopClock, more: dict[str, float], after_s: float, shown: str
) -> None:
    endpoint = ScriptedEndpoint(lambda *_: until_given_up)
    async with (
        endpoint.serve() as url,
        ModelClient(settings(url, **PATIENT | more)) as client,
    ):
        message = await times_out(clock, client, endpoint, after_s)
    assert message == f"the model did not begin to answer within {shown}"


async def test_an_answer_given_up_before_the_configured_time_names_both(clock: LoopClock) -> None:
    def respond(_: dict[str, Any], number: int) -> Any:
        if number == 1:
            return streamed(data(piece('{"notes": []}', "stop")), DONE)
        return until_given_up

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url, **PATIENT)) as client:
        await client.ask(request(), ACCOUNT)
        message = await times_out(clock, client, endpoint, LEAST_PATIENCE_S)
    assert message == (
        "the model did not begin to answer within 10 s, long beside its usual time (the most it "
        "may take is 30 s)"
    )


async def test_an_answer_that_stalls_names_the_time_between_tokens(clock: LoopClock) -> None:
    endpoint = ScriptedEndpoint(lambda *_: streamed(data(piece("{")), until_given_up))
    async with endpoint.serve() as url, ModelClient(settings(url, **PATIENT)) as client:
        message = await times_out(clock, client, endpoint, PATIENT["between_tokens_s"])
    assert message == "the model stalled for 20 s within its answer"


async def test_a_cancelled_call_leaves_its_place_and_its_turn_to_probe() -> None:
    arrived = asyncio.Event()

    def respond(_: dict[str, Any], number: int) -> Any:
        if number <= 3:
            return json_response({}, status=500)
        if number == 4:
            arrived.set()
            return streamed(until_given_up)
        return json_response(completion(content='{"notes": []}'))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url, first_token_s=5.0)) as client:
        with pytest.raises(errors.ModelUnavailableError):
            await client.ask(request(), ACCOUNT)
        probe = asyncio.create_task(client.ask(request(), ACCOUNT))
        await arrived.wait()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert client.endpoints[0].concurrency.in_use == 0
        assert (await client.ask(request(), ACCOUNT)).value.notes == ()
        assert not client.endpoints[0].breaker.is_open
