"""Each way in which an endpoint fails, against the simulator on a loopback port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from contracts.errors import OnrecordError
from enrichment.domain import DraftAnswer
from model_client import ModelClient, ModelSettings, errors
from simulator import SimulatorSettings, create_runner
from support.broker import free_port

SECRET = "SECRETWORDS"
DOCUMENT = {
    "study": {
        "name": "Warm homes",
        "language": "en",
        "themes": [{"id": "cost", "name": "Cost", "description": "Prices, bills"}],
        "questions": [],
    },
    "context": [],
    "segments": [
        {
            "number": 1,
            "speaker": SECRET,
            "role": "participant",
            "text": "We pay sixty pounds a month for heating and the bills went up by a third.",
        }
    ],
}


@asynccontextmanager
async def serving(runner: web.AppRunner) -> AsyncIterator[str]:
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def settings_for(url: str, **more: Any) -> ModelSettings:
    return ModelSettings(base_url=url, api_key=SecretStr("k"), model="m", **more)


async def ask(url: str, *, deadline_in: float = 20.0, **more: Any) -> Any:
    messages: Any = [
        {"role": "system", "content": "Write notes."},
        {"role": "user", "content": json.dumps(DOCUMENT)},
    ]
    deadline = asyncio.get_running_loop().time() + deadline_in
    async with ModelClient(settings_for(url, **more)) as client:
        return await client.ask(messages, {"type": "object"}, DraftAnswer, deadline=deadline)


async def ask_simulator(rule: dict[str, Any] | None, **more: Any) -> Any:
    chosen = SimulatorSettings.model_validate({"rules": [rule] if rule else []})
    async with serving(create_runner(chosen)) as url:
        return await ask(url, **more)


async def test_a_good_answer_tells_notes_model_and_usage() -> None:
    answer = await ask_simulator(None)
    assert answer.value.notes
    assert answer.model
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"fault": "invalid_json"}, errors.BadOutputError),
        ({"fault": "refusal"}, errors.RefusalError),
        ({"fault": "cut_off"}, errors.CutOffError),
        ({"fault": "server_error"}, errors.ServerError),
        ({"fault": "server_error", "status": 502}, errors.ModelUnavailableError),
        ({"fault": "server_error", "status": 503}, errors.ModelUnavailableError),
        ({"fault": "rate_limit", "retry_after": 7}, errors.RateLimitedError),
    ],
    ids=str,
)
async def test_each_fault_has_its_error(rule: dict[str, Any], error: type[OnrecordError]) -> None:
    with pytest.raises(error) as caught:
        await ask_simulator(rule)
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)
    if isinstance(caught.value, errors.RateLimitedError):
        assert caught.value.retry_after == pytest.approx(7)


async def test_a_hanging_call_ends_at_its_own_limit() -> None:
    with pytest.raises(errors.ModelTimeoutError):
        await ask_simulator({"fault": "hang"}, timeout_s=0.3)


async def test_a_hanging_call_ends_at_the_messages_deadline() -> None:
    with pytest.raises(errors.ModelTimeoutError):
        await ask_simulator({"fault": "hang"}, deadline_in=0.3)


async def test_an_endpoint_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(errors.ModelUnavailableError, match="OPENAI_BASE_URL"):
        await ask(f"http://127.0.0.1:{free_port()}/v1")


async def answer_with(
    status: int, body: Any, headers: dict[str, str] | None = None, **more: Any
) -> Any:
    """What a call to an endpoint that always answers alike ends with."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", answer)])
    async with serving(web.AppRunner(app)) as url:
        return await ask(url, **more)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "bad", errors.RequestRefusedError),
        (401, None, errors.ModelUnavailableError),
        (403, None, errors.ModelUnavailableError),
        (404, None, errors.ModelUnavailableError),
        (408, None, errors.ModelTimeoutError),
        (409, None, errors.ServerError),
        (422, None, errors.RequestRefusedError),
        (429, "insufficient_quota", errors.ModelUnavailableError),
        (429, "rate_limit_exceeded", errors.RateLimitedError),
        (500, None, errors.ServerError),
        (529, None, errors.ModelUnavailableError),
    ],
)
async def test_each_status_has_its_error(
    status: int, code: str | None, error: type[OnrecordError]
) -> None:
    with pytest.raises(error) as caught:
        await answer_with(status, {"error": {"message": SECRET, "code": code}})
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after-ms": "1500", "retry-after": "3"}, 1.5),
        ({}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": "-3"}, 1.0),
        ({"retry-after": "inf"}, 1.0),
        ({"retry-after": "nan"}, 1.0),
    ],
)
async def test_a_rate_limit_tells_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    with pytest.raises(errors.RateLimitedError) as caught:
        await answer_with(429, {"error": {}}, headers)
    assert caught.value.retry_after == seconds


def completion(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": choice.pop("content", None)}
    whole = {"index": 0, "finish_reason": "stop", "message": message, **choice}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [whole]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (completion(content=None), errors.BadOutputError),
        (completion(content="[]"), errors.BadOutputError),
        (completion(content=json.dumps({"notes": [{"statement": ""}]})), errors.BadOutputError),
        (completion(content="{}", finish_reason="content_filter"), errors.RefusalError),
        (completion(content='{"notes": [', finish_reason="length"), errors.CutOffError),
        ({**completion(), "choices": []}, errors.BadOutputError),
        ({**completion(), "choices": None}, errors.BadOutputError),
        ({}, errors.BadOutputError),
        ("no object", errors.BadOutputError),
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_is_bad_output(
    body: Any, error: type[OnrecordError]
) -> None:
    with pytest.raises(error) as caught:
        await answer_with(200, body)
    assert type(caught.value) is error


async def test_an_answer_without_usage_and_fingerprint_is_taken() -> None:
    answer = await answer_with(200, completion(content='{"notes": []}'))
    assert (answer.value.notes, answer.fingerprint, answer.usage.input_tokens) == ((), "", 0)
