"""Of what an endpoint sends beside an error's status, no more is read than an explanation has."""

from __future__ import annotations

import zlib
from itertools import repeat

import httpx2
import pytest

from contracts.topics import MIB
from integration.model_client.test_one_call import SingleRequestEndpoint
from model_client import errors
from model_client.transport.http_client import LONGEST_EXPLANATION, ErrorBodyTruncatingClient
from support.scripted_endpoint import Exchange, ScriptedEndpoint, json_response

MEANINGS = {
    400: errors.RequestRefusedError,
    401: errors.ModelUnavailableError,
    429: errors.RateLimitedError,
    500: errors.ModelUnavailableError,
}
"""What each status means to a client that is asked once."""


@pytest.mark.parametrize(("status", "meaning"), MEANINGS.items())
async def test_a_body_without_an_end_is_read_as_far_as_an_explanation_goes(
    status: int, meaning: type[Exception]
) -> None:
    parts = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal parts
        await exchange.begin("application/json", status=status)
        for part in repeat(b"x" * 65_536):
            await exchange.write(part)
            parts += 1

    endpoint = SingleRequestEndpoint(lambda _, __: endless)
    with pytest.raises(meaning):
        await endpoint.asked()
    read = parts * 65_536 / len(endpoint.requests)
    assert read < LONGEST_EXPLANATION + 16 * MIB, "with what the connection holds"


async def test_a_body_that_is_huge_once_decompressed_is_read_as_far() -> None:
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(gzip.compress(bytes(MIB)) for _ in range(64)) + gzip.flush()

    async def answer(exchange: Exchange) -> None:
        await exchange.begin("application/json", status=500, encoding="gzip")
        await exchange.write(bomb)
        await exchange.end()

    async with (
        ScriptedEndpoint(lambda _, __: answer).serve() as url,
        ErrorBodyTruncatingClient(timeout=httpx2.Timeout(5.0)) as client,
    ):
        response = await client.post(f"{url}/chat/completions", json={})
    assert response.content == bytes(LONGEST_EXPLANATION)


async def test_an_explanation_of_a_usual_size_is_read_whole() -> None:
    told = {"message": "x" * (LONGEST_EXPLANATION // 2), "code": "context_length_exceeded"}
    endpoint = SingleRequestEndpoint(lambda _, __: json_response({"error": told}, status=400))
    with pytest.raises(errors.ContextTooLongError):
        await endpoint.asked()
