"""Limits: requests of a token, large requests beside light ones, and values that are streamed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from control.access.rights import Caller, NotAuthenticatedError
from control.access.tokens import TokenStore
from control.api.bodies import MinimumUploadSpeed
from control.api.limits import (
    CredentialLimiter,
    HeavyRequestLimiter,
    RequestRateLimiter,
    TooBusyError,
    TooManyRequestsError,
)
from database.pool import Database
from database.settings import PostgresSettings
from support.control_office import Office, open_office
from support.interviews import STUDY

MIB: Final = 1024 * 1024
CLIENTS: Final = 200
INTERVIEW = {
    "source": "ana.txt",
    "title": "Ana",
    "study": STUDY.model_dump(mode="json"),
    "content": "Ada: What do you pay?\nBo: Nothing.",
}


async def test_a_token_that_asks_too_much_is_told_when_to_come_back(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database, rates=RequestRateLimiter(5.0)) as office:
        answers = [await office.client.get(f"{office.url}/v1/me") for _ in range(30)]
        statuses = Counter(one.status_code for one in answers)
        assert statuses[200] >= 10
        assert statuses[429] > 0
        assert statuses.keys() == {200, 429}
        (refused, *_) = [one for one in answers if one.status_code == 429]
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["status"] == 429
        other = await office.context.tokens.create(
            CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.READER),)), "a test"
        )
        headers = {"Authorization": f"Bearer {other.secret}"}
        answer = await office.client.get(f"{office.url}/v1/me", headers=headers)
        assert answer.status_code == 200


def test_a_bucket_fills_again_with_time() -> None:
    now = 0.0
    rates = RequestRateLimiter(2.0, clock=lambda: now)
    token = uuid4()
    for _ in range(4):
        rates.take(token)
    with pytest.raises(TooManyRequestsError) as raised:
        rates.take(token)
    assert raised.value.retry_after_s == 1
    now = 0.5
    rates.take(token)
    with pytest.raises(TooManyRequestsError):
        rates.take(token)
    now = 1e6
    for _ in range(4):
        rates.take(token)


@pytest.mark.timeout(120)
async def test_light_reads_are_answered_while_large_requests_fill_their_places(
    broker: str, fresh_database: Database
) -> None:
    heavy = HeavyRequestLimiter(2, wait_s=0.2)
    async with open_office(broker, fresh_database, heavy=heavy) as office:
        async with heavy.place(uuid4()), heavy.place(uuid4()):
            url = f"{office.url}/v1/transcripts"
            refused = await office.client.post(url, json=INTERVIEW)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
            begin = time.monotonic()
            for _ in range(20):
                assert (await office.client.get(f"{office.url}/v1/studies")).status_code == 200
            assert time.monotonic() - begin < 5
        assert (await office.client.post(url, json=INTERVIEW)).status_code == 202


async def send_slowly(office: Office, secret: str, every_s: float, parts: int) -> bytes:
    """Send an upload's head, then some bytes one by one, then nothing; returns the answer.

    Bytes that come after the server has closed reset the connection, with the answer in it.
    """
    host, port = office.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /v1/transcripts HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {MIB}\r\n\r\n"
    )
    writer.write(head.encode())

    async def trickle() -> None:
        for _ in range(parts):
            writer.write(b" ")
            await asyncio.sleep(every_s)

    trickling = asyncio.create_task(trickle())
    try:
        async with asyncio.timeout(15):
            return await reader.read()
    finally:
        trickling.cancel()
        writer.close()


async def secret_of(office: Office, role: Role) -> str:
    wanted = CreateTokenRequest(name="slow", grants=(RoleGrant(role=role),))
    return (await office.context.tokens.create(wanted, "a test")).secret


@pytest.mark.parametrize(
    "pace",
    [
        MinimumUploadSpeed(timeout_s=60.0, min_bytes_per_s=1_000.0, grace_s=0.5),
        MinimumUploadSpeed(timeout_s=0.5, min_bytes_per_s=0.001, grace_s=60.0),
    ],
    ids=["rate", "deadline"],
)
@pytest.mark.timeout(120)
async def test_a_slow_upload_is_ended(
    broker: str, fresh_database: Database, pace: MinimumUploadSpeed
) -> None:
    async with open_office(broker, fresh_database, upload_pace=pace) as office:
        answer = await send_slowly(office, await secret_of(office, Role.RESEARCHER), 0.05, 6)
        assert answer.startswith(b"HTTP/1.1 408 "), answer[:200]
        assert b"connection: close" in answer.lower()
        assert b"application/problem+json" in answer


@pytest.mark.timeout(120)
async def test_slow_uploads_of_one_token_leave_a_place_to_others(
    broker: str, fresh_database: Database
) -> None:
    heavy = HeavyRequestLimiter(2, wait_s=0.5)
    async with open_office(broker, fresh_database, heavy=heavy) as office:
        secret = await secret_of(office, Role.RESEARCHER)
        slow = [asyncio.create_task(send_slowly(office, secret, 0.2, 60)) for _ in range(4)]
        try:
            await asyncio.sleep(1.5)
            answer = await office.client.post(f"{office.url}/v1/transcripts", json=INTERVIEW)
            assert answer.status_code == 202, answer.text
        finally:
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)


async def test_a_token_has_all_places_but_one() -> None:
    for places, own in ((1, 1), (2, 1), (4, 3)):
        heavy = HeavyRequestLimiter(places, wait_s=0.01)
        token, other = uuid4(), uuid4()
        async with AsyncExitStack() as held:
            for _ in range(own):
                await held.enter_async_context(heavy.place(token))
            with pytest.raises(TooBusyError):
                await held.enter_async_context(heavy.place(token))
            if places > own:
                await held.enter_async_context(heavy.place(other))
            with pytest.raises(TooBusyError):
                await held.enter_async_context(heavy.place(other))
        async with heavy.place(token):
            pass
        assert not heavy.clients


@pytest.mark.timeout(300)
async def test_two_hundred_clients_at_once_get_answers_and_no_failure(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(
        broker, fresh_database, heavy=HeavyRequestLimiter(4, wait_s=1.0)
    ) as office:
        letter = await office.died(b"v" * MIB, 1)
        slowest = 0.0
        statuses: Counter[tuple[str, int]] = Counter()

        async def ask(number: int) -> None:
            nonlocal slowest
            for turn in range(3):
                kind = ("read", "read", "submit", "value")[(number + turn) % 4]
                begin = time.monotonic()
                if kind == "read":
                    answer = await office.client.get(f"{office.url}/v1/letters?limit=10")
                    slowest = max(slowest, time.monotonic() - begin)
                elif kind == "submit":
                    body = INTERVIEW | {"source": f"{number}-{turn}"}
                    answer = await office.client.post(f"{office.url}/v1/transcripts", json=body)
                else:
                    answer = await office.client.get(f"{office.url}/v1/letters/{letter}/value")
                statuses[kind, answer.status_code] += 1

        office.client._transport._pool._max_connections = CLIENTS  # type: ignore[attr-defined]
        await asyncio.gather(*(ask(number) for number in range(CLIENTS)))
        assert {status for _, status in statuses} <= {200, 202, 429}, statuses
        assert {status for kind, status in statuses if kind == "read"} == {200}, statuses
        assert statuses["submit", 202] > 0
        assert statuses["value", 200] > 0
        assert slowest < 20


MEASURE: Final = """
import asyncio, gc, re, sys
from pathlib import Path
from database.pool import open_database
from database.settings import PostgresSettings
from support.control_office import Office, open_office

