"""People of an OpenID Connect issuer at control: with access tokens, and in a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from contracts.topics import TRANSCRIPTS_SUBMITTED
from control.access.oidc import OidcSettings, derive_person_id, open_provider
from control.api import LoginSettings
from database.pool import Database
from ingestion.registry import StudyRegistry
from support.control_office import Office, open_office
from support.http_client import http_client
from support.oidc_issuer import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    OidcIssuer,
    make_key,
    serve_issuer,
)

RULES: Final = """
- {claim: groups, value: research, grants: [{role: researcher}]}
- {claim: groups, value: admins, grants: [{role: admin}]}
- {claim: groups, value: interviewers, grants: [{role: reader}]}
- {claim: groups, value: operations, grants: [{role: operator}]}
"""
CALLBACK: Final = "/v1/session/callback"
FROM_ISSUER: Final = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
"""What a browser says of a page to which another site's has sent it."""

OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def issuer() -> AsyncIterator[OidcIssuer]:
    async with serve_issuer() as served:
        yield served


@pytest.fixture
async def office(
    broker: str, fresh_database: Database, issuer: OidcIssuer, tmp_path: Path
) -> AsyncIterator[Office]:
    rules, secret = tmp_path / "roles.yaml", tmp_path / "secret"
    rules.write_text(RULES, "utf-8")
    secret.write_text(CLIENT_SECRET, "utf-8")
    settings = OidcSettings(
        issuer=issuer.url,
        audience=AUDIENCE,
        client_id=CLIENT_ID,
        client_secret_file=secret,
        roles_file=rules,
    )
    async with (
        open_provider(settings) as provider,
        open_office(broker, fresh_database, logins=LoginSettings(provider)) as opened,
    ):
        opened.client.headers.pop("Authorization")
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as opened:
        yield opened


async def bear(office: Office, method: str, path: str, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await office.client.request(method, f"{office.url}/v1{path}", headers=headers)


async def begin(office: Office, client: httpx2.AsyncClient, return_to: str = "/") -> str:
    """Where the issuer sends the browser back to, with a code."""
    params = {"return_to": return_to}
    started = await client.get(f"{office.url}/v1/session/login", params=params)
    assert started.status_code == 303, started.text
    sent = await client.get(started.headers["location"])
    assert sent.status_code == 302
    return str(sent.headers["location"])


async def actions(office: Office) -> list[tuple[str, str, str]]:
    page = await office.context.trail.page()
    return [(one.actor, one.action, str(one.token_id)) for one in reversed(page.entries)]


async def test_an_access_token_of_the_issuer_has_the_roles_of_its_claims(
    office: Office, issuer: OidcIssuer
) -> None:
    token = issuer.access_token()
    me = await bear(office, "GET", "/me", token)
    assert (me.status_code, me.json()["name"]) == (200, "ann (127.0.0.1)")
    assert me.json()["grants"] == [{"role": "reader", "study_id": None}]
    assert (await bear(office, "GET", "/studies", token)).status_code == 200
    refused = await bear(office, "POST", "/letters/replay", token)
    assert (refused.status_code, await actions(office)) == (403, [])


async def test_the_trail_names_the_person(office: Office, issuer: OidcIssuer) -> None:
    token = issuer.access_token(groups=["operations"], sub="u-18", preferred_username="ben")
    assert (await bear(office, "POST", "/letters/replay", token)).status_code == 200
    person_id = (await bear(office, "GET", "/me", token)).json()["token_id"]
    assert await actions(office) == [("ben (127.0.0.1)", "letters.replay", person_id)]


async def test_a_person_is_one_producer_with_a_token_and_in_a_browser_under_any_name(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient, fresh_database: Database
) -> None:
    study = {"study_id": "repairs", "name": "Repairs", "themes": [{"id": "tools", "name": "Tools"}]}
    admin = {"Authorization": f"Bearer {issuer.access_token(groups=['admins'], sub='u-1')}"}
    registered = await client.post(f"{office.url}/v1/studies", json=study, headers=admin)
    assert registered.status_code == 201, registered.text
    interview = {"source": "a.txt", "title": "A", "study_id": "repairs", "content": "Ada: b"}
    submit = f"{office.url}/v1/transcripts"
    for claims in (
        {},
        {"preferred_username": "ann smith"},
        {"sub": "u-66"},  # another ann
    ):
        token = issuer.access_token(groups=["research"], **claims)
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await client.post(submit, json=interview, headers=bearer)).status_code == 202
    issuer.id_token_claims = {"groups": ["research"]}
    await client.get(await begin(office, client), headers=FROM_ISSUER)
    here = (await client.get(f"{office.url}/v1/session", headers=OWN_PAGE)).json()
    in_browser = {**OWN_PAGE, "Onrecord-CSRF-Token": here["csrf_token"]}
    assert (await client.post(submit, json=interview, headers=in_browser)).status_code == 202
    registry = StudyRegistry(fresh_database, is_open=False, cache_s=0)
    records = await office.bench.records(TRANSCRIPTS_SUBMITTED.name, 4)
    ann, another = (
        f"person:{derive_person_id(issuer.url, subject)}" for subject in ("u-17", "u-66")
    )
    producers = sorted([await registry.identify_producer(record) for record in records])
    assert producers == sorted([ann, ann, another, ann])


