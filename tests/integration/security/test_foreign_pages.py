"""Pages of other sites in a real browser: they get nothing of control and change nothing.

Each way in which a page can have its browser send a request is tried from pages of a foreign host,
of another port of the same host, of a name that was made to resolve to control's own address (DNS
rebinding), and of no origin at all; with and without somebody being logged in in that browser.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route
from starlette.responses import HTMLResponse

import asgi_server
from control.access.oidc import OidcSettings, open_provider
from control.access.tokens import generate_token_secret
from control.api import LoginSettings
from database.pool import Database
from messaging import ReliableKafkaBroker, ServiceApplication, StageSettings
from support.browser import FOREIGN, open_browser
from support.control_office import Office, open_office
from support.oidc_issuer import AUDIENCE, CLIENT_ID, CLIENT_SECRET, serve_issuer

LOOPBACK: Final = "127.0.0.1"

ATTACKS: Final = """
async ({control, service, letter}) => {
  const read = ['/v1/me', '/v1/session', '/v1/letters', '/v1/tokens', '/v1/trail', '/v1/studies',
    '/v1/events']
    .map(path => control + path);
  const discard = `${control}/v1/letters/${letter}/discard`;
  const change = [discard, control + '/v1/letters/replay', control + '/v1/session',
    control + '/v1/tokens', control + '/resume', service + '/resume'];
  const body = '{"reason": "an attack", "token": "x", "name": "x", "grants": [{"role": "admin"}]}';
  const got = [];
  const keep = async (what, asking) => {
    try {
      const answer = await asking;
      got.push({what, type: answer.type, status: answer.status, text: await answer.text()});
    } catch (error) { /* the browser let nothing through */ }
  };
  const wait = [];
  const add = (tag, set) => wait.push(new Promise(done => {
    const element = document.createElement(tag);
    element.onload = element.onerror = done;
    setTimeout(done, 3000);
    set(element);
    (document.body || document.documentElement).append(element);
  }));
  for (const url of read) {
    for (const credentials of ['include', 'omit'])
      for (const mode of ['cors', 'no-cors', 'same-origin'])
        wait.push(keep('fetch', fetch(url, {mode, credentials})));
    wait.push(keep('header', fetch(url, {credentials: 'include', headers: {'X-Own': '1'}})));
    add('img', element => element.src = url);
    add('script', element => element.src = url);
    add('iframe', element => element.src = url);
    add('link', element => { element.rel = 'stylesheet'; element.href = url; });
    wait.push(new Promise(done => {
      const source = new EventSource(url, {withCredentials: true});
      source.onmessage = event => got.push({what: 'events', text: event.data});
      source.onopen = () => got.push({what: 'events', type: 'open', text: ''});
      source.onerror = () => { source.close(); done(); };
      setTimeout(done, 3000);
    }));
  }
  const form = (url, method, enctype, fields) => wait.push(new Promise(done => {
    const frame = document.createElement('iframe');
    frame.name = 'frame' + Math.random();
    (document.body || document.documentElement).append(frame);
    const element = document.createElement('form');
    Object.assign(element, {action: url, method, enctype, target: frame.name});
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement('input');
      Object.assign(input, {name, value});
      element.append(input);
    }
    (document.body || document.documentElement).append(element);
    frame.onload = done;
    setTimeout(done, 3000);
    element.submit();
  }));
  for (const url of change) {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      wait.push(keep('post', fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include',
        headers: {'Content-Type': type}, body})));
    wait.push(keep('bare', fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include'})));
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      wait.push(keep('json', fetch(url, {method, credentials: 'include',
        headers: {'Content-Type': 'application/json', 'Onrecord-CSRF-Token': 'x'}, body})));
    navigator.sendBeacon(url, body);
    try { navigator.sendBeacon(url, new Blob([body], {type: 'application/json'})); } catch (e) {}
    form(url, 'post', 'application/x-www-form-urlencoded', {reason: 'an attack'});
    form(url, 'post', 'multipart/form-data', {reason: 'an attack'});
    form(url, 'post', 'text/plain', {'{"reason": "an attack", "x": "': '"}'});
    form(url, 'get', 'application/x-www-form-urlencoded', {reason: 'an attack'});
  }
  await Promise.all(wait);
  return got;
}
"""
"""What a page tries, and what it could read of the answers."""


class Resumable(ReliableKafkaBroker):
    """A service's broker that counts how often it was resumed."""

    resumed = 0

    def resume(self) -> str:
        self.resumed += 1
        return ""


