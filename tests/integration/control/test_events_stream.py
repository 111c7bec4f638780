"""Server-sent events: what each role hears of, going on where one was, and how streams end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
from structlog.testing import capture_logs

from contracts.access import CreateTokenRequest, Role, RoleGrant
from control.access.rights import Caller
from control.api import events
from control.api.events import EventStream
from control.changes import ChangeEvent, ChangeFeed, ChangePosition
from control.upkeep import delete_expired_rows
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, ingested, note, validated

Event = tuple[str, str, dict[str, Any]]
WITHIN_S: Final = 15


class Stream:
    """An open stream, and what came of it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Event:
        """The next event: its id, kind and data."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WITHIN_S):
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    return fields.get("id", ""), fields["event"], json.loads(fields["data"])
                else:
                    fields = {}
        raise EOFError

    async def next_id(self) -> str:
        """The next id that stands without an event."""
        async with asyncio.timeout(WITHIN_S):
            async for line in self._lines:
                if line.startswith("id: ") and line.count("-") == 2:
                    return line.removeprefix("id: ")
        raise EOFError

    async def ends(self) -> None:
        try:
            while True:
                await self.next()
        except (EOFError, httpx2.RemoteProtocolError):
            return


@asynccontextmanager
async def follow(
    office: Office, secret: str | None = None, after: str = ""
) -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": after} if after else {}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    async with office.client.stream("GET", f"{office.url}/v1/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


async def secret_of(office: Office, role: Role, study_id: str | None = None) -> str:
    wanted = CreateTokenRequest(name="somebody", grants=(RoleGrant(role=role, study_id=study_id),))
    return (await office.context.tokens.create(wanted, "a test")).secret


async def store_notes(database: Database) -> None:
    store = NotesStore(database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("She would not recommend it")))


async def test_each_role_hears_of_what_it_may_know(
    office: Office, fresh_database: Database
) -> None:
    reader = await secret_of(office, Role.READER, STUDY.study_id)
    stranger = await secret_of(office, Role.READER, "another")
    operator = await secret_of(office, Role.OPERATOR)
    async with (
        follow(office) as admins,
        follow(office, reader) as readers,
        follow(office, stranger) as strangers,
        follow(office, operator) as operators,
    ):
        letter = await office.died(b"v", 1)
        await store_notes(fresh_database)
        await office.context.replayer.replay(letter)
        await office.context.tokens.revoke((await office.context.tokens.list_tokens())[0].token_id)
        heard = [await admins.next() for _ in range(5)]
        assert [kind for _, kind, _ in heard] == [
            "letters.indexed",
            "transcripts.ingested",
            "notes.stored",
            "letters.replayed",
            "token.revoked",
        ]
        assert heard[0][2]["letter_id"] == str(letter)
        assert heard[1][2]["study_id"] == heard[2][2]["study_id"] == STUDY.study_id
        assert "recommend" not in str(heard)
        assert (await readers.next())[1] == "transcripts.ingested"
        assert (await readers.next())[1] == "notes.stored"
        assert (await operators.next())[1] == "letters.indexed"
        await strangers_hear_nothing(strangers)


async def test_studies_and_budgets_that_change_are_told(
    office: Office, fresh_database: Database
) -> None:
    reader = await secret_of(office, Role.READER, STUDY.study_id)
    operator = await secret_of(office, Role.OPERATOR)
    path = f"/v1/studies/{STUDY.study_id}/registration"
    async with follow(office, reader) as readers, follow(office, operator) as operators:
        await office.ask("POST", "/v1/studies", STUDY.model_dump(mode="json", exclude={"version"}))
        office.client.headers["If-Match"] = "*"
        await office.ask("PATCH", path, {"archived": True})
        await office.ask("PUT", "/v1/budgets/day", {"limit_usd": "5"})
        await office.ask("PUT", "/v1/budgets/day", {"limit_usd": "6"})
        await office.ask("DELETE", "/v1/budgets/day")
        await fresh_database.execute(
            "INSERT INTO llm_budgets (scope, set_by, limit_usd) VALUES ('study', 'settings', 1)"
        )
        await fresh_database.execute(
            "INSERT INTO llm_budgets (scope, name, set_by) VALUES ('study', 'last', 'command')"
        )
        _, registered, at_first = await readers.next()
        _, changed, later = await readers.next()
        told = [await operators.next() for _ in range(4)]
    assert (registered, changed) == ("study.registered", "study.changed")
    assert (at_first["is_archived"], later["is_archived"]) == (False, True)
    assert {kind for _, kind, _ in told} == {"budget.changed"}
    assert [data["name"] for _, _, data in told] == ["", "", "", "last"]


async def strangers_hear_nothing(strangers: Stream) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await strangers.next()


async def test_a_client_goes_on_where_it_was(office: Office, fresh_database: Database) -> None:
    async with follow(office) as stream:
        await office.died(b"v", 1)
        first, kind, _ = await stream.next()
    assert kind == "letters.indexed"
    for number in range(2, 5):
        await office.died(b"v", number)
    async with follow(office, after=first) as stream:
        missed = [await stream.next() for _ in range(3)]
        assert {one[1] for one in missed} == {"letters.indexed"}
        await office.died(b"v", 9)
        assert (await stream.next())[1] == "letters.indexed"
    await fresh_database.execute("UPDATE changes SET at = now() - interval '25 hours'")
    await delete_expired_rows(fresh_database)
    async with follow(office, after=first) as stream:
        assert (await stream.next())[1] == "missed"
    for wrong in ("x", "1", "1-x", "9" * 30):
        answer = await office.client.get(
            f"{office.url}/v1/events", headers={"Last-Event-ID": wrong}
        )
        assert answer.status_code == 400


async def test_a_client_that_has_heard_of_nothing_goes_on_where_it_was_all_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(events, "CHECK_S", 0.1)
    async with follow(office) as stream:
        begin = await stream.next_id()
        await office.died(b"v", 1)
        await stream.next()
        later = await stream.next_id()
    await office.died(b"v", 2)
    for after, number in ((begin, 2), (later, 1)):
        async with follow(office, after=after) as stream:
            heard = [await stream.next() for _ in range(number)]
            assert {kind for _, kind, _ in heard} == {"letters.indexed"}
    position, _, _ = begin.rpartition("-")
    yesterday = f"{position}-{int(time.time()) - 24 * 3_600}"
    another_database = f"{2**62}-0-{int(time.time())}"
    for after in (yesterday, another_database):
        async with follow(office, after=after) as stream:
            now, kind, _ = await stream.next()
            assert (kind, now in {begin, after}) == ("missed", False)


async def test_changes_that_are_committed_late_are_not_passed_over(
    office: Office, fresh_database: Database
) -> None:
    async with follow(office) as stream, fresh_database.transaction() as connection:
        await connection.execute("INSERT INTO changes (kind, data) VALUES ('letters.late', '{}')")
        await office.died(b"v", 1)
        await asyncio.sleep(1.2)  # the feed has looked meanwhile
        await connection.execute("COMMIT")
        await connection.execute("BEGIN")
        assert [(await stream.next())[1] for _ in range(2)] == ["letters.late", "letters.indexed"]


async def test_a_stream_ends_soon_after_its_token_is_revoked(office: Office) -> None:
    secret = await secret_of(office, Role.OPERATOR)
    (made, *_) = await office.context.tokens.list_tokens()
    async with follow(office, secret) as stream:
        await office.died(b"v", 1)
        await stream.next()
        await office.context.tokens.revoke(made.token_id)
        begin = time.monotonic()
        await stream.ends()
        assert time.monotonic() - begin < 6


async def test_a_stream_that_is_read_slowly_ends_after_its_token_is_revoked_all_the_same(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of changes is 500: what is left of it is not sent once the token is revoked."""
    monkeypatch.setattr(events, "CHECK_S", 0.2)
    context, sent = office.context, []
    secret = await secret_of(office, Role.OPERATOR)
    (made, *_) = await context.tokens.list_tokens()
    following = context.changes.following(made.token_id)
    begin = await following.__aenter__()

    async def check() -> Caller:
        return await context.tokens.authenticate(secret)

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        await asyncio.sleep(0.05)  # of a client that takes little at a time
        sent.append(message.get("body", b""))
        if sum(b"letters.x" in one for one in sent) == 1:
            await context.tokens.revoke(made.token_id)

    await fresh_database.execute(
        "INSERT INTO changes (kind, data) SELECT 'letters.x', '{}' FROM generate_series(1, 400)"
    )
    stream = EventStream(context.changes, following, begin, check)
    async with asyncio.timeout(WITHIN_S):
        await stream({}, receive, send)
    assert sum(b"letters.x" in one for one in sent) < 20
    assert sent[-1] == b""  # a proper end, not a cut one


