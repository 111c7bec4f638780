"""Rehearsals over HTTP: chosen letters, predictions by the stage's code, and clear refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from asgi_server import JsonResponse
from contracts import headers as h
from contracts.errors import BadMessageError, ErrorCode
from contracts.rehearsals import (
    RehearsalRequest,
    StageOutcome,
    StageRehearsal,
    StageRehearsalRequest,
)
from control.domain import DeadLetterPosition
from control.letters.reader import DeadLetterRecord
from control.pipeline.ports import StageClient
from control.rehearsals.runner import MOST_FAILURES, LetterRehearser
from control.rehearsals.store import RehearsalStore
from control.replays.sender import build_sent_headers
from database.pool import Database
from messaging import KafkaUnavailableError, Record, StageSettings
from messaging.broker.rehearsals import RecordRehearser
from messaging.stage import Stage
from support.control_office import Office, TryAgainError, letter_bytes, open_office
from support.http_client import http_client, serve_routes
from support.stages import FunctionRoute
from support.waiting import until

TOKEN = "t" * 40


class StillBadError(BadMessageError):
    """What the code of these tests says of a message today."""

    code = ErrorCode.INVALID_EVENT


async def handler(record: Record) -> None:
    if record.value == b"same":
        raise TryAgainError("why")
    if record.value == b"other":
        raise StillBadError("it is not what it was")


class Rehearsed:
    """An office whose stage takes rehearsals."""

    def __init__(self, office: Office, rehearser: LetterRehearser) -> None:
        self.office = office
        self.rehearser = rehearser

    async def ask(self, body: Any) -> tuple[int, Any]:
        return await self.office.ask("POST", "/v1/rehearsals", body)

    async def rehearse(self, body: Any) -> dict[str, Any]:
        status, begun = await self.ask(body)
        assert status == 202, begun

        async def look() -> dict[str, Any] | None:
            path = f"/v1/rehearsals/{begun['rehearsal_id']}"
            status, found = await self.office.ask("GET", path)
            assert status == 200, found
            return None if found["state"] == "running" else dict(found)

        return dict(await until(look))

    async def letters(self, rehearsal: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        path = f"/v1/rehearsals/{rehearsal['rehearsal_id']}/letters{query}"
        status, page = await self.office.ask("GET", path)
        assert status == 200, page
        return list(page["letters"])


@asynccontextmanager
async def rehearsing_office(
    broker: str,
    database: Database,
    tmp_path: Path,
    handle: Callable[[Record], Awaitable[None]] = handler,
    answer_instead: Callable[[StageRehearsalRequest], Awaitable[Response]] | None = None,
) -> AsyncIterator[Rehearsed]:
    stage = Stage("enrichment")
    stage.add(FunctionRoute("chunks-ready", None, handle, wants_delivery=False))
    rehearser = RecordRehearser("/test", "")

    async def answer(request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        asked = StageRehearsalRequest.model_validate_json(await request.body())
        if answer_instead is not None:
            return await answer_instead(asked)
        found = await rehearser.rehearse(stage, StageSettings(deadline_s=5), asked)
        return JsonResponse(found.model_dump(mode="json"))

    token = tmp_path / "token"
    token.write_text(TOKEN, "ascii")
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            serve_routes([Route("/rehearse", answer, methods=["POST"])])
        )
        client = await stack.enter_async_context(http_client())
        office = await stack.enter_async_context(open_office(broker, database))
        stages = StageClient(client, {"enrichment": f"http://127.0.0.1:{port}"}, token)
        store = RehearsalStore(database)
        runner = LetterRehearser(store, office.context.reader, stages)
        # The API was made before it: the reader is the office's.
        office.context = replace(office.context, wake_rehearser=runner.wake)
        office.api.context = office.context
        await stack.enter_async_context(runner.running())
        yield Rehearsed(office, runner)


@pytest.fixture
async def rehearsed(
    broker: str, fresh_database: Database, tmp_path: Path
) -> AsyncIterator[Rehearsed]:
    async with rehearsing_office(broker, fresh_database, tmp_path) as opened:
        yield opened


async def test_a_rehearsal_sets_for_its_messages_what_a_plan_would(
    broker: str, fresh_database: Database, tmp_path: Path
) -> None:
    seen: list[bytes | None] = []

    async def note(asked: StageRehearsalRequest) -> Response:
        headers = dict(asked.record.get_headers())
        seen.append(headers.get(h.REPLAY_OPTIONS))
        return JsonResponse(StageRehearsal(outcome=StageOutcome.PASSES).model_dump(mode="json"))

    opening = rehearsing_office(broker, fresh_database, tmp_path, answer_instead=note)
    async with opening as rehearsed:
        await rehearsed.office.died(b"v", 1)
        found = await rehearsed.rehearse({"overrides": {"prompt_version": "notes-2"}})
        assert found["overrides"]["prompt_version"] == "notes-2"
        await rehearsed.rehearse({})
    assert seen == [b'{"prompt_version":"notes-2"}', None]


async def test_a_rehearsal_predicts_what_each_letter_would_end_in(rehearsed: Rehearsed) -> None:
    office = rehearsed.office
    ids = {
        await office.died(value, offset): prediction
        for offset, (value, prediction) in enumerate(
            {b"fine": "passes", b"same": "same_cause", b"other": "other_cause"}.items()
        )
    }
    elsewhere = await office.died(b"v", 9, service="enrichment")
    await office.context.store.discard(elsewhere, "not needed")

    found = await rehearsed.rehearse({})

    assert found["predictions"] == {"passes": 1, "same_cause": 1, "other_cause": 1}
    assert (found["letters"], found["matching"], found["rehearsed"]) == (3, 3, 3)
    letters = await rehearsed.letters(found)
    assert {one["letter_id"]: one["prediction"] for one in letters} == {
        str(letter): prediction for letter, prediction in ids.items()
    }
    (other,) = await rehearsed.letters(found, "?prediction=other_cause")
    assert (other["predicted_service"], other["predicted_code"], other["predicted_message"]) == (
        *("enrichment", "invalid_event"),
        "it is not what it was",
    )
    assert all(one["outcome"] == "" for one in letters)
    assert {letter.state for letter in await office.context.store.letters()} == {
        *("open", "discarded")
    }


async def test_letters_of_a_service_that_is_not_named_or_away_say_so(
    rehearsed: Rehearsed,
) -> None:
    stages = rehearsed.rehearser._stages
    stages._urls = {}
    await rehearsed.office.died(b"fine", 1)
    found = await rehearsed.rehearse({})
    (letter,) = await rehearsed.letters(found)
    assert letter["prediction"] == "not_rehearsed"
    assert "CONTROL_STAGE_URLS does not say where enrichment answers" in letter["reason"]

    stages._urls = {"enrichment": "http://127.0.0.1:9"}
    found = await rehearsed.rehearse({})
    (letter,) = await rehearsed.letters(found)
    assert letter["reason"] == "enrichment does not answer at http://127.0.0.1:9"


async def test_a_letter_whose_header_has_a_name_of_odd_bytes_is_rehearsed(
    rehearsed: Rehearsed,
) -> None:
    odd = (("odd\udcff", b"\xff"), *letter_bytes(1, value=b"fine"))
    await rehearsed.office.set_aside(b"fine", odd)
    await rehearsed.office.died(b"same", 2)
    found = await rehearsed.rehearse({})
    assert found["predictions"] == {"passes": 1, "same_cause": 1}


async def test_an_unforeseen_error_about_one_letter_is_that_letters(rehearsed: Rehearsed) -> None:
    stages = rehearsed.rehearser._stages
    ask = stages.rehearse

    async def fail(service: str, record: Any, *args: Any, **options: Any) -> Any:
        if record.value == b"other":
            raise UnicodeError("quotes its content")
        return await ask(service, record, *args, **options)

    stages.rehearse = fail  # type: ignore[method-assign]
    await rehearsed.office.died(b"other", 1)
    await rehearsed.office.died(b"fine", 2)
    found = await rehearsed.rehearse({})
    assert found["predictions"] == {"passes": 1, "not_rehearsed": 1}
    (letter,) = await rehearsed.letters(found, "?prediction=not_rehearsed")
    assert letter["reason"] == "it cannot be rehearsed: UnicodeError; see control's log"


async def test_a_letter_that_cannot_be_read_leaves_the_others(rehearsed: Rehearsed) -> None:
    reader = rehearsed.rehearser._reader
    read_many = reader.read_many
    bad = await rehearsed.office.died(b"other", 1)
    await rehearsed.office.died(b"fine", 2)

    async def fail(letters: Sequence[DeadLetterPosition]) -> AsyncGenerator[Any, None]:
        if bad in {one.letter_id for one in letters}:
            raise ValueError("quotes its content")
        async for some in read_many(letters):
            yield some

    reader.read_many = fail  # type: ignore[method-assign]
    found = await rehearsed.rehearse({})
    assert found["predictions"] == {"passes": 1, "not_rehearsed": 1}


async def test_an_outage_is_waited_for(rehearsed: Rehearsed) -> None:
    reader = rehearsed.rehearser._reader
    whole, tries = reader.whole, []

    async def fail(found: DeadLetterRecord) -> DeadLetterRecord:
        tries.append(found)
        if len(tries) <= 2:
            raise KafkaUnavailableError("no answer")
        return await whole(found)

    reader.whole = fail  # type: ignore[method-assign]
    await rehearsed.office.died(b"fine", 1)
    await rehearsed.office.died(b"fine", 2)
    with capture_logs() as logs:
        found = await rehearsed.rehearse({})
    assert found["predictions"] == {"passes": 2}
    interrupted = [one for one in logs if one["event"] == "rehearsal_interrupted"]
    assert [(one["log_level"], one.get("reason")) for one in interrupted] == [
        ("warning", "no answer")
    ]


async def test_a_rehearsal_that_fails_again_and_again_gives_way_to_others(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.rehearser._period_s = 0.05
    store = rehearsed.rehearser._store
    next_letters, failing = store.next_letters, []

    async def fail(rehearsal_id: UUID, limit: int) -> Any:
        failing.append(rehearsal_id)
        if rehearsal_id == failing[0]:
            raise ValueError("a bug")
        return await next_letters(rehearsal_id, limit)

    store.next_letters = fail  # type: ignore[method-assign]
    await rehearsed.office.died(b"fine", 1)
    found = await rehearsed.rehearse({})
    assert (found["state"], found["predictions"]) == ("done", {"not_rehearsed": 1})
    assert len(failing) == MOST_FAILURES
    assert (await rehearsed.rehearse({}))["predictions"] == {"passes": 1}


async def test_a_sample_has_letters_of_every_cause(rehearsed: Rehearsed) -> None:
    for offset in range(8):
        await rehearsed.office.died(b"fine", offset)
    rare = await rehearsed.office.died(b"fine", 8, error=TryAgainError("something rare"))
    found = await rehearsed.rehearse({"sample": 2})
    assert (found["letters"], found["matching"]) == (2, 9)
    assert str(rare) in {one["letter_id"] for one in await rehearsed.letters(found)}


async def test_named_letters_alone_are_rehearsed(rehearsed: Rehearsed) -> None:
    one = await rehearsed.office.died(b"fine", 1)
    await rehearsed.office.died(b"fine", 2)
    found = await rehearsed.rehearse({"letters": [str(one)[:13]]})
    assert [letter["letter_id"] for letter in await rehearsed.letters(found)] == [str(one)]


async def test_letters_that_change_meanwhile_are_named(rehearsed: Rehearsed) -> None:
    store = RehearsalStore(rehearsed.office.context.database)
    one = await rehearsed.office.died(b"fine", 1)
    begun = await store.begin(RehearsalRequest(), [], by="somebody")
    await rehearsed.office.context.store.discard(one, "given up")
    rehearsed.rehearser.wake()

    async def look() -> bool:
        return (await store.rehearsal(begun.rehearsal_id)).state == "done"

    await until(look)
    shown = begun.model_dump(mode="json")
    (letter,) = await rehearsed.letters(shown)
    assert (letter["prediction"], letter["reason"]) == ("not_rehearsed", "it is discarded")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 404, "nothing to rehearse"),
        ({"code": "llm_timeout"}, 404, "nothing to rehearse"),
        ({"codes": "llm_timeout"}, 400, "codes"),
        ({"state": "replayed"}, 400, "state"),
        ({"letters": ["ffff"]}, 404, "no letter ffff"),
        ({"letters": ["nope"]}, 400, "a letter is named by its id"),
        ({"letters": ["ffff"], "code": "llm_timeout"}, 400, "not both"),
        ({"mode": "live"}, 400, "say what that may cost"),
        ({"budget_usd": 1}, 400, "costs nothing"),
        ({"mode": "live", "budget_usd": -1}, 400, "budget_usd"),
        ({"mode": "guess"}, 400, "mode"),
        ({"sample": 0}, 400, "sample"),
    ],
)
async def test_what_cannot_be_rehearsed_is_refused(
    rehearsed: Rehearsed, body: Any, status: int, words: str
) -> None:
    found, answer = await rehearsed.ask(body)
    assert found == status, answer
    assert words in answer["detail"]


async def test_a_letter_that_is_not_open_is_refused(rehearsed: Rehearsed) -> None:
    one = await rehearsed.office.died(b"fine", 1)
    await rehearsed.office.context.store.discard(one, "given up")
    status, answer = await rehearsed.ask({"letters": [str(one)]})
    assert (status, answer["detail"]) == (409, f"letter {one} is discarded")


async def test_a_rehearsal_can_be_cancelled_once(
    broker: str, fresh_database: Database, tmp_path: Path
) -> None:
    going = asyncio.Event()

    async def hang(record: Record) -> None:
        del record
        going.set()
        await asyncio.Event().wait()

    async with rehearsing_office(broker, fresh_database, tmp_path, hang) as rehearsed:
        await rehearsed.office.died(b"fine", 1)
        _, begun = await rehearsed.ask({})
        await going.wait()
        path = f"/v1/rehearsals/{begun['rehearsal_id']}/cancel"
        status, cancelled = await rehearsed.office.ask("POST", path)
        assert (status, cancelled["state"]) == (200, "cancelled")
        status, answer = await rehearsed.office.ask("POST", path)
        assert (status, answer["detail"]) == (412, "the rehearsal is cancelled already")


async def test_an_unknown_rehearsal_is_not_found(rehearsed: Rehearsed) -> None:
    path = "/v1/rehearsals/00000000-0000-4000-8000-000000000000"
    for method, one in (("GET", path), ("GET", f"{path}/letters"), ("POST", f"{path}/cancel")):
        status, _ = await rehearsed.office.ask(method, one)
        assert status == 404


async def test_two_workers_never_rehearse_one_rehearsal(rehearsed: Rehearsed) -> None:
    store = RehearsalStore(rehearsed.office.context.database)
    await rehearsed.office.died(b"fine", 1)
    await store.begin(RehearsalRequest(), [], by="somebody")
    one, other = uuid4(), uuid4()
    assert await store.claim(one) is not None
    assert await store.claim(other) is None
    assert await store.claim(one) is not None


async def test_a_replay_is_compared_with_its_prediction(rehearsed: Rehearsed) -> None:
    office = rehearsed.office
    one = await office.died(b"same", 1)
    found = await rehearsed.rehearse({})
    status, _ = await office.ask("POST", f"/v1/letters/{one}/replay")
    assert status == 200
    path = f"/v1/rehearsals/{found['rehearsal_id']}"
    _, pending = await office.ask("GET", path)
    assert pending["accuracy"] == {"replayed": 1, "settled": 0, "right": 0}

    letter = await office.context.store.letter(one)
    sent = build_sent_headers(await office.context.reader.read(letter.place))
    await office.context.database.execute(
        "INSERT INTO dead_letters (letter_id, service, dlq_topic, dlq_partition, dlq_offset, "
        "source_topic, source_partition, source_offset, "
        "error_code, error_type, error_message, attempts, timeouts, failed_at, replay_of, headers,"
        " size_bytes, fingerprint, consumer_group) "
        "SELECT gen_random_uuid(), service, dlq_topic, 7, 7, source_topic, source_partition, "
        "source_offset, error_code, error_type, "
        "error_message, 1, 0, now(), letter_id, '[]', 1, '', '' FROM dead_letters "
        "WHERE letter_id = $1",
        one,
    )
    assert dict(sent)["onrecord-replay-of"] == str(one).encode()
    _, compared = await office.ask("GET", path)
    assert compared["accuracy"] == {"replayed": 1, "settled": 1, "right": 1}
    (shown,) = await rehearsed.letters(found)
    assert shown["outcome"] == "failed"
    assert Decimal(shown["cost_usd"]) == 0


CALL = """
INSERT INTO llm_calls (call_id, study_id, subject, purpose, prompt_version, endpoint, model, day,
                       started_at, worst_usd, settled_at, outcome, answered_by, fingerprint,
                       input_tokens, cached_tokens, output_tokens, cost_usd, estimated, latency_s)