@dataclass
class Seen:
    """A request that arrived, and what was answered."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0

    @property
    def is_own(self) -> bool:
        return self.headers.get("sec-fetch-site") in {"same-origin", "none"}


@dataclass
class Target:
    """What is attacked, and what arrived there."""

    office: Office
    service_url: str
    broker: Resumable
    foreign_port: int
    secret: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def port(self) -> str:
        return self.office.url.rpartition(":")[2]


def watch(app: Any, seen: list[Seen]) -> Any:
    """The same application, whose requests and statuses are written down."""

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        one = Seen(scope["method"], scope["path"], headers)
        seen.append(one)

        async def note(message: Any) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
            await send(message)

        await app(scope, receive, note)

    return watched


async def serve_foreign(scope: Any, receive: Any, send: Any) -> None:
    """The attacker's own server: an empty page."""
    if scope["type"] != "http":
        raise NotImplementedError
    await HTMLResponse("<!doctype html><body></body>")(scope, receive, send)


@pytest.fixture
async def target(broker: str, fresh_database: Database, tmp_path: Path) -> AsyncIterator[Target]:
    seen: list[Seen] = []
    token_file = tmp_path / "operator-token"
    token_file.write_text("x" * 40)
    settings = StageSettings(operator_token_file=token_file)
    resumable = Resumable(service="ingestion", settings=lambda: settings)
    service = watch(ServiceApplication(resumable), seen)
    async with (
        open_office(broker, fresh_database, wrap=lambda app: watch(app, seen)) as office,
        asgi_server.serve(service, host=LOOPBACK, port=0) as service_port,
        asgi_server.serve(serve_foreign, host=LOOPBACK, port=0) as foreign_port,
    ):
        secret = generate_token_secret()
        await office.context.tokens.put_admin_token(secret)
        url = f"http://{LOOPBACK}:{service_port}"
        yield Target(office, url, resumable, foreign_port, secret, seen)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


async def log_in(context: BrowserContext, target: Target) -> Page:
    """A page of control's own in which somebody is logged in, and may do what they like."""
    page = await context.new_page()
    await page.goto(f"{target.office.url}/livez")
    opened = await page.evaluate(
        """async token => (await fetch('/v1/session', {method: 'POST',
             headers: {'Content-Type': 'application/json'},
             body: JSON.stringify({token})})).json()""",
        target.secret,
    )
    assert opened["name"] == "admin", opened
    own = """async csrf => (await fetch('/v1/letters/replay',
               {method: 'POST', headers: csrf ? {'Onrecord-CSRF-Token': csrf} : {}})).status"""
    assert await page.evaluate(own, opened["csrf_token"]) == 200
    assert await page.evaluate(own, "") == 403
    assert await page.evaluate("async () => (await fetch('/v1/me')).status") == 200
    assert "onrecord-session" not in await page.evaluate("document.cookie")
    return page


async def state(target: Target, letter: str) -> tuple[Any, ...]:
    """All that an attack could have changed."""
    context = target.office.context
    return (
        (await context.store.letter(letter)).state,
        await context.tokens.list_tokens(),
        [one.session_id for one in await context.sessions.list_sessions(ended_too=True)],
        (await context.trail.page()).entries,
        target.broker.resumed,
    )


@asynccontextmanager
async def foreign_page(context: BrowserContext, target: Target, origin: str) -> AsyncIterator[Any]:
    """A page (or frame) of an attacker's, of some origin."""
    page = await context.new_page()
    if origin == "rebound":  # its name resolves to control's address since it was loaded
        url = f"http://rebound.{FOREIGN}:{target.port}/page"

        async def serve_page(route: Route) -> None:
            await route.fulfill(body="<!doctype html><body></body>", content_type="text/html")

        await page.route("**/page", serve_page)
    else:
        host = LOOPBACK if origin == "another port" else FOREIGN
        url = f"http://{host}:{target.foreign_port}/"
    await page.goto(url)
    where: Any = page
    if origin == "none":  # a sandboxed frame, whose Origin is null
        await page.set_content('<iframe sandbox="allow-scripts allow-forms" srcdoc="<p>"></iframe>')
        where = page.frames[-1]
        await where.wait_for_load_state()
    yield where
    await page.close()