SIZE = int(sys.argv[2])

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

async def main():
    async with open_database(PostgresSettings()) as database, open_office(
        sys.argv[1], database
    ) as office:
        letter = await office.died(b"ab" * (SIZE // 2), 1)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        secret = office.client.headers["Authorization"]
        curl = await asyncio.create_subprocess_exec(
            "curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}", "-H",
            f"Authorization: {secret}", f"{office.url}/v1/letters/{letter}/value",
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await curl.communicate()
        assert int(said) == SIZE, said
        print("PEAK", peak() - before)

asyncio.run(main())
"""


@pytest.mark.timeout(180)
async def test_a_large_value_is_sent_without_copies_of_it(
    broker: str, postgres_settings: PostgresSettings
) -> None:
    """A value of 48 MiB: fetched, decompressed and copied out of its batch, and no more."""
    size = 48 * MIB
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "POSTGRES_DSN": postgres_settings.dsn.get_secret_value(),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MEASURE, broker, str(size)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    found = re.search(r"PEAK (\d+)", said.decode())
    assert found is not None, said.decode()[-3000:]
    assert int(found[1]) < 3.2 * size, f"{int(found[1]) / MIB:.0f} MiB for {size / MIB:.0f} MiB"


@pytest.mark.timeout(120)
async def test_a_client_that_leaves_midway_gives_its_place_back(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(
        broker, fresh_database, heavy=HeavyRequestLimiter(1, wait_s=5.0)
    ) as office:
        letter = await office.died(b"v" * (24 * MIB), 1)
        url = f"{office.url}/v1/letters/{letter}/value"
        for _ in range(3):
            async with office.client.stream("GET", url) as answer:
                assert answer.headers["content-length"] == str(24 * MIB)
                async for _part in answer.aiter_raw():
                    break
        whole = await office.client.get(url)
        assert len(whole.content) == 24 * MIB


MEASURE_SUBMISSIONS: Final = """
import asyncio, gc, gzip, json, re, sys
from pathlib import Path
from database.pool import open_database
from database.settings import PostgresSettings
from support.control_office import open_office
from support.interviews import STUDY

SIZE, AT_ONCE, FOLDER = int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def write(number):
    line = "Ada: What do you pay for that, and why is it so?\\n"
    body = {
        "source": f"{number}.txt", "title": "A", "study": STUDY.model_dump(mode="json"),
        "content": line * (SIZE // len(line)),
    }
    (FOLDER / f"{number}.gz").write_bytes(gzip.compress(json.dumps(body).encode(), 1))

async def main():
    for number in range(AT_ONCE + 1):
        write(number)
    async with open_database(PostgresSettings()) as database, open_office(
        sys.argv[1], database
    ) as office:
        secret = office.client.headers["Authorization"]

        async def submit(number):
            curl = await asyncio.create_subprocess_exec(
                "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                f"Authorization: {secret}", "-H", "Content-Type: application/json",
                "-H", "Content-Encoding: gzip", "--data-binary", f"@{FOLDER / f'{number}.gz'}",
                f"{office.url}/v1/transcripts", stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await curl.communicate()
            return int(said)

        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        statuses = await asyncio.gather(*(submit(number) for number in range(AT_ONCE)))
        assert statuses.count(202) >= 1, statuses
        print("STATUSES", statuses, "PEAK", peak() - before)

asyncio.run(main())
"""


@pytest.mark.timeout(180)
async def test_large_submissions_at_once_take_the_memory_of_one_and_their_bodies(
    broker: str, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    """Three of 40 MiB, as many as one token may make at once."""
    size, at_once = 40 * MIB, 3
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "POSTGRES_DSN": postgres_settings.dsn.get_secret_value(),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MEASURE_SUBMISSIONS, broker, str(size), str(at_once)),
        str(tmp_path),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    found = re.search(r"PEAK (\d+)", said.decode())
    assert found is not None, said.decode()[-3000:]
    assert int(found[1]) < 11 * size, f"{int(found[1]) / MIB:.0f} MiB for {size / MIB:.0f} MiB"


async def test_a_flood_of_unknown_tokens_and_sessions_costs_few_queries_and_locks_nobody_out(
    broker: str, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: Counter[str] = Counter()
    authenticate = TokenStore.authenticate

    async def count(store: TokenStore, secret: str) -> Caller:
        looked_up["guess" if "guess" in secret else "known"] += 1
        return await authenticate(store, secret)

    monkeypatch.setattr(TokenStore, "authenticate", count)
    async with open_office(
        broker, fresh_database, credentials=CredentialLimiter(5.0, clock=lambda: 0.0)
    ) as office:
        path = f"{office.url}/v1/me"
        assert (await office.client.get(path)).status_code == 200
        answers = [
            await office.client.get(path, headers={"Authorization": f"Bearer guess-{number}"})
            for number in range(60)
        ]
        assert Counter(one.status_code for one in answers) == {401: 10, 429: 50}
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert looked_up["guess"] == 10
        assert (await office.client.get(path)).status_code == 200, "it was valid a while ago"


def test_unknown_secrets_are_counted_by_address_and_forgotten_with_time() -> None:
    now = [0.0]
    limiter = CredentialLimiter(1.0, clock=lambda: now[0])

    def guess(address: str) -> None:
        with limiter.look_up("guess", address):
            raise NotAuthenticatedError("unknown")

    for _ in range(2):
        with pytest.raises(NotAuthenticatedError):
            guess("a")
    with pytest.raises(TooManyRequestsError):
        guess("a")
    with pytest.raises(NotAuthenticatedError):
        guess("b")
    now[0] = 1.0
    with pytest.raises(NotAuthenticatedError):
        guess("a")


async def test_a_large_submission_does_not_wait_for_another_one_without_end(
    broker: str, fresh_database: Database
) -> None:
    body = json.dumps(
        {
            "source": "a.txt",
            "title": "A",
            "study": STUDY.model_dump(mode="json"),
            "content": "Ada: yes.\n" * 500_000,
        }
    ).encode()
    place = HeavyRequestLimiter(1, wait_s=0.1, share=1)
    async with open_office(broker, fresh_database, large_submission=place) as office:
        path = f"{office.url}/v1/transcripts"
        headers = {"Content-Type": "application/json"}
        async with place.place("somebody else"):
            refused = await office.client.post(path, content=body, headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert (await office.client.post(path, content=body, headers=headers)).status_code == 202