SELECT gen_random_uuid(), 's', 'chunk', $1, 'p', 'e', 'm', current_date, now(), 2, settled.at,
       settled.text, settled.text, settled.text, settled.zero, settled.zero, settled.zero,
       CASE WHEN $2 THEN 1.5 END, CASE WHEN $2 THEN false END, settled.zero
  FROM (SELECT CASE WHEN $2 THEN now() END AS at, CASE WHEN $2 THEN '' END AS text,
               CASE WHEN $2 THEN 0 END AS zero) AS settled
"""


async def test_each_live_letter_has_what_the_ledger_leaves_of_the_budget(
    broker: str, fresh_database: Database, tmp_path: Path
) -> None:
    budgets: list[Decimal] = []
    calls = [("rehearsal", True), ("rehearsal-repair", True), ("draft", True), ("rehearsal", False)]

    async def pay_and_fail(asked: StageRehearsalRequest) -> Response:
        budgets.append(asked.budget_usd)
        if calls:
            await fresh_database.execute(CALL, *calls.pop(0))
        return Response(status_code=500)

    await fresh_database.execute(CALL, *calls[0])  # before it begins
    await fresh_database.execute("UPDATE llm_calls SET started_at = now() - interval '1 hour'")
    opened = rehearsing_office(broker, fresh_database, tmp_path, answer_instead=pay_and_fail)
    async with opened as rehearsed:
        for offset in range(5):
            await rehearsed.office.died(b"fine", offset)
        await fresh_database.execute("UPDATE dead_letters SET subject = 'chunk'")
        await rehearsed.office.died(b"fine", 9)

        found = await rehearsed.rehearse({"mode": "live", "budget_usd": 10})

        assert budgets == [Decimal(one) for one in ("10", "8.5", "7", "7", "5")]
        assert found["predictions"] == {"not_rehearsed": 6}
        reasons = [one["reason"] for one in await rehearsed.letters(found)]
        assert reasons.count("what it is about is not known, so that no budget would hold") == 1