async def test_a_person_makes_tokens_without_a_key(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient, fresh_database: Database
) -> None:
    """A person's own access token is renewed, so no secret can be derived from it again."""
    token = issuer.access_token(groups=["admins"])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    wanted = {"name": "another", "grants": [{"role": "reader"}]}
    url = f"{office.url}/v1/tokens"
    refused = await client.post(url, json=wanted, headers=headers)
    assert (refused.status_code, "Idempotency-Key" in refused.json()["detail"]) == (400, True)
    assert [one.name for one in await office.context.tokens.list_tokens()] == ["admin"]
    assert await fresh_database.fetchval("SELECT count(*) FROM idempotent_requests") == 0
    del headers["Idempotency-Key"]
    assert (await client.post(url, json=wanted, headers=headers)).status_code == 201


async def test_nobody_is_called_as_a_token_is(office: Office, issuer: OidcIssuer) -> None:
    """People choose their names themselves at many issuers."""
    token = issuer.access_token(preferred_username="admin", groups=["operations"])
    assert (await bear(office, "POST", "/letters/replay", token)).status_code == 200
    assert [actor for actor, _, _ in await actions(office)] == ["admin (127.0.0.1)"]


async def test_a_person_without_roles_may_do_nothing(office: Office, issuer: OidcIssuer) -> None:
    token = issuer.access_token(groups=None)
    assert (await bear(office, "GET", "/me", token)).json()["grants"] == []
    assert (await bear(office, "GET", "/studies", token)).json()["studies"] == []
    for method, path in (("GET", "/letters"), ("GET", "/tokens"), ("GET", "/studies/x/notes")):
        assert (await bear(office, method, path, token)).status_code == 403


async def test_tokens_that_are_not_for_the_api_are_refused(
    office: Office, issuer: OidcIssuer
) -> None:
    """Among them ID tokens, which control itself is sent at a login."""
    for claims in ({"aud": CLIENT_ID}, {"iss": "https://attacker.example"}, {"exp": 1}):
        answer = await bear(office, "GET", "/me", issuer.access_token(**claims))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_without_the_issuer_nobody_knows_and_tokens_of_control_go_on(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient
) -> None:
    issuer.is_away = True
    for answer in (
        await bear(office, "GET", "/me", issuer.access_token()),
        await client.get(f"{office.url}/v1/session/login"),
    ):
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
        assert "identity provider" in answer.json()["detail"]
        assert "set-cookie" not in answer.headers
    assert (await bear(office, "GET", "/me", "onrecord_unknown")).status_code == 401


async def test_a_person_logs_in_in_a_browser(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient
) -> None:
    back = await begin(office, client, "/console?study=a&b=<c>")
    done = await client.get(back, headers=FROM_ISSUER)
    assert (done.status_code, done.headers["cache-control"]) == (200, "no-store")
    assert 'content="0;url=/console?study=a&amp;b=&lt;c&gt;"' in done.text
    assert "default-src 'none'" in done.headers["content-security-policy"]
    (cookie,) = list(client.cookies.jar)  # that of the login is gone
    assert cookie.name.startswith("onrecord-session-")
    here = (await client.get(f"{office.url}/v1/session", headers=OWN_PAGE)).json()
    assert (here["name"], here["grants"]) == (
        "ann (127.0.0.1)",
        [{"role": "reader", "study_id": None}],
    )
    me = (await client.get(f"{office.url}/v1/me", headers=OWN_PAGE)).json()
    assert await actions(office) == [("ann (127.0.0.1)", "session.open", me["token_id"])]
    as_bearer = await bear(office, "GET", "/me", issuer.access_token())
    assert as_bearer.json()["token_id"] == me["token_id"]  # the same person
    (listed,) = await office.context.sessions.list_sessions()
    assert (listed.issuer, listed.subject, listed.token_id) == (issuer.url, "u-17", None)
    headers = {**OWN_PAGE, "Onrecord-CSRF-Token": here["csrf_token"]}
    closed = await client.delete(f"{office.url}/v1/session", headers=headers)
    assert closed.status_code == 204
    assert (await client.get(f"{office.url}/v1/me", headers=OWN_PAGE)).status_code == 401


async def test_the_issuers_page_may_send_the_browser_back_and_nothing_else(
    office: Office, client: httpx2.AsyncClient
) -> None:
    back = await begin(office, client)
    for changed in (
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Origin": "https://attacker.example"},
        {"Host": "attacker.example"},
    ):
        answer = await client.get(back, headers={**FROM_ISSUER, **changed})
        assert answer.status_code in {403, 421}, changed
    for path in ("/v1/me", "/v1/session", "/v1/session/login"):
        answer = await client.get(f"{office.url}{path}", headers=FROM_ISSUER)
        assert answer.status_code == 403, path
    assert (await client.get(back, headers=FROM_ISSUER)).status_code == 200


