"""Several models: who is asked when those before cannot answer, and what decides if none can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
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
from support.scripted_endpoint import (
    Respond,
    ScriptedEndpoint,
    completion,
    json_response,
    streamed,
    until_given_up,
)

ACCOUNT = CostAttribution("heating", "chunk-1")
PATIENT = {"timeout_s": 5.0, "first_token_s": 0.5, "between_tokens_s": 0.5}


def request(text: str = "a document") -> ModelRequest[DraftAnswer]:
    return ModelRequest(
        messages=(
            {"role": "system", "content": "Write notes."},
            {"role": "user", "content": text},
        ),
        schema={"type": "object", "title": "of notes"},
        response_model=DraftAnswer,
        prompt_version="notes-2",
    )


def good(request: dict[str, Any], _: int) -> Response:
    return json_response(
        {**completion(content='{"notes": []}'), "model": f"{request['model']}-dated"}
    )


def refuse_with(status: int, error: Any = None, headers: dict[str, str] | None = None) -> Respond:
    return lambda *_: json_response({"error": error or {}}, status=status, headers=headers)


def answer_with(content: str | None, **choice: Any) -> Respond:
    return lambda *_: json_response(completion(content=content, **choice))


def hangs(*_: Any) -> Any:
    return streamed(until_given_up)


def refuses(*_: Any) -> Response:
    message = {"role": "assistant", "content": None, "refusal": "No."}
    return json_response(completion(message=message))


THROTTLED = refuse_with(429, headers={"retry-after": "600"})


@dataclass
class Chain:
    """A client with its models' endpoints, in order."""

    client: ModelClient
    endpoints: Sequence[ScriptedEndpoint]

    @property
    def calls(self) -> list[int]:
        return [len(one.requests) for one in self.endpoints]

    async def ask(
        self, text: str = "a document", deadline_in: float = 20.0
    ) -> ParsedResponse[DraftAnswer]:
        deadline = asyncio.get_running_loop().time() + deadline_in
        return await self.client.ask(request(text), ACCOUNT, deadline=deadline)


@asynccontextmanager
async def chain(
    folder: Path, *responds: Respond, fields: Sequence[dict[str, Any]] = ({}, {})
) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        endpoints = [ScriptedEndpoint(respond) for respond in responds]
        models = [
            {
                "model": name,
                "base_url": await stack.enter_async_context(endpoint.serve()),
                **PATIENT,
                **more,
            }
            for name, endpoint, more in zip(("first", "second"), endpoints, fields, strict=True)
        ]
        file = folder / "models.yaml"
        file.write_text(yaml.safe_dump(models))
        client = await stack.enter_async_context(ModelClient(ModelSettings(chain_file=file)))
        yield Chain(client, endpoints)


@pytest.mark.parametrize(
    ("first", "calls"),
    [
        (refuse_with(503), 3),
        (THROTTLED, 1),
        (refuse_with(401), 1),
        (refuse_with(404), 1),
        (refuse_with(400, {"code": "bad"}), 1),
        (refuse_with(400, {"code": "context_length_exceeded"}), 1),
        (refuse_with(429, {"code": "insufficient_quota"}), 1),
        (refuses, 1),
        (answer_with("no JSON"), 2),
        (answer_with("{}", finish_reason="content_filter"), 1),
        (hangs, 2),
    ],
    ids=[
        "down",
        "throttled",
        "wrong key",
        "unknown model",
        "refuses the request",
        "context too small, as it says",
        "out of money",
        "refuses the question",
        "writes no JSON",
        "filters the answer",
        "hangs",
    ],
)
async def test_the_next_model_answers_and_is_named(
    tmp_path: Path, first: Respond, calls: int
) -> None:
    async with chain(tmp_path, first, good) as models:
        answer = await models.ask()
        assert answer.model == "second-dated"
        assert models.calls == [calls, 1]


async def test_the_next_model_is_not_asked_what_the_first_one_answers(tmp_path: Path) -> None:
    async with chain(tmp_path, good, good) as models:
        assert (await models.ask()).model == "first-dated"
        assert models.calls == [1, 0]


@pytest.mark.parametrize(
    ("names", "calls"),
    [
        (("second",), [0, 1]),
        (("second", "first"), [0, 1]),
        (("unknown", "first"), [1, 0]),
        ((), [1, 0]),
    ],
)
async def test_a_study_chooses_among_the_models_and_their_order(
    tmp_path: Path, names: tuple[str, ...], calls: list[int]
) -> None:
    async with chain(tmp_path, good, good) as models:
        await models.client.ask(request(), ACCOUNT, models=names)
        assert models.calls == calls


async def test_a_study_whose_models_are_not_configured_waits_as_a_letter(tmp_path: Path) -> None:
    async with chain(tmp_path, good, good) as models:
        with pytest.raises(errors.ModelNotConfiguredError, match="ONRECORD_MODELS"):
            await models.client.ask(request(), ACCOUNT, models=("unknown",))
        assert models.calls == [0, 0]


