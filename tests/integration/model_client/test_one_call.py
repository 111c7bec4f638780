"""What the client makes of an endpoint's answers, whatever they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from contracts.errors import OnrecordError
from enrichment.domain import DraftAnswer
from model_client import (
    CostAttribution,
    ModelClient,
    ModelRequest,
    ModelSettings,
    ParsedResponse,
    errors,
)
from support.broker import free_port
from support.scripted_endpoint import ScriptedEndpoint, completion, events, json_response, piece
from support.simulator import simulated

SECRET = "SECRETWORDS"
DOCUMENT = {
    "study": {
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
QUESTION = ModelRequest(
    messages=(
        {"role": "system", "content": "Write notes."},
        {"role": "user", "content": json.dumps(DOCUMENT)},
    ),
    schema={"type": "object"},
    response_model=DraftAnswer,
    prompt_version="notes-2",
)
ACCOUNT = CostAttribution("heating", "chunk-1")
QUICK = {"timeout_s": 2.0, "first_token_s": 0.4, "between_tokens_s": 0.4}


class SingleRequestEndpoint(ScriptedEndpoint):
    """One that is asked one question."""

    async def asked(self, **more: Any) -> ParsedResponse[Any]:
        async with self.serve() as url:
            settings = ModelSettings(
                base_url=url, api_key=SecretStr("k"), model="m", **{**QUICK, **more}
            )
            return await ask(settings, deadline_in=3.0)


async def ask(
    settings: ModelSettings, *, deadline_in: float = 10.0, request: ModelRequest[Any] = QUESTION
) -> ParsedResponse[Any]:
    deadline = asyncio.get_running_loop().time() + deadline_in
    async with ModelClient(settings) as client:
        return await client.ask(request, ACCOUNT, deadline=deadline)


async def test_a_good_answer_tells_notes_model_and_usage() -> None:
    async with simulated() as model:
        answer = await ask(model.settings())
    assert answer.value.notes
    assert answer.model == "m"
    assert answer.fingerprint
    assert not answer.cached
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


async def test_an_answer_is_the_same_streamed_or_whole(tmp_path: Path) -> None:
    async with simulated({"seed": 7}) as model:
        streamed = await ask(model.settings())
        chain = tmp_path / "models.yaml"
        chain.write_text(f"- {{model: m, base_url: '{model.url}', streaming: false}}\n")
        whole = await ask(ModelSettings(chain_file=chain))
    assert whole.value == streamed.value
    assert whole.usage == streamed.usage


async def test_a_call_ends_at_the_messages_deadline() -> None:
    async with simulated({"rules": [{"fault": "hang"}]}) as model:
        with pytest.raises(errors.ModelTimeoutError):
            await ask(model.settings(), deadline_in=0.4)


async def test_an_endpoint_that_is_not_there_is_an_outage_after_some_tries() -> None:
    settings = ModelSettings(base_url=f"http://127.0.0.1:{free_port()}/v1", model="m")
    with pytest.raises(errors.ModelUnavailableError, match="OPENAI_BASE_URL"):
        await ask(settings)


def always(
    status: int, body: Any, headers: dict[str, str] | None = None
) -> Callable[..., Response]:
    return lambda *_: json_response(body, status=status, headers=headers)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "bad", errors.RequestRefusedError),
        (400, "content_filter", errors.PromptFilteredError),
        (400, "context_length_exceeded", errors.ContextTooLongError),
        (401, None, errors.ModelUnavailableError),
        (402, None, errors.ModelUnavailableError),
        (403, None, errors.ModelUnavailableError),
        (404, None, errors.ModelUnavailableError),
        (408, None, errors.ModelTimeoutError),
        (422, None, errors.RequestRefusedError),
        (429, "insufficient_quota", errors.ModelUnavailableError),
    ],
)
async def test_each_status_has_its_error(
    status: int, code: str | None, error: type[OnrecordError]
) -> None:
    with pytest.raises(error) as caught:
        await SingleRequestEndpoint(
            always(status, {"error": {"message": SECRET, "code": code}})
        ).asked()
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [409, 425, 500, 502, 503, 504, 529])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    good = completion(content='{"notes": []}')
    failed = {"error": {"message": SECRET}}

    def respond(_: dict[str, Any], number: int) -> Response:
        return json_response(good if number == 3 else failed, status=200 if number == 3 else status)

    endpoint = SingleRequestEndpoint(respond)
    assert (await endpoint.asked()).value.notes == ()
    assert len(endpoint.requests) == 3


async def test_a_failing_endpoint_is_given_the_time_it_asks_for() -> None:
    asked: list[float] = []

    def respond(_: dict[str, Any], number: int) -> Response:
        asked.append(asyncio.get_running_loop().time())
        if number == 2:
            return json_response(completion(content='{"notes": []}'))
        return json_response({}, status=503, headers={"retry-after": "1"})

    assert (await SingleRequestEndpoint(respond).asked()).value.notes == ()
    assert asked[1] - asked[0] >= 1


async def test_a_failing_endpoint_that_asks_for_long_is_tried_again_later() -> None:
    endpoint = SingleRequestEndpoint(always(503, {}, {"retry-after": "600"}))
    with pytest.raises(errors.ServerError):
        await endpoint.asked()
    assert len(endpoint.requests) == 1


async def test_a_rate_limit_beyond_the_ceiling_is_told_to_messaging() -> None:
    with pytest.raises(errors.RateLimitedError) as caught:
        await SingleRequestEndpoint(always(429, {"error": {}}, {"retry-after": "600"})).asked()
    assert 290 < caught.value.retry_after <= 300, "then one call finds out whether it still holds"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (completion(content=None), errors.BadOutputError),
        (completion(content="[]"), errors.BadOutputError),
        (completion(content=json.dumps({"notes": [{"statement": ""}]})), errors.BadOutputError),
        (completion(content="{}", finish_reason="content_filter"), errors.ContentFilterError),
        (completion(content='{"notes": [', finish_reason="length"), errors.TruncatedAnswerError),
        ({**completion(), "choices": []}, errors.BadOutputError),
        ({**completion(), "choices": None}, errors.BadOutputError),
        ({**completion(), "choices": [7]}, errors.BadOutputError),
        ({}, errors.BadOutputError),
        ("no object", errors.ModelUnavailableError),
        ({"error": {"message": SECRET}}, errors.ModelUnavailableError),
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_has_its_error(
    body: Any, error: type[OnrecordError]
) -> None:
    with pytest.raises(error) as caught:
        await SingleRequestEndpoint(always(200, body)).asked()
    assert type(caught.value) is error


async def test_an_answer_without_usage_and_fingerprint_is_taken() -> None:
    answer = await SingleRequestEndpoint(always(200, completion(content='{"notes": []}'))).asked()
    assert (answer.value.notes, answer.fingerprint) == ((), "")
    assert answer.usage.input_tokens > 0, "estimated where it is not reported"


async def test_invalid_json_is_asked_for_once_more_with_what_is_wrong() -> None:
    def respond(request: dict[str, Any], number: int) -> Response:
        content = '{"notes": [' if number == 1 else '{"notes": []}'
        return json_response(completion(content=content))

    endpoint = SingleRequestEndpoint(respond)
    assert (await endpoint.asked()).value.notes == ()
    first, second = (request["messages"] for request in endpoint.requests)
    assert second[: len(first)] == first
    assert second[len(first)]["role"] == "assistant"
    assert second[-1]["role"] == "user"
    assert "JSON" in second[-1]["content"]


@pytest.mark.parametrize(
    ("parameter", "without"),
    [
        ("stream", lambda request: not request.get("stream")),
        ("stream_options", lambda request: "stream_options" not in request),
        ("seed", lambda request: "seed" not in request),
        ("max_completion_tokens", lambda request: "max_tokens" in request),
        (
            "response_format",
            lambda request: (
                "fits this schema" in str(request["messages"])
                and request.get("response_format", {}).get("type") != "json_schema"
            ),
        ),
    ],
)
async def test_what_an_endpoint_does_not_know_is_left_out(
    parameter: str, without: Callable[[dict[str, Any]], bool]
) -> None:
    def respond(request: dict[str, Any], _: int) -> Response:
        if without(request):
            return json_response(completion(content='{"notes": []}'))
        refusal = {"error": {"message": f"Unsupported parameter: {parameter}", "param": parameter}}
        return json_response(refusal, status=400)

    endpoint = SingleRequestEndpoint(respond)
    assert (await endpoint.asked()).value.notes == ()
    assert len(endpoint.requests) == 2


async def test_a_stream_is_put_together() -> None:
    parts: tuple[Any, ...] = (
        piece('{"no'),
        piece('tes": []}'),
        piece(finish="stop"),
        {"choices": []},
    )
    answer = await SingleRequestEndpoint(lambda *_: events(*parts)).asked()
    assert answer.value.notes == ()


@pytest.mark.parametrize(
    "parts",
    [
        (piece('{"notes": []}'),),
        ({"error": {"message": SECRET}},),
        (),
    ],
    ids=["without an end", "an error in the middle", "nothing"],
)
async def test_a_stream_that_breaks_off_is_a_failure_of_the_endpoint(parts: Any) -> None:
    endpoint = SingleRequestEndpoint(lambda *_: events(*parts, end=False))
    with pytest.raises(errors.ModelUnavailableError):
        await endpoint.asked()
    assert len(endpoint.requests) == 3
