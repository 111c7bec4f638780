"""What a service's HTTP port refuses: requests that a page on another site made a browser send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import asgi_server
from asgi_server import JsonResponse
from contracts.topics import MIB
from messaging import ReliableKafkaBroker, ServiceApplication, StageSettings
from support.http_client import http_client

LOCAL = "127.0.0.1"
JSON = ("Content-Type", "application/json")

Headers = Sequence[tuple[str, str]]


class Service:
    """A service that is served but does not consume, with one route that changes something."""

    def __init__(self) -> None:
        self.settings = StageSettings()
        self.changes: list[bytes] = []
        broker = ReliableKafkaBroker(service="some", settings=lambda: self.settings)
        routes = [
            Route("/things", self.change, methods=["POST", "PUT", "DELETE"]),
            Route("/things", self.read),
        ]
        self.app = ServiceApplication(broker, routes=routes)
        self.client = http_client()
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError  # nothing is to be consumed
        await self.app(scope, receive, send)

    async def change(self, request: Request) -> Response:
        self.changes.append(await request.body())
        return JsonResponse({})

    async def read(self, _: Request) -> Response:
        return JsonResponse(["an interview"])

    async def ask(
        self, method: str, path: str, headers: Headers = (), content: Any = None
    ) -> httpx2.Response:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        return await self.client.request(method, self.url + path, headers=raw, content=content)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    async with made.client, asgi_server.serve(made, host=LOCAL, port=0) as port:
        made.url = f"http://{LOCAL}:{port}"
        yield made


def is_problem(answer: httpx2.Response, status: int) -> str:
    """The sentence of a problem (RFC 9457)."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    body = answer.json()
    assert (body["type"], body["status"], bool(body["title"])) == ("about:blank", status, True)
    return str(body["detail"])


FOREIGN_HOSTS = [
    "attacker.example",
    "attacker.example:8080",
    "127.0.0.1.attacker.example",
    "localhost.attacker.example",
    "10.0.0.1",
    "127.0.0.2",
    "[::2]:8080",
    "0.0.0.0",
    "2130706433",
]
NO_HOSTS = [
    "127.0.0.1:8080:8080",
    "127.0.0.1, attacker.example",
    "user@127.0.0.1",
    "127.0.0.1:http",
    "[::1",
    "[1.2:3]",
    ".",
    "",
    "\xe9",
]


@pytest.mark.parametrize("host", NO_HOSTS)
async def test_what_is_no_host_gets_nothing_and_changes_nothing(
    service: Service, host: str
) -> None:
    for method, path in (("GET", "/things"), ("POST", "/things"), ("POST", "/resume")):
        is_problem(await service.ask(method, path, [("Host", host)]), 400)
    assert service.changes == []


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "attacker.example"]])
async def test_a_request_names_one_host(service: Service, hosts: list[str]) -> None:
    """Over a bare connection: clients add what is missing."""
    lines = ["POST /things HTTP/1.0", *(f"Host: {host}" for host in hosts), "", ""]
    port = int(service.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(LOCAL, port)
    writer.write("\r\n".join(lines).encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert service.changes == []


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_host_that_is_not_the_services_gets_nothing_and_changes_nothing(
    service: Service, host: str
) -> None:
    """A name of an attacker's that resolves to this address (DNS rebinding) is the page's own."""
    for method, path in (("GET", "/things"), ("POST", "/things"), ("POST", "/resume")):
        answer = await service.ask(method, path, [("Host", host)])
        assert "HTTP_ALLOWED_HOSTS" in is_problem(answer, 421)
        assert "an interview" not in answer.text
    assert service.changes == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "LOCALHOST:8080",
        "localhost.:8080",
        "[::1]:8080",
        "[0:0:0:0:0:0:0:1]",
    ],
)
async def test_loopback_addresses_are_the_services_own(service: Service, host: str) -> None:
    assert (await service.ask("GET", "/things", [("Host", host)])).status_code == 200
    assert (await service.ask("POST", "/things", [("Host", host), JSON], b"{}")).status_code == 200


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({"http_host": "10.1.2.3"}, "10.1.2.3:8080", 200),
        ({"http_host": "Control.Internal"}, "control.internal", 200),
        ({"http_host": "0.0.0.0"}, "0.0.0.0", 421),
        ({"http_host": "0.0.0.0"}, "control", 421),
        ({"http_allowed_hosts": ("control", "fd00::1")}, "control:8080", 200),
        ({"http_allowed_hosts": ("control", "fd00::1")}, "[fd00:0::1]:8080", 200),
        ({"http_allowed_hosts": ("control", "fd00::1")}, "control2", 421),
    ],
)
async def test_names_of_a_host_are_those_of_the_settings(
    service: Service, settings: dict[str, Any], host: str, status: int
) -> None:
    service.settings = StageSettings(**settings)
    assert (await service.ask("GET", "/things", [("Host", host)])).status_code == status


async def test_the_address_a_request_came_in_on_is_the_services_own(service: Service) -> None:
    """As a container's address, which no setting names; a browser's page cannot pretend to it."""
    async with asgi_server.serve(service, host="127.0.0.3", port=0) as port:
        answer = await service.client.get(f"http://127.0.0.3:{port}/things")
    assert answer.status_code == 200


