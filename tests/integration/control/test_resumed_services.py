"""Services that stopped themselves are resumed by way of control: by whom, and what it says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

import asgi_server
from contracts.access import Role
from control.pipeline.ports import list_replica_addresses, open_stage_client
from database.pool import Database
from support.broker import free_port
from support.control_office import Office, as_role, open_office
from support.resumable_service import ResumableService

TOKEN: Final = "a-token-of-operators-of-32-characters"
STOPPED: Final = "stopped: 18 of the last 20 messages failed with bug"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "operator-token"
    file.write_text(TOKEN, "utf-8")
    return file


@pytest.fixture
def service(token_file: Path) -> ResumableService:
    made = ResumableService(token_file, "enrichment")
    made.stopped(STOPPED)
    return made


class Offices:
    """Opens offices that know where services answer."""

    def __init__(self, stack: AsyncExitStack, broker: str, database: Database) -> None:
        self.stack = stack
        self.broker = broker
        self.database = database

    async def open(self, urls: dict[str, str], token_file: Path | None) -> Office:
        stages = await self.stack.enter_async_context(open_stage_client(urls, token_file))
        return await self.stack.enter_async_context(
            open_office(
                *(self.broker, self.database),
                resume_service=stages.resume,
                read_health=stages.read_health,
            )
        )


@pytest.fixture
async def offices(broker: str, fresh_database: Database) -> AsyncIterator[Offices]:
    async with AsyncExitStack() as stack:
        yield Offices(stack, broker, fresh_database)


async def resume(office: Office, name: str = "enrichment", **headers: str) -> tuple[int, Any]:
    url = f"{office.url}/v1/pipeline/{name}/resume"
    answer = await office.client.post(url, headers=headers)
    return answer.status_code, answer.json()


async def test_a_service_that_stopped_is_resumed_and_it_is_in_the_trail(
    offices: Offices, service: ResumableService, token_file: Path
) -> None:
    async with service.serving() as url:
        office = await offices.open({"enrichment": url}, token_file)
        status, found = await resume(office, **{"Onrecord-Reason": "the key is renewed"})
    assert (status, found) == (
        200,
        {
            "service": "enrichment",
            "replicas": [
                {
                    "address": url,
                    "resumed": True,
                    "had_stopped": True,
                    "reason": STOPPED,
                    "waits_for": "",
                }
            ],
        },
    )
    assert service.broker.resumed == 1
    (entry,) = (await office.context.trail.page(action="service")).entries
    assert (entry.action, entry.target, entry.reason) == (
        *("service.resume", "enrichment"),
        "the key is renewed",
    )


@pytest.mark.parametrize("stopped", [STOPPED, ""])
async def test_of_a_service_in_an_outage_it_is_said_that_it_waits(
    offices: Offices, service: ResumableService, token_file: Path, stopped: str
) -> None:
    outage = "llm_unavailable: the endpoint answers 503"
    service.stopped(stopped)
    service.waits(outage)
    async with service.serving() as url:
        office = await offices.open({"enrichment": url}, token_file)
        status, found = await resume(office)
    assert status == 200
    (one,) = found["replicas"]
    assert (one["had_stopped"], one["reason"], one["waits_for"]) == (
        *(bool(stopped), stopped),
        outage,
    )


async def test_the_same_request_again_resumes_nothing(
    offices: Offices, service: ResumableService, token_file: Path
) -> None:
    async with service.serving() as url:
        office = await offices.open({"enrichment": url}, token_file)
        answers = [await resume(office, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0] == answers[1]
    assert service.broker.resumed == 1


async def test_who_may_not_operate_resumes_nothing(
    offices: Offices, service: ResumableService, token_file: Path
) -> None:
    async with service.serving() as url:
        office = await offices.open({"enrichment": url}, token_file)
        await as_role(office, Role.RESEARCHER)
        assert (await resume(office))[0] == 403
        await as_role(office, Role.OPERATOR)
        assert (await resume(office))[0] == 200
    assert service.broker.resumed == 1


async def test_a_service_that_consumes_nothing_is_not_resumed(
    offices: Offices, service: ResumableService, token_file: Path
) -> None:
    service.broker.consumes = False
    service.waits("no broker answers")
    async with service.serving() as url:
        office = await offices.open({"enrichment": url}, token_file)
        status, problem = await resume(office)
    assert (status, service.broker.resumed) == (409, 0)
    assert (
        "enrichment is not resumed: the service consumes nothing now: no broker answers"
        in (problem["detail"])
    )


async def test_what_is_not_configured_is_named(
    offices: Offices, service: ResumableService, token_file: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("x" * 40, "utf-8")
    async with service.serving() as url:
        for urls, file, said in (
            ({}, token_file, "CONTROL_STAGE_URLS does not say where enrichment answers"),
            ({"enrichment": url}, None, "CONTROL_OPERATOR_TOKEN_FILE names no file"),
            ({"enrichment": url}, tmp_path / "none", "CONTROL_OPERATOR_TOKEN_FILE holds none"),
            ({"enrichment": url}, wrong, "ENRICHMENT_OPERATOR_TOKEN_FILE and CONTROL_OPERATOR"),
        ):
            async with open_stage_client(urls, file) as stages:
                office = await offices.open({}, None)
                object.__setattr__(office.context, "resume_service", stages.resume)
                status, problem = await resume(office)
            assert (status, said in problem["detail"]) == (424, True), problem
            assert "x" * 40 not in problem["detail"]
    assert service.broker.resumed == 0


async def test_a_service_that_is_away_or_is_none_is_to_be_tried_again(
    offices: Offices, token_file: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    application = asgi_server.create_application([])
    async with asgi_server.serve(application, host="127.0.0.1", port=0) as port:
        for url, said in (
            (nobody, f"enrichment does not answer at {nobody}"),
            ("http://enrichment.invalid:8080", "enrichment does not answer at"),
            (f"http://127.0.0.1:{port}", f"what answers at http://127.0.0.1:{port} is no service"),
        ):
            office = await offices.open({"enrichment": url}, token_file)
            answer = await office.client.post(f"{office.url}/v1/pipeline/enrichment/resume")
            assert (answer.status_code, said in answer.json()["detail"]) == (503, True), url
            assert int(answer.headers["retry-after"]) > 0


async def test_what_is_no_service_of_the_pipeline_is_refused(offices: Offices) -> None:
    office = await offices.open({}, None)
    for name in ("control", "broker", "..%2fenrichment"):
        assert (await resume(office, name))[0] in {400, 404}, name
    assert not (await office.context.trail.page(action="service")).entries


class Replicas:
    """Several replicas behind one name, as DNS has them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
        self.port = free_port()
        self.url = f"http://enrichment:{self.port}"
        loop = asyncio.get_running_loop()
        known = loop.getaddrinfo

        async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
            if host != "enrichment":
                return await known(host, port, **options)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in (*hosts, hosts[0])
            ]

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)


