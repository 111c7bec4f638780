"""Control's API over a real database and broker: list, read, replay and discard letters."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from asgi_server.problems import build_problem_details
from contracts import headers as h
from contracts.ids import derive_id
from control.api import ControlApi
from control.letters.hopeless import REASONS
from control.letters.indexing import build_indexed_dead_letter
from database.pool import Database
from messaging import Record
from messaging.dead_letters.identity import derive_dead_letter_id
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import append_headers, split_headers
from support.control_office import KEY, ODD, Office, delivery, letter_bytes
from support.http_client import http_client, serve_routes

NOBODY = str(derive_id("nobody"))


async def test_shows_the_first_mib_of_a_large_value_and_hands_it_out_whole(
    office: Office,
) -> None:
    value = b"\x80" + bytes(3 * 1024 * 1024)
    letter = await office.set_aside(value, letter_bytes(1))
    none = await office.set_aside(None, letter_bytes(2))
    status, shown = await office.ask("GET", f"/v1/letters/{letter}")
    assert status == 200
    assert base64.b64decode(shown["value"]) == value[: 1024 * 1024]
    assert shown["letter"]["size_bytes"] == len(value)
    answer = await office.client.get(f"{office.url}/v1/letters/{letter}/value")
    assert (answer.status_code, answer.content) == (200, value)
    assert answer.headers["content-type"] == "application/octet-stream"
    answer = await office.client.get(f"{office.url}/v1/letters/{none}/value")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await office.ask("GET", f"/v1/letters/{NOBODY}/value"))[0] == 404


async def test_lists_and_shows_a_letter_with_its_bytes(office: Office) -> None:
    letter = await office.died(b"\x80\x00", 1)
    content = digest_record(KEY, b"\x80\x00", ODD)
    assert letter == derive_dead_letter_id("enrichment", delivery(1).origin, 0, content)
    status, page = await office.ask("GET", "/v1/letters?service=enrichment&state=open")
    (listed,) = page["letters"]
    assert (status, listed["letter_id"], listed["error_message"]) == (200, str(letter), "why")
    none: dict[str, Any] = {"letters": [], "next": None, "snoozed": 0}
    assert await office.ask("GET", "/v1/letters?service=guardrail") == (200, none)
    status, shown = await office.ask("GET", f"/v1/letters/{str(letter)[:8]}")
    assert base64.urlsafe_b64decode(shown["value"]) == b"\x80\x00"
    assert base64.urlsafe_b64decode(shown["letter"]["key"]) == b"\xfe"
    status, counts = await office.ask("GET", "/v1/letters/counts")
    assert (status, counts[0]["letters"]) == (200, 1)


async def test_a_tombstone_has_no_value(office: Office) -> None:
    letter = await office.died(None, 1)
    status, shown = await office.ask("GET", f"/v1/letters/{letter}")
    assert (status, shown["value"]) == (200, None)


async def test_replays_byte_for_byte_and_only_once(office: Office) -> None:
    letter = await office.died(b"\x80\x00", 1)
    status, body = await office.ask("POST", f"/v1/letters/{letter}/replay")
    assert (status, body["state"]) == (200, "replayed")
    status, body = await office.ask("POST", f"/v1/letters/{letter}/replay")
    assert (status, body) == (409, build_problem_details(409, f"letter {letter} is replayed"))
    (record,) = await office.bench.records("enrichment-retry-0", 1)
    original, added = split_headers(record.headers)
    assert (record.key, record.value, original) == (b"\xfe", b"\x80\x00", ODD)
    told = {name: value.decode() for name, value in added}
    assert told[h.REPLAY_OF] == str(letter)
    assert (told[h.REPLAYS], told[h.DLQ_TOPIC], told[h.DLQ_OFFSET]) == ("1", "chunks-ready", "1")


async def test_replays_all_open_letters_that_are_meant(office: Office) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(3)]
    await office.ask("POST", f"/v1/letters/{letters[1]}/discard", {"reason": "a test"})
    status, body = await office.ask("POST", "/v1/letters/replay", {"service": "enrichment"})
    assert (status, set(body["replayed"])) == (200, {str(letters[0]), str(letters[2])})
    nothing: dict[str, Any] = {"replayed": [], "not_replayed": {}, "left_out": {}, "next": None}
    assert await office.ask("POST", "/v1/letters/replay") == (200, nothing)
    records = await office.bench.records("enrichment-retry-0", 2)
    assert {record.value for record in records} == {b"0", b"2"}


async def test_a_replay_of_many_leaves_those_open_that_a_replay_cannot_mend(
    office: Office, fresh_database: Database
) -> None:
    good, withdrawn = [await office.died(b"%d" % number, number) for number in range(2)]
    transcript = uuid4()
    await fresh_database.execute(
        "INSERT INTO withdrawn_revisions (transcript_id, revision) VALUES ($1, 1)", transcript
    )
    await fresh_database.execute(
        "UPDATE dead_letters SET subject = $2, revision = 1 WHERE letter_id = $1",
        withdrawn,
        str(transcript),
    )
    status, body = await office.ask("POST", "/v1/letters/replay", {"service": "enrichment"})
    assert (status, body["replayed"]) == (200, [str(good)])
    assert body["not_replayed"] == {str(withdrawn): REASONS["withdrawn"]}
    assert await office.bench.size("enrichment-retry-0") == 1
    assert (await office.context.store.letter(withdrawn)).state == "open"


async def test_a_replay_of_many_leaves_out_what_is_gone_and_says_so(office: Office) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(3)]
    gone = build_indexed_dead_letter(
        Record("enrichment-dlq", 0, 77, b"k", b"v", letter_bytes(7), 1_000)
    )
    other = build_indexed_dead_letter(
        Record("enrichment-dlq", 0, 1, b"k", b"v", letter_bytes(8), 1_000)
    )
    for one in (gone, other):
        await office.context.store.index_letter(one)
    _, body = await office.ask("POST", "/v1/letters/replay")
    assert body["replayed"] == [str(letters[0]), str(letters[2])]
    assert set(body["not_replayed"]) == {str(gone.letter_id), str(other.letter_id)}
    assert (await office.context.store.letter(gone.letter_id)).state == "open"
    records = await office.bench.records("enrichment-retry-0", 2)
    assert [record.value for record in records] == [b"0", b"2"]


async def test_a_replay_of_many_goes_on_where_the_one_before_ended(office: Office) -> None:
    letters = [await office.died(b"%d" % n, n) for n in range(3)]
    _, first = await office.ask("POST", "/v1/letters/replay", {"limit": 2})
    await office.died(b"died since", 9, at=datetime.now(UTC))
    _, rest = await office.ask("POST", "/v1/letters/replay", {"limit": 2, "begin": first["next"]})
    assert first["replayed"] + rest["replayed"] == [str(letter) for letter in letters]
    assert rest["next"] is None


async def test_a_key_and_a_fingerprint_of_any_length_do_not_stop_the_index(office: Office) -> None:
    long = Random(7).randbytes(20_000).hex().encode()
    headers = append_headers((), ((h.DLQ_TOPIC, b"chunks-ready"), (h.FINGERPRINT, long)))
    letter = build_indexed_dead_letter(Record("enrichment-dlq", 0, 5, long, b"v", headers, 1_000))
    assert await office.context.store.index_letter(letter)
    indexed = await office.context.store.letter(letter.letter_id)
    assert (indexed.key, indexed.subject) == (long[:1024], None)


async def test_a_letter_is_discarded_for_a_reason_and_once(office: Office) -> None:
    letter = await office.died(b"x", 1)
    for nothing in ({}, {"reason": ""}, {"reason": "  "}):
        status, body = await office.ask("POST", f"/v1/letters/{letter}/discard", nothing)
        assert (status, "reason" in body["detail"]) == (400, True)
    status, body = await office.ask("POST", f"/v1/letters/{letter}/discard", {"reason": " why "})
    assert (status, body["state"], body["state_reason"]) == (200, "discarded", "why")
    assert (await office.ask("POST", f"/v1/letters/{letter}/discard", {"reason": "x"}))[0] == 409
    assert (await office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"/v1/letters/{NOBODY}", None, 404),
        ("POST", f"/v1/letters/{NOBODY}/replay", None, 404),
        ("POST", f"/v1/letters/{NOBODY}/discard", {"reason": "x"}, 404),
        ("GET", "/v1/letters/xyz", None, 400),
        ("GET", "/v1/letters?limit=0", None, 400),
        ("GET", "/v1/letters?state=lost", None, 400),
        ("POST", "/v1/letters/replay", b"{", 400),
    ],
)
async def test_a_wrong_request_gets_one_clear_line(
    office: Office, method: str, path: str, body: Any, status: int
) -> None:
    found, answer = await office.ask(method, path, body)
    assert found == status
    assert answer == build_problem_details(status, answer["detail"])
    assert "\n" not in answer["detail"]


async def test_a_letter_without_the_place_it_came_from_is_not_replayed(office: Office) -> None:
    letter = await office.set_aside(b"foreign", ())
    status, body = await office.ask("POST", f"/v1/letters/{letter}/replay")
    assert (status, "the place it came from" in body["detail"]) == (409, True)
    assert (await office.context.store.letter(letter)).state == "open"


async def test_a_letter_whose_bytes_are_gone_stays_open(office: Office) -> None:
    await office.died(b"there", 1)
    gone = build_indexed_dead_letter(
        Record("enrichment-dlq", 0, 77, b"k", b"v", letter_bytes(2), 1_000)
    )
    await office.context.store.index_letter(gone)
    status, body = await office.ask("POST", f"/v1/letters/{gone.letter_id}/replay")
    assert (status, "gone" in body["detail"]) == (410, True)
    status, shown = await office.ask("GET", f"/v1/letters/{gone.letter_id}")
    assert (status, shown["value"]) == (200, None)
    assert "gone" in shown["gone"]
    assert (await office.context.store.letter(gone.letter_id)).state == "open"


async def test_an_interrupted_replay_is_finished_at_the_start_and_a_hopeless_one_is_open_again(
    office: Office,
) -> None:
    letter = await office.died(b"x", 1)
    gone = build_indexed_dead_letter(
        Record("enrichment-dlq", 0, 77, b"k", b"v", letter_bytes(2), 1_000)
    )
    await office.context.store.index_letter(gone)
    for one in (letter, gone.letter_id):
        assert await office.context.store.claim_for_replay(one)
    assert await office.context.replayer.finish_interrupted() == 1
    assert (await office.context.store.letter(letter)).state == "replayed"
    assert (await office.context.store.letter(gone.letter_id)).state == "open"
    assert await office.bench.size("enrichment-retry-0") == 1


async def test_interrupted_replays_are_finished_a_batch_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.replays.repairs.BATCH", 2)
    letters = [await office.died(b"%d" % number, number) for number in range(5)]
    for one in letters:
        assert await office.context.store.claim_for_replay(one)
    assert len(await office.context.store.take_over_interrupted((), 2)) == 2
    assert await office.context.replayer.finish_interrupted() == 5
    assert {one.state.value for one in await office.context.store.letters()} == {"replayed"}
    assert await office.bench.size("enrichment-retry-0") == 5


async def test_says_503_while_its_dependencies_are_not_there() -> None:
    async with (
        serve_routes(ControlApi().routes) as port,
        http_client() as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{port}/v1/letters")
    assert answer.status_code == 503
    assert "readyz" in answer.json()["detail"]