ORIGINS: Final = ("another site", "another port", "rebound", "none")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("logged_in", [False, True], ids=["nobody", "logged in"])
async def test_pages_of_others_get_nothing_and_change_nothing(
    target: Target,
    browser: Browser,
    logged_in: bool,  # noqa: FBT001 - a parameter
) -> None:
    letter = str(await target.office.died(b"an interview", 1))
    context = await browser.new_context()
    if logged_in:
        await log_in(context, target)
    before = await state(target, letter)
    for origin in ORIGINS:
        target.seen.clear()
        control = target.office.url
        if origin == "rebound":
            control = f"http://rebound.{FOREIGN}:{target.port}"
        async with foreign_page(context, target, origin) as page:
            urls = {"control": control, "service": target.service_url, "letter": letter}
            got = await page.evaluate(ATTACKS, urls)
        # An opaque answer has neither status nor text; on the rebound name problems can be read.
        readable = [one for one in got if one.get("status") or one["text"]]
        assert {one["status"] for one in readable} <= {421}, (origin, readable)
        assert "interview" not in str(got)
        assert {one.status // 100 for one in target.seen} == {4}, origin
        assert {one.method for one in target.seen} >= {"GET", "POST", "OPTIONS"} - (
            {"OPTIONS"} if origin == "rebound" else set()
        )
        assert len(target.seen) > 100, origin
        with_cookie = [one for one in target.seen if "onrecord-session" in str(one.headers)]
        # Ports of a host share its cookies, so there it is sent, and not enough.
        assert bool(with_cookie) == (logged_in and origin == "another port"), origin
        assert await state(target, letter) == before, origin
    await context.close()


@pytest.mark.timeout(120)
async def test_a_link_on_another_page_opens_nothing(target: Target, browser: Browser) -> None:
    """The window as a whole goes there, so the page gets nothing; nor does the address act."""
    letter = str(await target.office.died(b"an interview", 1))
    context = await browser.new_context()
    await log_in(context, target)
    before = await state(target, letter)
    target.seen.clear()
    paths = ("/v1/me", "/v1/letters", "/v1/session/login", "/v1/session/callback?code=x&state=y")
    for path in paths:
        async with foreign_page(context, target, "another site") as page:
            await page.evaluate("url => { location.href = url }", target.office.url + path)
            await page.wait_for_url(f"{target.office.url}/**")
            assert "admin" not in await page.content()
    answered = [(one.path, one.status) for one in target.seen if one.path.startswith("/v1")]
    assert answered == [
        ("/v1/me", 403),
        ("/v1/letters", 403),
        ("/v1/session/login", 403),
        ("/v1/session/callback", 404),  # past the guard, and there is no identity provider
    ]
    assert await state(target, letter) == before
    await context.close()


@pytest.mark.timeout(120)
async def test_a_person_logs_in_at_the_issuer(
    broker: str, fresh_database: Database, browser: Browser, tmp_path: Path
) -> None:
    """The issuer's page is of another site (localhost is not 127.0.0.1), as it is in earnest."""
    rules, secret = tmp_path / "roles.yaml", tmp_path / "secret"
    rules.write_text("- {claim: groups, value: interviewers, grants: [{role: reader}]}", "utf-8")
    secret.write_text(CLIENT_SECRET, "utf-8")
    async with serve_issuer() as issuer:
        issuer.document = {
            "authorization_endpoint": f"{issuer.url.replace(LOOPBACK, 'localhost')}/authorize"
        }
        settings = OidcSettings(
            issuer=issuer.url,
            audience=AUDIENCE,
            client_id=CLIENT_ID,
            client_secret_file=secret,
            roles_file=rules,
        )
        async with (
            open_provider(settings) as provider,
            open_office(broker, fresh_database, logins=LoginSettings(provider)) as office,
        ):
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(f"{office.url}/v1/session/login?return_to=/v1/me")
            await page.wait_for_url(f"{office.url}/v1/me")
            assert '"name":"ann (127.0.0.1)"' in await page.content()
            (cookie,) = await context.cookies()
            assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
            await context.close()
