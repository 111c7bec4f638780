"""Browsers' sessions: how they begin and end, and that their cookie is never enough by itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx2
import pytest

from contracts.access import CreatedToken, CreateTokenRequest, Role, RoleGrant
from control.access.sessions import SessionLifetimes
from control.api import LoginSettings
from database.pool import Database
from support.control_office import Office, open_office
from support.http_client import http_client

ADMIN: Final = RoleGrant(role=Role.ADMIN)
READER: Final = RoleGrant(role=Role.READER)
CSRF: Final = "Onrecord-CSRF-Token"
OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}
CHANGE: Final = ("POST", "/v1/letters/replay")


class Browser:
    """A browser with a page of control's: it keeps cookies, and says where requests come from."""

    def __init__(self, office: Office, client: httpx2.AsyncClient) -> None:
        self.office = office
        self.client = client
        self.csrf = ""

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx2.Response:
        sent = {**OWN_PAGE, **({CSRF: self.csrf} if self.csrf else {}), **headers}
        wanted = {name.replace("_", "-"): value for name, value in sent.items() if value}
        return await self.client.request(method, self.office.url + path, json=body, headers=wanted)

    async def log_in(self, secret: str) -> httpx2.Response:
        answer = await self.ask("POST", "/v1/session", {"token": secret})
        if answer.status_code == 201:
            self.csrf = answer.json()["csrf_token"]
        return answer

    @property
    def cookie(self) -> tuple[str, str]:
        (found,) = self.client.cookies.jar
        assert found.value is not None
        return found.name, found.value


@asynccontextmanager
async def browsing(office: Office) -> AsyncIterator[Browser]:
    async with http_client() as client:
        yield Browser(office, client)


@pytest.fixture
async def browser(office: Office) -> AsyncIterator[Browser]:
    async with browsing(office) as opened:
        yield opened


async def token(office: Office, *grants: RoleGrant) -> CreatedToken:
    wanted = CreateTokenRequest(name="ann", grants=grants or (ADMIN,))
    return await office.context.tokens.create(wanted, "a test")


async def actions(office: Office) -> list[tuple[str, str]]:
    """Who did what, the latest last."""
    page = await office.context.trail.page()
    return [(one.actor, one.action) for one in reversed(page.entries)]


async def test_a_token_opens_a_session_with_its_name_and_roles(
    office: Office, browser: Browser, fresh_database: Database
) -> None:
    made = await token(office, READER)
    opened = await browser.log_in(made.secret)
    assert (opened.status_code, opened.json()["name"]) == (201, "ann")
    assert opened.json()["grants"] == [{"role": "reader", "study_id": None}]
    port = office.url.rpartition(":")[2]
    name, value = browser.cookie
    assert name == f"onrecord-session-{port}"
    cookie = opened.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert opened.headers["cache-control"] == "no-store"
    kept = await fresh_database.fetch("SELECT sessions::text AS row, secret_sha256 FROM sessions")
    assert [one["secret_sha256"] for one in kept] == [hashlib.sha256(value.encode()).digest()]
    assert value not in str(kept)
    assert made.secret not in opened.text + cookie
    me = await browser.ask("GET", "/v1/me")
    assert (me.status_code, me.json()["token_id"]) == (200, str(made.token.token_id))
    assert (await browser.ask("GET", "/v1/studies")).status_code == 200
    assert (await browser.ask(*CHANGE)).status_code == 403  # a reader's session is a reader
    assert await actions(office) == [("ann", "session.open")]