async def test_an_answer_that_was_cut_off_goes_to_no_other_model(tmp_path: Path) -> None:
    async with chain(tmp_path, answer_with('{"notes": [', finish_reason="length"), good) as models:
        with pytest.raises(errors.TruncatedAnswerError):
            await models.ask()
        assert models.calls == [1, 0]


async def test_a_model_that_is_down_is_passed_over_until_it_is_back(tmp_path: Path) -> None:
    down = True

    def first(request: dict[str, Any], number: int) -> Response:
        return json_response({}, status=401) if down else good(request, number)

    async with chain(tmp_path, first, good) as models:
        for _ in range(5):
            assert (await models.ask()).model == "second-dated"
        assert models.calls[0] < 5
        down = False
        async with asyncio.timeout(30):
            while (await models.ask()).model != "first-dated":
                pass
        assert not models.client.endpoints[0].breaker.is_open


@pytest.mark.parametrize(
    ("first", "second", "decisive"),
    [
        (refuse_with(401), refuse_with(401), errors.ModelUnavailableError),
        (refuse_with(401), refuses, errors.RefusalError),
        (refuses, refuse_with(401), errors.RefusalError),
        (refuse_with(401), THROTTLED, errors.RateLimitedError),
        (THROTTLED, refuse_with(401), errors.RateLimitedError),
        (THROTTLED, refuses, errors.RateLimitedError),
        (refuses, answer_with("no JSON"), errors.BadOutputError),
        (
            refuse_with(400, {"code": "context_length_exceeded"}),
            refuse_with(401),
            errors.ContextTooLongError,
        ),
    ],
)
async def test_if_none_can_answer_one_failure_decides(
    tmp_path: Path, first: Respond, second: Respond, decisive: type[Exception]
) -> None:
    async with chain(tmp_path, first, second) as models:
        with pytest.raises(decisive):
            await models.ask()


async def test_if_all_are_down_each_is_probed_and_the_first_to_come_back_answers(
    tmp_path: Path,
) -> None:
    down = True

    def second(request: dict[str, Any], number: int) -> Response:
        return json_response({}, status=401) if down else good(request, number)

    async with chain(tmp_path, refuse_with(401), second) as models:
        for _ in range(2):
            with pytest.raises(errors.ModelUnavailableError):
                await models.ask()
        assert models.calls == [2, 2], "no pause is waited for where nobody else can be asked"
        down = False
        assert (await models.ask()).model == "second-dated"


async def test_one_deadline_holds_for_all_models(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with chain(tmp_path, hangs, hangs) as models:
        until = loop.time() + 0.9
        with pytest.raises(errors.ModelTimeoutError):
            await models.ask(deadline_in=0.9)
        # The machine may be slow; a call that went on for its own time would take much longer.
        assert loop.time() < until + PATIENT["timeout_s"]
        assert sum(models.calls) <= 2


SMALL = {"context_tokens": 500, "max_output_tokens": 100}
LARGE = {"context_tokens": 50_000, "max_output_tokens": 100}
LONG = "We pay sixty pounds. " * 200


async def test_a_model_is_not_asked_what_does_not_fit_into_its_context(tmp_path: Path) -> None:
    async with chain(tmp_path, good, good, fields=(SMALL, LARGE)) as models:
        assert (await models.ask(LONG)).model == "second-dated"
        assert (await models.ask()).model == "first-dated"
        assert models.calls == [1, 1]


async def test_a_question_too_long_for_every_model_is_to_be_split_unasked(tmp_path: Path) -> None:
    async with chain(tmp_path, good, good, fields=(SMALL, SMALL)) as models:
        with pytest.raises(errors.ContextTooLongError):
            await models.ask(LONG)
        assert models.calls == [0, 0]


async def test_a_question_too_long_for_the_models_that_serve_is_split_and_no_outage(
    tmp_path: Path,
) -> None:
    async with chain(tmp_path, refuse_with(401), good, fields=(LARGE, SMALL)) as models:
        with pytest.raises(errors.ContextTooLongError):
            await models.ask(LONG)
        assert (await models.ask()).model == "second-dated"


async def test_each_model_is_asked_in_its_own_way(tmp_path: Path) -> None:
    fields = (
        {"json_schema": "object", "streaming": False, "seed": None},
        {"json_schema": "none", "temperature": 0.5, "max_output_tokens": 70},
    )
    async with chain(tmp_path, refuses, good, fields=fields) as models:
        await models.ask()
        (first,), (second,) = (one.requests for one in models.endpoints)
    assert first["response_format"] == {"type": "json_object"}
    assert not {"stream", "stream_options", "seed", "temperature"} & first.keys()
    assert "response_format" not in second
    assert (second["temperature"], second["max_completion_tokens"]) == (0.5, 70)
    for request in (first, second):
        assert [one["role"] for one in request["messages"]] == ["system", "user"]
        assert request["messages"][0]["content"].startswith("Write notes.")
        assert "of notes" in json.dumps(request["messages"])


def test_a_context_without_room_for_questions_is_a_wrong_setting(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("- {model: m, context_tokens: 4000, max_output_tokens: 4000}\n")
    with pytest.raises(ValueError, match="max_output_tokens"):
        ModelSettings(chain_file=file)
