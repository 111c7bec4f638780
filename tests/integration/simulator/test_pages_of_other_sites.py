"""No page that a browser has open asks the simulator, reads what it was asked, or changes it."""

from __future__ import annotations

import httpx2
import pytest

from simulator import SimulatorSettings, run_server
from support.http_client import http_client

ASKED = (
    ("GET", "/v1/models"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/simulator/requests"),
    ("DELETE", "/simulator/rules"),
)
FOREIGN = (
    ({"Host": "evil.example"}, 421),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
)


async def ask(client: httpx2.AsyncClient, port: int, method: str, path: str, **headers: str) -> int:
    answer = await client.request(
        *(method, f"http://127.0.0.1:{port}{path}"),
        content=b"{}" if method == "POST" else None,
        headers={"Content-Type": "application/json", **headers} if method == "POST" else headers,
    )
    return int(answer.status_code)


@pytest.mark.parametrize(("headers", "status"), FOREIGN)
async def test_other_pages_get_nothing_and_change_nothing(
    headers: dict[str, str], status: int
) -> None:
    async with run_server(SimulatorSettings()) as port, http_client() as client:
        for method, path in ASKED:
            assert await ask(client, port, method, path, **headers) == status, path


async def test_a_form_is_not_taken_for_a_request() -> None:
    async with run_server(SimulatorSettings()) as port, http_client() as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            path = "/v1/chat/completions"
            assert await ask(client, port, "POST", path, **{"Content-Type": kind}) == 415


async def test_it_is_called_by_the_names_it_was_given() -> None:
    settings = SimulatorSettings(allowed_hosts=("simulator",))
    async with run_server(settings) as port, http_client() as client:
        for host, status in (("simulator:8100", 200), ("localhost", 200), ("another", 421)):
            assert await ask(client, port, "GET", "/v1/models", Host=host) == status, host
        answer = await client.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": "x"})
        assert answer.status_code == 200