async def test_a_login_ends_in_the_browser_in_which_it_began(
    office: Office, client: httpx2.AsyncClient
) -> None:
    """Or somebody could be logged in as the attacker by a link (login CSRF)."""
    back = await begin(office, client)
    async with http_client() as other:
        for _ in range(2):
            answer = await other.get(back, headers=FROM_ISSUER)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
            await begin(office, other)  # it has a login of its own, and that is another one
    assert await office.context.sessions.list_sessions() == []
    assert (await client.get(back, headers=FROM_ISSUER)).status_code == 200
    again = await client.get(back, headers=FROM_ISSUER)  # a code counts once
    assert again.status_code == 403
    assert len(await office.context.sessions.list_sessions()) == 1


async def test_an_answer_that_was_changed_is_refused(
    office: Office, client: httpx2.AsyncClient
) -> None:
    back = urlsplit(await begin(office, client))
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    for changed in (
        {"state": "x"},
        {"state": ""},
        {"code": "made up"},
        {"code": ""},
        {"iss": "https://attacker.example"},
        {"error": "access_denied"},
    ):
        answer = await client.get(
            f"{office.url}{CALLBACK}", params={**query, **changed}, headers=FROM_ISSUER
        )
        assert answer.status_code in {401, 403}, changed
        assert "onrecord-session" not in answer.headers.get("set-cookie", "")
    assert await actions(office) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": AUDIENCE},
        {"aud": [CLIENT_ID, "another"]},
        {"azp": "another"},
        {"exp": 1},
        {"iss": "https://attacker.example"},
        {"sub": None},
    ],
    ids=str,
)
async def test_an_id_token_that_does_not_answer_this_login_is_refused(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient, claims: dict[str, Any]
) -> None:
    issuer.id_token_claims = claims
    back = await begin(office, client)
    answer = await client.get(back, headers=FROM_ISSUER)
    assert (answer.status_code, await actions(office)) == (401, [])


async def test_a_code_is_of_use_only_with_what_the_browser_keeps(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient
) -> None:
    """The issuer refuses it without the verifier (PKCE), whoever has read the address."""
    back = await begin(office, client)
    (code,) = parse_qs(urlsplit(back).query)["code"]
    issuer.codes[code].challenge = "of another login"
    answer = await client.get(back, headers=FROM_ISSUER)
    assert (answer.status_code, await actions(office)) == (401, [])


@pytest.mark.parametrize(
    "return_to",
    [
        "https://attacker.example",
        "//attacker.example",
        "/\\attacker.example",
        "javascript:alert(1)",
        "console",
        "",
        "/a\nb",
        "/" + "x" * 1_000,
    ],
)
async def test_a_login_goes_on_at_control_alone(
    office: Office, client: httpx2.AsyncClient, return_to: str
) -> None:
    params = {"return_to": return_to}
    answer = await client.get(f"{office.url}/v1/session/login", params=params)
    assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)
    back = await begin(office, client)
    (cookie,) = list(client.cookies.jar)
    assert cookie.value is not None
    cookie.value = (
        cookie.value.partition(".")[0] + ".Ly9hdHRhY2tlci5leGFtcGxl"
    )  # //attacker.example
    assert (await client.get(back, headers=FROM_ISSUER)).status_code == 403


async def test_keys_rotated_between_two_logins_are_noticed(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient
) -> None:
    provider = office.context.logins.provider
    assert provider is not None
    assert (await bear(office, "GET", "/me", issuer.access_token())).status_code == 200
    issuer.keys = [make_key("ES256")]
    provider._issuer._clock = lambda: 10.0 + provider._issuer._fetched_at
    done = await client.get(await begin(office, client), headers=FROM_ISSUER)
    assert done.status_code == 200


async def test_without_an_issuer_there_is_no_login(
    broker: str, fresh_database: Database, client: httpx2.AsyncClient, issuer: OidcIssuer
) -> None:
    async with open_office(broker, fresh_database) as plain:
        for path in ("login", "callback?code=x&state=y"):
            answer = await client.get(f"{plain.url}/v1/session/{path}")
            assert answer.status_code == 404
        assert (await bear(plain, "GET", "/me", issuer.access_token())).status_code == 401


async def test_a_flood_of_made_up_answers_reaches_the_issuer_a_few_times_only(
    office: Office, issuer: OidcIssuer, client: httpx2.AsyncClient
) -> None:
    """Anybody can begin a login, and so answer it with codes that are none."""
    back = urlsplit(await begin(office, client))
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | {"code": "none"}
    url = f"{office.url}{CALLBACK}"
    statuses = Counter(
        [(await client.get(url, params=query, headers=FROM_ISSUER)).status_code for _ in range(60)]
    )
    assert statuses.keys() == {401, 429}, statuses
    assert issuer.asked["/token"] == statuses[401]
    assert statuses[401] < 30, statuses
