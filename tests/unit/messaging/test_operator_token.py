"""What changes a service takes the operators' token, which is in a file."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from structlog.testing import capture_logs

import asgi_server
from messaging import ReliableKafkaBroker, ServiceApplication, StageSettings
from messaging.broker.operator_token import create_operator_token_file
from support.http_client import http_client


class Stoppable(ReliableKafkaBroker):
    """A broker that counts how often it was asked to go on."""

    resumed = 0

    def resume(self) -> bool:
        self.resumed += 1
        return True


def token_in(file: Path) -> str:
    return file.read_text("utf-8")


def write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


class Service:
    def __init__(self, file: Path | None) -> None:
        self.broker = Stoppable(
            service="ingestion", settings=lambda: StageSettings(operator_token_file=file)
        )
        self.app = ServiceApplication(self.broker)
        self.client = http_client()
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError  # nothing is to be consumed
        await self.app(scope, receive, send)

    async def ask(
        self, *authorization: str, path: str = "/resume", body: Any = None
    ) -> httpx2.Response:
        headers = [(b"Authorization", one.encode("latin-1")) for one in authorization]
        return await self.client.post(self.url + path, headers=headers, json=body)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "operator-token"


@pytest.fixture
async def service(file: Path) -> AsyncIterator[Service]:
    create_operator_token_file(file)
    made = Service(file)
    async with made.client, asgi_server.serve(made, host="127.0.0.1", port=0) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made


async def test_the_token_in_the_file_resumes_a_service(service: Service, file: Path) -> None:
    answer = await service.ask(f"Bearer {token_in(file)}")
    assert (answer.status_code, answer.json(), service.broker.resumed) == (
        *(200, {"resumed": True}),
        1,
    )


RECORD: Final = {"record": {"topic": "transcripts-submitted"}}


async def test_nothing_else_rehearses(service: Service, file: Path) -> None:
    token = token_in(file)
    for sent in ((), (token,), (f"Bearer {token}x",), (f"Bearer {token}", f"Bearer {token}")):
        answer = await service.ask(*sent, path="/rehearse", body=RECORD)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), sent
    answer = await service.ask(f"Bearer {token}", path="/rehearse", body=RECORD)
    assert (answer.status_code, answer.json()["detail"]) == (
        *(503, "the service handles no messages now; see /readyz"),
    )
    answer = await service.ask(f"Bearer {token}", path="/rehearse", body={"record": 3})
    assert answer.status_code == 400


async def test_nothing_else_does(service: Service, file: Path) -> None:
    token = token_in(file)
    for sent in (
        (),
        ("Bearer",),
        (token,),
        (f"Basic {token}",),
        (f"Bearer {token}x",),
        (f"Bearer {token[:-1]}",),
        (f"Bearer {token.swapcase()}",),
        ("Bearer \xe9",),
        (f"Bearer {token}", f"Bearer {token}"),
    ):
        answer = await service.ask(*sent)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), sent
        assert token not in answer.text
    assert service.broker.resumed == 0


async def test_a_token_that_was_replaced_is_refused_at_once(service: Service, file: Path) -> None:
    before = token_in(file)
    write(file, "another-token-of-at-least-32-characters\n")
    assert (await service.ask(f"Bearer {before}")).status_code == 401
    answer = await service.ask("Bearer another-token-of-at-least-32-characters")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "held", ["", "short", "x" * 201, "with a blank, and long enough to be one"]
)
async def test_a_file_without_a_token_resumes_nothing(
    service: Service, file: Path, held: str
) -> None:
    write(file, held)
    assert (await service.ask(f"Bearer {held}".strip())).status_code == 403
    assert service.broker.resumed == 0
    with capture_logs() as logs:
        create_operator_token_file(file)
    assert [(one["event"], one["file"]) for one in logs] == [("operator_token_unusable", str(file))]


async def test_without_a_file_resume_is_refused() -> None:
    service = Service(None)
    async with service.client, asgi_server.serve(service, host="127.0.0.1", port=0) as port:
        service.url = f"http://127.0.0.1:{port}"
        answer = await service.ask("Bearer None")
    assert answer.status_code == 403
    assert "OPERATOR_TOKEN_FILE" in answer.json()["detail"]
    assert service.broker.resumed == 0


def test_the_file_is_its_owners_alone(file: Path) -> None:
    create_operator_token_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def run(*arguments: str, **env: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from onrecord.cli import main; main()", *arguments),
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_the_command_resumes_a_service(service: Service, file: Path, tmp_path: Path) -> None:
    home = {"ONRECORD_HOME": str(tmp_path / "none"), "NO_COLOR": "1"}
    setting = {"INGESTION_OPERATOR_TOKEN_FILE": str(file)}
    url = ("--url", service.url)
    assert (await run("resume", "ingestion", *url, **home))[0] == 2  # no token
    assert (await run("resume", "ingestion", **home, **setting))[0] == 2  # no address
    assert service.broker.resumed == 0
    code, said = await run("resume", "ingestion", *url, "--json", **home, **setting)
    assert (code, service.broker.resumed) == (0, 1), said
    port = service.url.rpartition(":")[2]
    inside = {"INGESTION_HTTP_PORT": port, **home, **setting}  # as in the service's container
    assert await run("resume", "ingestion", **inside) == (0, "ingestion: resumed\n")
    write(file, "another-token-of-at-least-32-characters")
    wrong = write(tmp_path / "wrong", "x" * 40)
    code, said = await run(
        "resume", "ingestion", *url, **home, INGESTION_OPERATOR_TOKEN_FILE=str(wrong)
    )
    assert (code, "OPERATOR_TOKEN_FILE" in said) == (2, True)
    gone = ("--url", "http://127.0.0.1:1")
    assert (await run("resume", "ingestion", *gone, **home, **setting))[0] == 3
