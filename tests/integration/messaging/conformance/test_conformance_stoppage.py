"""A stage in which most messages die of one cause stops, and goes on once that is mended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import (
    BadMessageError,
    BugTriggeredByMessageError,
    ErrorCode,
    OnrecordError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
)
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Publisher, Record
from support.broker import PROBE, QUICK, RunningStage, free_port
from support.http_client import http_client
from support.stages import Stage
from support.waiting import until

NUMBER = 200
WINDOW = 2 * QUICK.max_in_flight
DEATHS_TO_STOP = round(0.8 * WINDOW)
MOST_LETTERS = DEATHS_TO_STOP + QUICK.max_in_flight
"""Those that stop it, and those that were at work by then; each probe may add one."""

LONG_S = 3_600.0

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)


TOKEN = "a-token-of-those-who-operate-the-stage"


@pytest.fixture(scope="module", autouse=True)
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the token that /resume takes."""
    file = tmp_path_factory.mktemp("operators") / "token"
    file.write_text(TOKEN, "utf-8")
    global settings_of_all  # noqa: PLW0603 - each test's settings name it
    settings_of_all = {"operator_token_file": file}
    return file


settings_of_all: dict[str, Any] = {}


class Breakable:
    """A stage that refuses every message of which its test says so."""

    def __init__(self, *, broken: bool = True) -> None:
        self.stage = Stage(PROBE)
        self.broken = broken
        self.seen: list[bytes | None] = []
        self.handled: set[bytes | None] = set()

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.seen.append(record.value)
            if record.value == b"bad in itself":
                raise BadMessageError("nobody could read this")
            if self.broken or record.value == b"always bad":
                raise RetryableError("a misconfiguration")
            self.handled.add(record.value)


def settings(**more: Any) -> Any:
    """One try, and a letter: the less there is to wait for, the more would be lost."""
    once = {"tries": 1, "retry_delays_s": ()}
    return QUICK.model_copy(
        update={**once, **settings_of_all, "stop_window": WINDOW, "http_port": free_port(), **more}
    )


async def send_many(backend: Brokered) -> None:
    await backend.send("chunks-ready", *(str(number).encode() for number in range(NUMBER)))


async def ask(method: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with http_client() as client:
        answer = await client.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)
    return answer.status_code, answer.json()


async def has_stopped(running: RunningStage) -> str:
    def look() -> str:
        reason = running.health.reason
        return reason if reason.startswith("stopped:") else ""

    return str(await until(lambda: look() or None))


@proves("promise 5")
async def test_stops_tells_why_keeps_the_rest_and_goes_on_when_told(backend: Brokered) -> None:
    breakable, quiet = Breakable(), settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S)
    async with backend.running(breakable.stage, quiet) as running:
        await send_many(backend)
        await has_stopped(running)
        status, told = await ask("GET", quiet.http_port, "/readyz")
        assert (status, told["ready"]) == (503, False)
        assert "conflict" in told["reason"]
        assert "POST /resume" in told["reason"]
        assert (await ask("GET", quiet.http_port, "/livez"))[0] == 200

        letters = len(breakable.seen)
        breakable.broken = False
        resumed = {"resumed": True, "had_stopped": True, "reason": told["reason"], "waits_for": ""}
        assert await ask("POST", quiet.http_port, "/resume") == (200, resumed)
        await backend.is_committed("chunks-ready", NUMBER)
        assert (await ask("GET", quiet.http_port, "/readyz"))[0] == 200
    assert DEATHS_TO_STOP <= letters <= MOST_LETTERS
    assert await backend.size("probe-dlq") == letters
    assert len(breakable.handled) == NUMBER - letters


