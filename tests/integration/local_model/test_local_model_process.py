"""The real model as a process: OpenAI's API on loopback, answers by the schema, a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import ResponseFormat

if TYPE_CHECKING:
    from asyncio.subprocess import Process

LIBS = Path(__file__).parents[3] / "libs"
MODEL = "tiny"
PATIENCE_S = 120.0
STORY = "Tell a very long story."


async def spawn(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "local_model", "--name", MODEL, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(LIBS)},
    )


async def announced_url(process: Process) -> str:
    assert process.stdout
    line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
    assert line.startswith("listening on http://127.0.0.1:")
    return line.split()[-1]


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    process = await spawn("--port", "0", "--context-tokens", "1024")
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.fixture
async def client(process: Process) -> AsyncIterator[AsyncOpenAI]:
    url = await announced_url(process)
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE_S) as one:
        yield one


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


async def endless(client: AsyncOpenAI) -> AsyncStream[ChatCompletionChunk]:
    """An answer that only ends with the context."""
    return await client.chat.completions.create(
        model=MODEL, messages=user(STORY), stream=True, extra_body={"ignore_eos": True}
    )


async def ended(process: Process) -> tuple[int | None, bytes]:
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode, errors


async def test_answers_by_the_schema_and_comes_to_an_end(client: AsyncOpenAI) -> None:
    text = {"type": "string"}
    tags = {"type": "array", "items": {"type": "string", "enum": ["price", "time"]}}
    schema = {
        "type": "object",
        "properties": {"said": text, "tags": tags},
        "required": ["said", "tags"],
        "additionalProperties": False,
    }
    wanted: ResponseFormat = {
        "type": "json_schema",
        "json_schema": {"name": "note", "strict": True, "schema": schema},
    }
    completion = await client.chat.completions.create(
        model=MODEL, messages=user(STORY), response_format=wanted, temperature=0, seed=7
    )
    assert completion.choices[0].finish_reason == "stop"
    answer = json.loads(completion.choices[0].message.content or "")
    assert set(answer) == {"said", "tags"}
    assert len(answer["said"]) <= 120
    assert set(answer["tags"]) <= {"price", "time"}
    assert completion.model == MODEL
    assert completion.usage
    assert completion.usage.completion_tokens > 0


async def test_streams_pieces_and_ends_with_the_usage(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=user(STORY),
        max_completion_tokens=12,
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces = [piece async for piece in stream]
    assert len(pieces) > 3
    assert pieces[-1].usage
    assert pieces[-1].usage.completion_tokens == 12


async def test_lists_the_model_it_runs(client: AsyncOpenAI) -> None:
    assert [one.id async for one in client.models.list()] == [MODEL]


async def test_a_question_beyond_the_context_is_refused_as_such(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=MODEL, messages=user("word " * 2_000))
    assert refused.value.type == "exceed_context_size_error"


async def test_a_caller_who_leaves_makes_room_for_the_next() -> None:
    process = await spawn("--port", "0", "--context-tokens", "8192")
    try:
        url = await announced_url(process)
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            left = await endless(client)
            await anext(aiter(left))
            await left.close()
            # Read to its end, the first answer would take two minutes on two idle cores.
            async with asyncio.timeout(60):
                await client.chat.completions.create(
                    model=MODEL, messages=user("Hello"), max_completion_tokens=4
                )
    finally:
        process.terminate()
        assert await ended(process) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_well_in_the_middle_of_an_answer(
    process: Process, client: AsyncOpenAI, number: signal.Signals
) -> None:
    stream = await endless(client)
    await anext(aiter(stream))
    process.send_signal(number)
    assert await ended(process) == (0, b"")
    await stream.close()


async def test_a_taken_port_is_told_in_one_line(client: AsyncOpenAI) -> None:
    second = await spawn("--port", str(client.base_url.port))
    code, errors = await ended(second)
    assert code == 3
    assert errors.decode().endswith("address already in use\n")


async def test_weights_the_engine_cannot_load_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    code, errors = await ended(await spawn("--port", "0", "--weights", str(broken)))
    assert code == 1
    # The engine logs from a thread of its own, so its last line may come after ours.
    ours = [line for line in errors.decode().splitlines() if line.startswith("local_model: ")]
    assert len(ours) == 1
    assert ours[0].startswith(f"local_model: cannot load {broken}")
