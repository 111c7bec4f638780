"""An endpoint that asks to come back after an hour, and is mended before that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.responses import Response

from integration.model_client.test_refusals import request
from model_client import CostAttribution, ModelClient, ModelSettings, errors
from model_client.limits.rate_limits import DEFAULT_WAIT_S
from support.scripted_endpoint import (
    ScriptedEndpoint,
    completion,
    events,
    json_response,
    piece,
    streamed,
    until_given_up,
)

CEILING_S = 0.3


class Throttling:
    """Endpoint that refuses all requests until it is released."""

    def __init__(self) -> None:
        self.refuses = True

    def __call__(self, _: dict[str, Any], __: int) -> Response:
        if self.refuses:
            return json_response({"error": {}}, status=429, headers={"retry-after": "3600"})
        return json_response(completion(content='{"notes": []}'))


async def ask(client: ModelClient, name: str) -> str:
    """How a chunk fares: ``answered``, or for how long it is put off."""
    deadline = asyncio.get_running_loop().time() + 30
    try:
        await client.ask(request(name), CostAttribution("heating", name), deadline=deadline)
    except errors.RateLimitedError as error:
        return "later" if error.retry_after <= DEFAULT_WAIT_S else f"in {error.retry_after} s"
    return "answered"


def throttled_until() -> float | None:
    return REGISTRY.get_sample_value(
        "onrecord_llm_throttled_until_timestamp_seconds", {"model": "throttled-model"}
    )


async def test_one_probe_at_a_time_finds_out_and_everybody_is_told_why() -> None:
    respond = Throttling()
    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url:
        settings = ModelSettings(
            base_url=url,
            model="throttled-model",
            retry_after_ceiling_s=CEILING_S,
            rate_wait_ceiling_s=CEILING_S / 10,
        )
        async with ModelClient(settings) as client:
            assert client.notice == ""
            assert await ask(client, "first") == "later"
            assert client.notice.startswith("throttled until ")
            assert "UTC by throttled-model at 127.0.0.1: retry-after 3,600 s" in client.notice
            assert (throttled_until() or 0) > 0

            fates = await asyncio.gather(*(ask(client, f"early {one}") for one in range(20)))
            assert (set(fates), len(endpoint.requests)) == ({"later"}, 1)

            respond.refuses = False
            while await ask(client, "probe") == "later":
                pass  # each time for its retry-after, at the most
            assert (client.notice, throttled_until()) == ("", 0.0)
            fates = await asyncio.gather(*(ask(client, f"late {one}") for one in range(20)))
            assert set(fates) == {"answered"}


async def test_a_model_that_is_down_beside_one_that_serves_is_told(
    tmp_path: Path,
) -> None:
    down = ScriptedEndpoint(lambda *_: json_response({}, status=401))
    good = ScriptedEndpoint(lambda *_: json_response(completion(content='{"notes": []}')))
    async with down.serve() as first, good.serve() as second:
        file = tmp_path / "models.yaml"
        file.write_text(
            f"- {{model: a, base_url: '{first}'}}\n- {{model: b, base_url: '{second}'}}\n"
        )
        async with ModelClient(ModelSettings(chain_file=file)) as client:
            await client.ask(request(), CostAttribution("heating", "chunk"))
            assert "a at 127.0.0.1 is down: the endpoint answered 401" in client.notice


async def test_a_probes_shorter_patience_is_told_beside_the_configured_one() -> None:
    answers = True

    def respond(*_: Any) -> Any:
        return events(piece('{"notes": []}', "stop")) if answers else streamed(until_given_up)

    async with (
        ScriptedEndpoint(respond).serve() as url,
        ModelClient(ModelSettings(base_url=url, model="m", first_token_s=3.0)) as client,
    ):
        await client.ask(request(), CostAttribution("heating", "chunk"))
        answers = False
        breaker = client.endpoints[0].breaker
        breaker.trip("down")
        with pytest.raises(errors.ModelUnavailableError) as caught:
            await client.ask(request(), CostAttribution("heating", "chunk"))
    assert "within 2 s, long beside its usual time (the most it may take is 3 s)" in str(
        caught.value
    )