async def test_what_changes_something_takes_the_csrf_token(
    office: Office, browser: Browser
) -> None:
    await browser.log_in((await token(office)).secret)
    right, before = browser.csrf, await actions(office)
    assert (await browser.ask("GET", "/v1/session")).json()["csrf_token"] == right
    for sent in ("", "x", right[:-1], right.swapcase(), browser.cookie[1]):
        browser.csrf = sent
        for method, path in (CHANGE, ("DELETE", "/v1/session")):
            answer = await browser.ask(method, path)
            assert (answer.status_code, CSRF in answer.json()["detail"]) == (403, True), sent
    assert await actions(office) == before
    async with browsing(office) as other:  # nor does that of another session do
        await other.log_in((await token(office)).secret)
        browser.csrf = other.csrf
    assert (await browser.ask(*CHANGE)).status_code == 403
    browser.csrf = right
    assert (await browser.ask(*CHANGE)).status_code == 200
    assert (await actions(office))[-1] == ("ann", "letters.replay")


FOREIGN: Final[list[dict[str, str]]] = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_cookie_counts_for_nothing_on_other_sites(
    office: Office, browser: Browser, headers: dict[str, str]
) -> None:
    """Even with the CSRF token, which no other page can read."""
    await browser.log_in((await token(office)).secret)
    before = await actions(office)
    for method, path in (CHANGE, ("GET", "/v1/me"), ("GET", "/v1/session"), ("GET", "/v1/trail")):
        answer = await browser.ask(method, path, **headers)
        assert answer.status_code == 403
        assert "ann" not in answer.text
    assert await actions(office) == before


async def test_a_cookie_counts_only_if_the_browser_says_where_the_request_comes_from(
    office: Office, browser: Browser
) -> None:
    """As all browsers do on https and loopback, where alone there are sessions."""
    await browser.log_in((await token(office)).secret)
    name, value = browser.cookie
    async with http_client() as client:
        cookie = {"Cookie": f"{name}={value}"}
        bare = await client.get(f"{office.url}/v1/me", headers=cookie)
        assert bare.status_code == 403
        named = await client.get(f"{office.url}/v1/me", headers={**cookie, "Origin": office.url})
        assert named.status_code == 200


async def test_a_token_in_the_header_wins_over_a_cookie(office: Office, browser: Browser) -> None:
    await browser.log_in((await token(office)).secret)
    reader = await token(office, READER)
    answer = await browser.ask("GET", "/v1/me", Authorization=f"Bearer {reader.secret}")
    assert answer.json()["token_id"] == str(reader.token.token_id)
    for other in ("Bearer wrong", "Basic YW5uOng=", "Bearer"):
        assert (await browser.ask("GET", "/v1/me", Authorization=other)).status_code == 401
    # With a token it is no browser's request by itself, and takes no CSRF token.
    browser.csrf = ""
    admin = await token(office)
    answer = await browser.ask(*CHANGE, Authorization=f"Bearer {admin.secret}")
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{"token": "wrong"}, {"token": ""}, {}, {"token": 7}, "x", None])
async def test_nothing_but_a_valid_token_opens_a_session(
    office: Office, browser: Browser, body: Any
) -> None:
    answer = await browser.ask("POST", "/v1/session", body)
    assert answer.status_code in {400, 401}
    assert "set-cookie" not in answer.headers
    assert await office.context.sessions.list_sessions(ended_too=True) == []