@proves(
    "promise 5", "BadMessageError", "ParkedError", "RejectedError", "BugTriggeredByMessageError"
)
@pytest.mark.parametrize(
    "error",
    [
        BadMessageError("no transcript"),
        ParkedError("over budget"),
        RejectedError("personal data", code=ErrorCode.PII),
        BugTriggeredByMessageError("reading the transcript failed", kind="IndexError"),
        RetryableError("the filter objects", code=ErrorCode.LLM_CONTENT_FILTERED),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_flood_of_messages_that_fail_by_themselves_stops_nobody(
    backend: Brokered, error: OnrecordError
) -> None:
    stage, good = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if record.value == b"bad":
            raise error
        good.append(record.value)

    quiet = settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S)
    async with backend.running(stage, quiet) as running:
        await backend.send_many("chunks-ready", [b"bad"] * NUMBER)
        await backend.is_committed("chunks-ready", NUMBER)
        await backend.send("chunks-ready", b"good")
        await backend.is_committed("chunks-ready", NUMBER + 1)
        assert running.health.ready
    assert good == [b"good"]
    assert await backend.size("probe-dlq") == NUMBER


@proves("promise 5", "BadMessageError")
async def test_bad_messages_neither_end_a_stop_nor_prolong_it(backend: Brokered) -> None:
    breakable = Breakable()
    async with backend.running(breakable.stage, settings(outage_pause_max_s=1.0)) as running:
        await send_many(backend)
        await has_stopped(running)
        await backend.send_many("chunks-ready", [b"bad in itself"] * NUMBER)
        breakable.broken = False
        await backend.is_committed("chunks-ready", 2 * NUMBER)
        await running.is_ready()


@proves("promise 5", "RetryableError")
async def test_messages_that_go_to_a_retry_topic_count_as_well(backend: Brokered) -> None:
    stage, calls, number = Stage(PROBE), 0, 1_000

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        nonlocal calls
        calls += 1
        raise RetryableError("the endpoint answers nonsense", code=ErrorCode.LLM_BAD_OUTPUT)

    still = settings(
        tries=2, retry_delays_s=(60.0,), outage_pause_s=LONG_S, outage_pause_max_s=LONG_S
    )
    await backend.send_many("chunks-ready", [b"chunk"] * number)
    async with backend.running(stage, still) as running:
        assert "llm_bad_output" in await has_stopped(running)
        before = calls
    assert await backend.size("probe-dlq") == 0
    assert before <= 2 * MOST_LETTERS


@proves("promise 5")
async def test_failing_of_two_causes_in_turn_stops_it_too(backend: Brokered) -> None:
    stage, calls = Stage(PROBE), 0

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        nonlocal calls
        calls += 1
        code = ErrorCode.LLM_BAD_OUTPUT if calls % 2 else ErrorCode.LLM_SERVER_ERROR
        raise RetryableError("an endpoint out of its mind", code=code)

    still = settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S)
    await backend.send_many("chunks-ready", [b"chunk"] * NUMBER)
    async with backend.running(stage, still) as running:
        assert "2 causes" in await has_stopped(running)
    assert await backend.size("probe-dlq") <= WINDOW + QUICK.max_in_flight


@proves("promise 5")
async def test_resuming_lasts_for_a_whole_window_although_some_still_fail(
    backend: Brokered,
) -> None:
    """The cause is mended, but much of the next window had been spoilt by it."""
    breakable, quiet = Breakable(), settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S)
    async with backend.running(breakable.stage, quiet) as running:
        await send_many(backend)
        await has_stopped(running)
        breakable.broken = False
        spoilt = DEATHS_TO_STOP - 1
        await backend.send("chunks-ready", *[b"always bad"] * spoilt, *[b"good"] * NUMBER)
        await ask("POST", quiet.http_port, "/resume")
        await backend.is_committed("chunks-ready", 2 * NUMBER + spoilt)
        assert running.health.ready


@proves("promise 5")
async def test_stops_again_at_once_if_resumed_before_it_is_mended(backend: Brokered) -> None:
    breakable, quiet = Breakable(), settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S)
    async with backend.running(breakable.stage, quiet) as running:
        await send_many(backend)
        await has_stopped(running)
        await ask("POST", quiet.http_port, "/resume")
        await has_stopped(running)
    assert len(breakable.seen) <= MOST_LETTERS + WINDOW + QUICK.max_in_flight
    assert await backend.size("probe-dlq") == len(breakable.seen)