FOREIGN_PAGES: list[tuple[str, Headers]] = [
    ("another site", [("Origin", "https://attacker.example")]),
    ("another port", [("Origin", "http://127.0.0.1:1")]),
    ("another name of the same address", [("Origin", "http://localhost")]),
    ("a sandboxed frame or a file", [("Origin", "null")]),
    ("what is no origin", [("Origin", "")]),
    ("two origins", [("Origin", "SELF"), ("Origin", "https://attacker.example")]),
    ("a path behind the origin", [("Origin", "SELF/x")]),
    ("a login before the origin", [("Origin", "http://SELF@attacker.example")]),
    ("a browser that says cross-site", [("Sec-Fetch-Site", "cross-site")]),
    ("a browser that says same-site", [("Sec-Fetch-Site", "same-site")]),
    ("a browser that says what nobody knows", [("Sec-Fetch-Site", "x")]),
    ("two answers", [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]),
]


@pytest.mark.parametrize(
    "headers", [one for _, one in FOREIGN_PAGES], ids=[n for n, _ in FOREIGN_PAGES]
)
async def test_pages_of_other_origins_get_nothing_and_change_nothing(
    service: Service, headers: Headers
) -> None:
    sent = [(name, value.replace("SELF", service.url)) for name, value in headers]
    for method, path in (("GET", "/things"), ("POST", "/resume"), ("DELETE", "/things")):
        answer = await service.ask(method, path, sent)
        is_problem(answer, 403)
        assert "access-control-allow-origin" not in answer.headers
    assert "origin" in is_problem(await service.ask("POST", "/things", [*sent, JSON], b"{}"), 403)
    assert service.changes == []


async def test_pages_of_the_services_own_are_served(service: Service) -> None:
    for site in ("same-origin", "none"):
        headers = [("Origin", service.url), ("Sec-Fetch-Site", site), JSON]
        assert (await service.ask("POST", "/things", headers, b"{}")).status_code == 200
    assert service.changes == [b"{}", b"{}"]


NO_JSON = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "text/plain, application/json",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "",
    None,
]


@pytest.mark.parametrize("content_type", NO_JSON)
async def test_a_body_that_is_not_said_to_be_json_changes_nothing(
    service: Service, content_type: str | None
) -> None:
    """Forms and scripts may send these to other origins without asking (CORS-safelisted)."""
    headers = [] if content_type is None else [("Content-Type", content_type)]

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"reason": "x"}'

    for content in (b'{"reason": "x"}', parts()):
        answer = await service.ask("POST", "/things", headers, content)
        assert "application/json" in is_problem(answer, 415)
    assert service.changes == []


async def test_an_empty_form_changes_nothing(service: Service) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "0")]
    is_problem(await service.ask("POST", "/resume", form), 415)
    twice = [JSON, ("Content-Type", "text/plain")]
    is_problem(await service.ask("POST", "/things", twice, b"{}"), 415)
    assert service.changes == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"']
)
async def test_json_is_taken(service: Service, content_type: str) -> None:
    headers = [("Content-Type", content_type)]
    assert (await service.ask("POST", "/things", headers, b"{}")).status_code == 200
    assert service.changes == [b"{}"]


async def test_a_request_without_a_body_needs_no_type(service: Service) -> None:
    assert (await service.ask("POST", "/things")).status_code == 200
    assert (await service.ask("POST", "/resume")).status_code == 403  # it takes a token


async def test_a_body_beyond_the_limit_is_refused_however_it_is_sent(service: Service) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2):
            yield b" " * MIB

    fits = await service.ask("POST", "/things", [JSON], b" " * MIB)
    assert fits.status_code == 200
    for content in (b" " * (MIB + 1), parts()):
        answer = await service.ask("POST", "/things", [JSON], content)
        assert str(MIB) in is_problem(answer, 413)
    assert service.changes == [b" " * MIB]


async def test_health_and_metrics_are_open_to_whoever_reaches_the_port(service: Service) -> None:
    foreign = [("Host", "pod.example"), ("Origin", "https://x"), ("Sec-Fetch-Site", "cross-site")]
    for path, status in (("/livez", 200), ("/readyz", 503), ("/metrics", 200)):
        assert (await service.ask("GET", path, foreign)).status_code == status
        assert (await service.ask("HEAD", path, foreign)).status_code == status
        is_problem(await service.ask("POST", path, foreign), 421)


async def test_what_no_route_takes_and_what_fails_is_a_problem_too(service: Service) -> None:
    assert is_problem(await service.ask("GET", "/nowhere"), 404)
    answer = await service.ask("PATCH", "/things", [JSON], b"{}")
    assert is_problem(answer, 405)
    assert answer.headers["allow"] == "DELETE, GET, HEAD, POST, PUT"


@pytest.mark.parametrize("name", ["http://control", "control:8080", "*", "a b", "[::1]", ""])
def test_a_setting_that_names_no_host_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="host"):
        StageSettings(http_allowed_hosts=(name,))


def test_hosts_are_read_from_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_ALLOWED_HOSTS", "Control.example., 10.0.0.1,")
    assert StageSettings().http_allowed_hosts == ("control.example", "10.0.0.1")