async def test_a_page_of_another_site_opens_no_session(office: Office, browser: Browser) -> None:
    """Or somebody would be logged in as the attacker, and work in their name (login CSRF)."""
    secret = (await token(office)).secret
    for headers in FOREIGN:
        answer = await browser.ask("POST", "/v1/session", {"token": secret}, **headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    form = {"Content-Type": "text/plain", **OWN_PAGE}
    text = b'{"token": "%s"}' % secret.encode()
    answer = await browser.client.post(f"{office.url}/v1/session", content=text, headers=form)
    assert (answer.status_code, "set-cookie" in answer.headers) == (415, False)


async def test_logging_out_ends_the_session_everywhere(office: Office, browser: Browser) -> None:
    await browser.log_in((await token(office)).secret)
    name, value = browser.cookie
    closed = await browser.ask("DELETE", "/v1/session")
    assert (closed.status_code, list(browser.client.cookies.jar)) == (204, [])
    assert "HttpOnly" in closed.headers["set-cookie"]
    kept = await browser.ask("GET", "/v1/me", Cookie=f"{name}={value}")
    assert kept.status_code == 401
    assert await actions(office) == [("ann", "session.open"), ("ann", "session.close")]


async def test_a_session_ends_with_its_token(
    office: Office, browser: Browser, fresh_database: Database
) -> None:
    made = await token(office)
    await browser.log_in(made.secret)
    await fresh_database.execute(
        "UPDATE access_tokens SET expires_at = now() WHERE token_id = $1", made.token.token_id
    )
    assert (await browser.ask("GET", "/v1/me")).status_code == 401
    await fresh_database.execute("UPDATE access_tokens SET expires_at = NULL")
    assert (await browser.ask("GET", "/v1/me")).status_code == 200
    await office.context.tokens.revoke(made.token.token_id)
    assert (await browser.ask("GET", "/v1/me")).status_code == 401
    assert await office.context.sessions.list_sessions() == []


async def test_a_session_ends_when_it_is_idle_and_in_any_case(
    office: Office, browser: Browser, fresh_database: Database
) -> None:
    await browser.log_in((await token(office)).secret)
    idle, lifetime = office.context.logins.limits.idle, office.context.logins.limits.lifetime
    age = "UPDATE sessions SET last_used_at = now() - $1::interval"
    await fresh_database.execute(age, idle - timedelta(seconds=30))
    assert (await browser.ask("GET", "/v1/me")).status_code == 200  # and it is in use again
    used = await fresh_database.fetchval("SELECT now() - last_used_at FROM sessions")
    assert used < timedelta(seconds=30)
    await fresh_database.execute(age, idle + timedelta(seconds=1))
    assert (await browser.ask("GET", "/v1/me")).status_code == 401
    await fresh_database.execute("UPDATE sessions SET last_used_at = now()")
    left = await fresh_database.fetchval("SELECT expires_at - now() FROM sessions")
    assert lifetime - timedelta(minutes=1) < left <= lifetime
    await fresh_database.execute("UPDATE sessions SET expires_at = now()")
    assert (await browser.ask("GET", "/v1/me")).status_code == 401


async def test_sessions_that_ended_long_ago_are_removed(
    office: Office, browser: Browser, fresh_database: Database
) -> None:
    made = await token(office)
    await browser.log_in(made.secret)
    await fresh_database.execute("UPDATE sessions SET expires_at = now() - interval '31 days'")
    await browser.log_in(made.secret)
    assert await fresh_database.fetchval("SELECT count(*) FROM sessions") == 1


async def test_admins_list_sessions_and_end_them(office: Office, browser: Browser) -> None:
    made = await token(office, READER)
    opened = (await browser.log_in(made.secret)).json()
    status, listed = await office.ask("GET", "/v1/sessions")
    assert status == 200
    assert [(one["session_id"], one["name"], one["address"]) for one in listed["sessions"]] == [
        (opened["session_id"], "ann", "127.0.0.1")
    ]
    assert browser.cookie[1] not in str(listed)
    url = f"{office.url}/v1/sessions/{opened['session_id']}"
    assert (await browser.ask("DELETE", f"/v1/sessions/{opened['session_id']}")).status_code == 403
    assert (await office.client.delete(url)).status_code == 204
    assert (await browser.ask("GET", "/v1/me")).status_code == 401
    assert await office.ask("GET", "/v1/sessions") == (200, {"sessions": [], "next": None})
    _, ended = await office.ask("GET", "/v1/sessions?ended=true")
    assert ended["sessions"][0]["ended_at"] is not None
    nobody = f"{office.url}/v1/sessions/{made.token.token_id}"
    assert (await office.client.delete(nobody)).status_code == 404
    assert ("admin", "session.revoke") in await actions(office)


@pytest.mark.parametrize("cookie", ["", "x" * 8_000, "onrecord_", "%00", "\xff", '"quoted"'])
async def test_what_is_no_session_is_refused(office: Office, browser: Browser, cookie: str) -> None:
    port = office.url.rpartition(":")[2]
    headers = [(b"Cookie", f"onrecord-session-{port}={cookie}".encode("latin-1"))]
    headers += [(name.encode(), value.encode()) for name, value in OWN_PAGE.items()]
    answer = await browser.client.get(f"{office.url}/v1/me", headers=headers)
    assert answer.status_code in {400, 401}


async def test_a_token_that_is_revoked_during_a_request_changes_nothing(
    office: Office, fresh_database: Database
) -> None:
    """While the body is on its way, and between the look at the token and the change."""
    made, letter = await token(office), await office.died(b"v", 1)
    url = f"{office.url}/v1/letters/{letter}/discard"
    sent_half, revoked = asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"reason": '
        sent_half.set()
        await revoked.wait()
        yield b'"a test"}'

    headers = {"Authorization": f"Bearer {made.secret}", "Content-Type": "application/json"}
    office.client.headers.pop("Authorization")
    asking = asyncio.create_task(office.client.post(url, content=parts(), headers=headers))
    await sent_half.wait()
    await office.context.tokens.revoke(made.token.token_id)
    revoked.set()
    assert (await asking).status_code == 401
    late = await token(office)
    caller = await office.context.tokens.authenticate(late.secret)
    await office.context.tokens.revoke(late.token.token_id)
    with pytest.raises(Exception, match="revoked meanwhile"):
        await office.context.trail.record(caller, "letter.discard", str(letter))
    assert await fresh_database.fetchval("SELECT count(*) FROM trail") == 0
    assert (await office.context.store.letter(str(letter))).state.value == "open"


async def test_a_session_that_is_ended_during_a_request_changes_nothing(
    office: Office, browser: Browser
) -> None:
    await browser.log_in((await token(office)).secret)
    session = await office.context.sessions.authenticate(browser.cookie[1])
    await office.context.sessions.end(session.session_id)
    with pytest.raises(Exception, match="revoked meanwhile"):
        await office.context.trail.record(session.caller, "letters.replay", "")


async def test_where_browsers_use_https_the_cookie_is_of_this_host_alone(
    broker: str, fresh_database: Database
) -> None:
    """Behind a proxy that ends TLS: it passes on the Host that browsers use."""
    public = "https://localhost"
    limits = SessionLifetimes(lifetime=timedelta(minutes=10))
    logins = LoginSettings(limits=limits, public_url=public)
    async with (
        open_office(broker, fresh_database, logins=logins) as office,
        browsing(office) as browser,
    ):
        secret = (await token(office)).secret
        opened = await browser.ask(
            "POST", "/v1/session", {"token": secret}, Host="localhost", Origin=public
        )
        assert opened.status_code == 201
        cookie = opened.headers["set-cookie"]
        assert cookie.startswith("__Host-onrecord-session=")
        wanted = {"HttpOnly", "SameSite=strict", "Path=/", "Secure", "Max-Age=600"}
        assert wanted <= set(cookie.split("; "))
        pair = cookie.partition(";")[0]
        me = await browser.ask("GET", "/v1/me", Host="localhost", Cookie=pair)
        assert me.status_code == 200
        plain = pair.replace("__Host-onrecord-session", "onrecord-session-80")
        assert (
            await browser.ask("GET", "/v1/me", Host="localhost", Cookie=plain)
        ).status_code == 401


async def test_on_a_network_without_https_there_are_no_sessions(
    broker: str, fresh_database: Database
) -> None:
    async with (
        open_office(broker, fresh_database, allowed_hosts={"control.example"}) as office,
        browsing(office) as browser,
    ):
        secret = (await token(office)).secret
        answer = await browser.ask("POST", "/v1/session", {"token": secret}, Host="control.example")
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert "CONTROL_PUBLIC_URL" in answer.json()["detail"]
        cookie = "onrecord-session-80=" + "x" * 43
        answer = await browser.ask("GET", "/v1/me", Host="control.example", Cookie=cookie)
        assert answer.status_code == 401