@proves("promise 5")
async def test_probes_go_on_one_by_one_and_resume_it_by_themselves(backend: Brokered) -> None:
    breakable = Breakable()
    async with backend.running(breakable.stage, settings()) as running:
        await send_many(backend)
        await has_stopped(running)
        first = len(breakable.seen)
        assert first <= MOST_LETTERS + 2  # a probe or two may have gone by until it is asked
        await until(lambda: len(breakable.seen) >= first + 2)
        breakable.broken = False
        await backend.is_committed("chunks-ready", NUMBER)
        await running.is_ready()
        letters = NUMBER - len(breakable.handled)
    assert await backend.size("probe-dlq") == letters < NUMBER // 2


@proves("promise 5")
async def test_a_stopped_stage_stops_quickly_and_loses_nothing(backend: Brokered) -> None:
    breakable = Breakable()
    slow = settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S, drain_grace_s=LONG_S)
    async with backend.running(breakable.stage, slow) as running:
        await send_many(backend)
        await has_stopped(running)
    breakable.broken = False
    async with backend.running(breakable.stage, settings()):
        await backend.is_committed("chunks-ready", NUMBER)
    letters = await backend.size("probe-dlq")
    assert letters <= MOST_LETTERS
    assert len(breakable.handled) == NUMBER - letters


@proves("promise 5", "promise 9")
async def test_a_stopped_stage_that_is_stopped_handles_no_message_whose_letter_is_on_its_way(
    backend: Brokered,
) -> None:
    """The broker has the letters, and says so late: whoever starts next must not repeat them."""

    def answer_late(publisher: Publisher) -> None:
        at_once = publisher.forward

        async def forward(*record: Any) -> None:
            await at_once(*record)
            await asyncio.sleep(0.5)

        publisher.forward = forward  # type: ignore[method-assign,assignment]

    breakable = Breakable()
    slow = settings(outage_pause_s=LONG_S, outage_pause_max_s=LONG_S, drain_grace_s=LONG_S)
    async with backend.running(breakable.stage, slow, wrap=answer_late) as running:
        await send_many(backend)
        await has_stopped(running)
        consumption = running.consumption
        assert consumption is not None
        assert consumption.in_flight
    breakable.broken = False
    async with backend.running(breakable.stage, settings()):
        await backend.is_committed("chunks-ready", NUMBER)
    assert len(breakable.handled) == NUMBER - await backend.size("probe-dlq")


@proves("promise 5")
async def test_a_few_bad_ones_among_good_ones_do_not_stop_it(backend: Brokered) -> None:
    breakable = Breakable(broken=False)
    mixed = [b"always bad" if n % 2 else str(n).encode() for n in range(NUMBER)]
    await backend.send("chunks-ready", *mixed)
    # One at a time: letters end later than the rest, so that many at a time would end in bursts.
    async with backend.running(breakable.stage, settings(max_in_flight=1)) as running:
        await backend.is_committed("chunks-ready", NUMBER)
        assert running.health.ready
    assert await backend.size("probe-dlq") == NUMBER // 2


@proves("promise 5", "OutageError")
async def test_to_resume_in_an_outage_says_that_it_waits_and_changes_nothing(
    backend: Brokered,
) -> None:
    stage, is_down, handled = Stage(PROBE), True, list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if is_down:
            raise OutageError("the model is away")
        handled.append(record.value)

    quiet = settings(outage_pause_max_s=1.0)
    async with backend.running(stage, quiet) as running:
        await backend.send("chunks-ready", b"one", b"two")
        await until(lambda: "the model is away" in running.health.reason)
        status, said = await ask("POST", quiet.http_port, "/resume")
        assert (status, said["had_stopped"], said["reason"]) == (200, False, "")
        assert "the model is away" in said["waits_for"]
        status, told = await ask("GET", quiet.http_port, "/readyz")
        assert (status, "the model is away" in told["reason"]) == (503, True)
        is_down = False
        await backend.is_committed("chunks-ready", 2)
    assert sorted(handled, key=str) == [b"one", b"two"]


@proves("promise 5")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_only_a_post_resumes(backend: Brokered, method: str) -> None:
    breakable, quiet = Breakable(broken=False), settings()
    async with backend.running(breakable.stage, quiet), http_client() as client:
        url = f"http://127.0.0.1:{quiet.http_port}/resume"
        assert (await client.request(method, url)).status_code == 405
