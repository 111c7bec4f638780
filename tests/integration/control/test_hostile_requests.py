"""Whatever a request to control's API says, it gets an answer in words, and never a 500."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any, Final

from contracts.ids import derive_id
from contracts.terminal import TERMINAL_CONTROLS
from contracts.topics import MIB
from control.api.idempotency import CHANGING
from support.api_pages import list_endpoints
from support.control_office import Office

HUGE: Final = "9" * 5_000
ODD_TEXTS: Final = ("%00", "a%00b", "%ED%A0%80", "%ff%fe", "%C3", "x" * 2_000)
"""U+0000, a lone surrogate, what is no UTF-8, half a character, and a long one."""

FILTERS: Final = ("service", "code", "state", "fingerprint", "subject", "key")
ODD_NUMBERS: Final = ("-1", "0", HUGE, "1e3", "0x10", "%00", "NaN", "", "10001", "%D9%A1%00")
ODD_IDS: Final = ("%00%00%00%00", "%ff%ff", "abc", "%D9%A1%D9%A2%D9%A3%D9%A4", HUGE)
VERBS: Final = (("GET", ""), ("POST", "/replay"), ("POST", "/discard"))
UNKNOWN: Final = ("cod=bug", "state=open&state=discarded", "%00=1", "%ff=1", "limit=1&begin=x")


async def refuses(
    office: Office, method: str, path: str, body: bytes | None = None, status: int | None = None
) -> str:
    headers = {"Content-Type": "application/json"} if body else {}
    answer = await office.client.request(method, office.url + path, content=body, headers=headers)
    text = answer.text
    assert 400 <= answer.status_code < 500, text
    assert status in {None, answer.status_code}, text
    assert answer.headers["content-type"].startswith("application/problem+json"), text
    error = json.loads(text)["detail"]
    assert error
    assert "\n" not in error
    assert TERMINAL_CONTROLS.findall(error) == []
    assert not re.search(r"Value error|after validation|items? ", error), "pydantic's own words"
    assert len(error) < 500
    assert (await office.ask("GET", "/v1/letters"))[0] == 200, "others are served"
    return str(error)


async def test_a_filter_that_no_letter_can_have_is_refused(office: Office) -> None:
    for name, text in product(FILTERS, ODD_TEXTS):
        assert name in await refuses(office, "GET", f"/v1/letters?{name}={text}")


async def test_a_limit_that_is_none_is_refused(office: Office) -> None:
    for number in ODD_NUMBERS:
        assert "limit" in await refuses(office, "GET", f"/v1/letters?limit={number}")


async def test_a_text_that_is_too_short_or_too_long_is_refused_in_words(office: Office) -> None:
    assert await refuses(office, "GET", "/v1/search?q=") == "q: may not be empty"
    long = await refuses(office, "GET", f"/v1/search?q={'x' * 3_000}")
    assert re.fullmatch(r"q: at most [\d,]+ characters are allowed", long)


async def test_an_id_in_any_path_is_quoted_without_control_characters(office: Office) -> None:
    named = [(method, path) for method, path, _ in list_endpoints() if "{" in path]
    for (method, path), odd in product(named, (*ODD_IDS, "%E2%80%AE", "%1b[2J", "a%0d%0ab")):
        answer = await office.client.request(
            *(method, f"{office.url}/v1{re.sub(r'{.*?}', odd[:200], path)}"),
            json={} if method in CHANGING else None,
        )
        assert answer.status_code < 500, (method, path, odd, answer.text)
        if answer.is_client_error:
            detail = answer.json()["detail"]
            assert TERMINAL_CONTROLS.findall(detail) == [], (method, path, detail)
            assert len(detail.splitlines()) == 1


async def test_a_parameter_that_nobody_knows_or_that_comes_twice_is_refused(
    office: Office,
) -> None:
    for query in UNKNOWN:
        await refuses(office, "GET", f"/v1/letters?{query}")


async def test_an_id_that_is_none_is_refused(office: Office) -> None:
    for name, (method, rest) in product(ODD_IDS, VERBS):
        body = b'{"reason": "x"}' if rest == "/discard" else None
        await refuses(office, method, f"/v1/letters/{name}{rest}", body)


POINT: Final = {"until": "2026-01-01T00:00:00Z", "after": ["enrichment-dlq", 0, 0]}
ODD_REPLAYS: Final[tuple[Any, ...]] = (
    {"code": "\0"},
    b'{"code": "\\ud800"}',
    b'{"code": "\xff"}',
    {"servce": "enrichment"},
    {"state": "lost"},
    {"limit": -1},
    b'{"limit": %b}' % HUGE.encode(),
    b"[" * 100_000,
    b"[]",
    b"\x80",
    {"begin": {**POINT, "until": "2026-01-01T00:00:00"}},
    {"begin": {**POINT, "until": "0001-01-01T00:00:00+23:59"}},
    {"begin": {**POINT, "until": "9999-12-31T23:59:59-23:59"}},
    {"begin": {**POINT, "after": ["enrichment-dlq", 2**31, 0]}},
    {"begin": {**POINT, "after": ["enrichment-dlq", 0, 2**63]}},
    {"begin": {**POINT, "after": ["\0", 0, 0]}},
    {"begin": {**POINT, "after": ["enrichment-dlq"]}},
    b" " * 3_000_000,
)


async def test_a_replay_of_many_that_cannot_be_meant_is_refused(office: Office) -> None:
    for body in ODD_REPLAYS:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        await refuses(office, "POST", "/v1/letters/replay", sent)


async def test_a_discard_without_a_reason_is_refused(office: Office) -> None:
    letter = await office.died(b"v", 1)
    for body in (b"", b"[]", b'{"reason": "x", "why": 1}', b'{"reason": "\\ud800"}', b"\xff"):
        await refuses(office, "POST", f"/v1/letters/{letter}/discard", body)


async def test_a_reason_is_kept_without_what_the_index_cannot_keep(office: Office) -> None:
    letter = await office.died(b"v", 1)
    status, body = await office.ask("POST", f"/v1/letters/{letter}/discard", {"reason": "a\0b"})
    assert (status, body["state_reason"]) == (200, "a\N{REPLACEMENT CHARACTER}b")


async def test_a_body_larger_than_any_that_can_be_meant_is_not_read_to_its_end(
    office: Office,
) -> None:
    for path in ("/v1/letters/replay", f"/v1/letters/{derive_id('nobody')}/discard"):
        body = b'{"reason": "' + b"x" * MIB + b'"}'
        assert "body is too large" in await refuses(office, "POST", path, body, status=413)