async def test_each_replica_behind_a_name_is_resumed_and_seen(
    offices: Offices, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    replicas = Replicas(monkeypatch, *hosts)
    monkeypatch.setenv("HTTP_ALLOWED_HOSTS", "enrichment")  # by which they are called
    services = [ResumableService(token_file, "enrichment") for _ in hosts]
    for one in services[:2]:
        one.stopped(STOPPED)
    async with AsyncExitStack() as stack:
        for one, host in zip(services[:2], hosts[:2], strict=True):
            await stack.enter_async_context(one.serving(host, replicas.port))
        last = await stack.enter_async_context(AsyncExitStack())
        await last.enter_async_context(services[2].serving(hosts[2], replicas.port))
        office = await offices.open({"enrichment": replicas.url}, token_file)
        (health,) = (await office.context.read_health()).values()
        assert (health.ready, health.reason) == (False, f"2 of 3 replicas: {STOPPED}")
        status, found = await resume(office)
        assert status == 200
        assert [one.broker.resumed for one in services] == [1, 1, 1]
        assert [
            (one["address"], one["resumed"], one["had_stopped"], one["reason"])
            for one in found["replicas"]
        ] == [
            (f"http://{host}:{replicas.port}", True, *(stopped, STOPPED if stopped else ""))
            for host, stopped in zip(hosts, (True, True, False), strict=True)
        ]
        await last.aclose()
        status, found = await resume(office)
    assert status == 200
    assert [one["resumed"] for one in found["replicas"]] == [True, True, False]
    assert "does not answer" in found["replicas"][2]["reason"]


async def test_a_service_that_is_not_called_by_the_name_says_which_setting(
    offices: Offices, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicas = Replicas(monkeypatch, "127.0.0.1", "127.0.0.2")
    service = ResumableService(token_file, "enrichment")
    async with (
        service.serving("127.0.0.1", replicas.port),
        service.serving("127.0.0.2", replicas.port),
    ):
        office = await offices.open({"enrichment": replicas.url}, token_file)
        status, problem = await resume(office)
    assert (status, service.broker.resumed) == (424, 0)
    assert "ENRICHMENT_HTTP_ALLOWED_HOSTS" in problem["detail"]


async def test_a_name_that_nobody_has_stands_for_no_replica() -> None:
    assert await list_replica_addresses("http://enrichment.invalid:8080") == []
    (one,) = await list_replica_addresses("http://127.0.0.1:7")
    assert (one.url, one.headers) == ("http://127.0.0.1:7", {})
