"""Every documented refusal of servers that speak OpenAI's protocol, over loopback.

``UPDATE_GOLDEN=1`` writes the table in the docs anew.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.responses import Response

from contracts.errors import OnrecordError, OutageError, ThrottledError
from enrichment.domain import DraftAnswer
from enrichment.drafter import NoteDrafter
from integration.enrichment.test_drafting import ALONE, LONG
from integration.model_client.refusals import (
    LETTER,
    REFUSALS,
    SPLIT,
    STAGE,
    TRIED,
    WAITS,
    RefusalCase,
)
from messaging.delivery import Delivery, MessageOrigin
from messaging.processing.failure_policy import (
    RetryLater,
    SendToDlq,
    WaitForDependency,
    decide_next_step,
)
from messaging.settings import StageSettings
from model_client import CostAttribution, ModelClient, ModelRequest, ModelSettings, errors
from support.scripted_endpoint import ScriptedEndpoint, completion, events, json_response

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "model-calls.md"
BEGIN: Final = "<!-- rows: tests/integration/model_client/refusals.py -->"
END: Final = "<!-- end of refusals -->"
HEAD: Final = ("| server | case | status | code | what follows |", "|---|---|---|---|---|")

ACCOUNT: Final = CostAttribution("heating", "chunk-1")
QUOTED: Final = "prompt is too long, the model does not exist, API key not valid"


def request(text: str = "a document") -> ModelRequest[DraftAnswer]:
    return ModelRequest(
        messages=({"role": "user", "content": text},),
        schema={"type": "object"},
        response_model=DraftAnswer,
        prompt_version="notes-2",
    )


def refuse_with(case: RefusalCase) -> Callable[..., Response]:
    body = case.error if case.is_bare else {"error": case.error}
    if case.status == 0:
        return lambda *_: events(body, end=False)
    return lambda *_: json_response(body, status=case.status, headers=dict(case.headers))


def settings(url: str, **more: Any) -> ModelSettings:
    return ModelSettings(base_url=url, model="m", **more)


def follows(error: OnrecordError) -> str:
    """What messaging does about an error of the first delivery, in the table's words."""
    decision = decide_next_step(
        error, Delivery(MessageOrigin("chunks-ready", 0, 0)), StageSettings(), now=datetime.now(UTC)
    )
    if isinstance(decision, WaitForDependency):
        assert isinstance(error, OutageError)
        return STAGE
    if isinstance(decision, RetryLater):
        return WAITS if isinstance(error, ThrottledError) else TRIED
    assert isinstance(decision, SendToDlq)
    return SPLIT if isinstance(error, errors.ContextTooLongError) else LETTER


def row(case: RefusalCase, error: OnrecordError) -> str:
    status = case.status or "200"
    return f"| {case.name} | {status} | `{error.code.value}` | {follows(error)} |"


def rows() -> list[str]:
    """The lines of the document's table."""
    table = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    return table.strip().splitlines()[2:]


def write(lines: list[str]) -> None:
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    table = "\n".join([BEGIN, *HEAD, *lines, END])
    DOCUMENT.write_text(before + table + rest.partition(END)[2], encoding="utf-8")


async def refused(case: RefusalCase) -> tuple[OnrecordError, int]:
    """The error that a question ends with, and how often it was asked."""
    endpoint = ScriptedEndpoint(refuse_with(case))
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        # An answered question before, so that a failure that may be one request's counts as such.
        endpoint.respond = lambda *_: json_response(completion(content='{"notes": []}'))
        await client.ask(request("another"), CostAttribution("heating", "chunk-0"))
        endpoint.respond = refuse_with(case)
        deadline = asyncio.get_running_loop().time() + case.calls
        with pytest.raises(OnrecordError) as caught:
            await client.ask(request(), ACCOUNT, deadline=deadline)
        return caught.value, len(endpoint.requests) - 1


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
async def test_a_refusal_means_what_the_table_says(case: RefusalCase) -> None:
    error, calls = await refused(case)
    assert isinstance(error, case.means)
    assert (calls, follows(error)) == (case.calls, case.follows)
    assert row(case, error) in rows(), "UPDATE_GOLDEN=1 writes the rows anew"


@pytest.mark.skipif(not os.environ.get("UPDATE_GOLDEN"), reason="writes the table in the docs")
async def test_write_the_table() -> None:
    found = await asyncio.gather(*(refused(case) for case in REFUSALS))
    write([row(case, error) for case, (error, _) in zip(REFUSALS, found, strict=True)])


def test_the_table_has_a_row_for_each_refusal_and_no_others() -> None:
    names = [one.removeprefix("| ").rsplit(" | ", 3)[0] for one in rows()]
    assert names == [case.name for case in REFUSALS]


@pytest.mark.parametrize("status", [400, 422])
async def test_an_interview_that_is_quoted_in_a_refusal_stops_nobody(status: int) -> None:
    def respond(request: dict[str, Any], _: int) -> Response:
        refusal = {"error": {"message": f"cannot parse {json.dumps(request['messages'])}"}}
        return json_response(refusal, status=status)

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        with pytest.raises(errors.PermanentError):
            await client.ask(request(QUOTED), ACCOUNT)
        assert not client.endpoints[0].breaker.is_open


async def test_a_turn_that_is_too_long_is_asked_once_and_is_a_letter_at_once() -> None:
    case = REFUSALS[0]
    endpoint = ScriptedEndpoint(refuse_with(case))
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        with pytest.raises(errors.ContextTooLongError) as caught:
            await NoteDrafter(client).draft(ALONE, attempt=1, deadline=float("inf"))
    assert (len(endpoint.requests), follows(caught.value)) == (1, SPLIT)


async def test_a_chunk_none_of_whose_parts_fits_is_asked_down_to_the_first_turn_alone() -> None:
    endpoint = ScriptedEndpoint(refuse_with(REFUSALS[0]))
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        with pytest.raises(errors.ContextTooLongError):
            await NoteDrafter(client).draft(LONG, attempt=1, deadline=float("inf"))
    # Of six turns all, three, one: not each of eleven parts, in each of four deliveries.
    assert len(endpoint.requests) == 3


async def test_a_chunk_that_is_too_long_as_a_whole_is_answered_in_parts() -> None:
    def respond(request: dict[str, Any], number: int) -> Response:
        if number == 1:
            return refuse_with(REFUSALS[0])()
        return json_response(completion(content='{"notes": []}'))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url, ModelClient(settings(url)) as client:
        draft = await NoteDrafter(client).draft(LONG, attempt=1, deadline=float("inf"))
    assert (draft.chunk, len(endpoint.requests)) == (LONG, 3)
