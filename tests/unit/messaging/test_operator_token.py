"""What changes a service takes the operators' token, which is in a file."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from structlog.testing import capture_logs

import asgi_server
from messaging.broker.operator_token import create_operator_token_file
from support.http_client import http_client
from support.resumable_service import ResumableService


def token_in(file: Path) -> str:
    return file.read_text("utf-8")


def write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


class Service(ResumableService):
    def __init__(self, file: Path | None) -> None:
        super().__init__(file)
        self.client = http_client()
        self.url = ""

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
        *(200, {"resumed": True, "had_stopped": False, "reason": "", "waits_for": ""}),
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