async def test_one_token_leaves_streams_to_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.changes.MAX_FOLLOWERS_PER_TOKEN", 2)
    async with follow(office), follow(office):
        answer = await office.client.get(f"{office.url}/v1/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        async with follow(office, await secret_of(office, Role.OPERATOR)):
            pass
    async with asyncio.timeout(WITHIN_S):
        while office.context.changes._followers:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
    async with follow(office):
        pass


async def test_who_has_no_role_follows_nothing(office: Office) -> None:
    secret = await secret_of(office, Role.OPERATOR)
    await office.context.database.execute(
        "UPDATE access_tokens SET grants = '[]' WHERE name = 'somebody'"
    )
    headers = {"Authorization": f"Bearer {secret}"}
    answer = await office.client.get(f"{office.url}/v1/events", headers=headers)
    assert answer.status_code == 403, answer.text


async def test_a_bug_ends_a_stream_with_a_line_in_the_log(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(events, "authenticate", fail)
    with capture_logs() as lines:
        async with follow(office) as stream:
            await stream.ends()
    assert [one["log_level"] for one in lines if one["event"] == "event_stream_ended"] == ["error"]


async def test_the_feed_goes_on_after_an_error_nobody_thought_of(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = ChangeFeed(fresh_database, poll_s=0.02)
    page, failed = feed._page, asyncio.Event()

    async def fail_once(position: ChangePosition) -> list[ChangeEvent]:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return await page(position)

    monkeypatch.setattr(feed, "_page", fail_once)
    with capture_logs() as lines:
        async with feed.following(uuid4()) as begin:
            await failed.wait()
            await fresh_database.execute("INSERT INTO changes (kind, data) VALUES ('x', '{}')")
            assert [one.kind for one in await feed.next(begin, WITHIN_S)] == ["x"]
    assert [one["log_level"] for one in lines if one["event"] == "changes_not_read"] == ["error"]


async def test_signs_of_life_are_sent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    async with follow(office) as stream, asyncio.timeout(WITHIN_S):
        async for line in stream.answer.aiter_lines():
            if line.startswith(":"):
                break


async def test_a_client_that_takes_nothing_is_disconnected_and_costs_no_memory(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SEND_S", 0.5)
    authorization = office.client.headers["Authorization"]
    host, port = office.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    head = f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\r\n"
    writer.write(head.encode())
    assert b"200" in await reader.readline()
    feed = office.context.changes
    filler = json.dumps({"filler": "x" * 20_000})
    async with asyncio.timeout(60):
        while feed._followers:
            await fresh_database.execute(
                "INSERT INTO changes (kind, data) "
                "SELECT 'letters.x', $1 FROM generate_series(1, 100)",
                filler,
            )
            await asyncio.sleep(0.3)
    writer.close()


async def test_streams_end_when_the_service_stops(office: Office) -> None:
    async with follow(office) as one, follow(office) as another:
        await asyncio.sleep(0.2)
        begin = time.monotonic()
        await office.context.changes.close()
        await one.ends()
        await another.ends()
        assert time.monotonic() - begin < 3


async def test_there_are_no_more_followers_than_may_be(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.changes.MAX_FOLLOWERS", 1)
    async with follow(office):
        answer = await office.client.get(f"{office.url}/v1/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    async with asyncio.timeout(WITHIN_S):
        while office.context.changes._followers:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
    async with follow(office):
        pass


async def test_a_follower_that_is_slower_than_the_ring_misses_nothing(
    fresh_database: Database,
) -> None:
    feed = ChangeFeed(fresh_database, poll_s=0.02, ring=5)
    async with feed.following(uuid4()) as begin:
        position = begin
        await fresh_database.execute(
            "INSERT INTO changes (kind, data) SELECT 'x', '{}' FROM generate_series(1, 700)"
        )
        found = 0
        async with asyncio.timeout(20):
            while found < 700:
                for one in await feed.next(position, 0.1):
                    assert one.position > position
                    position, found = one.position, found + 1
        assert await feed.next(position, 0.05) == []
    await feed.close()
