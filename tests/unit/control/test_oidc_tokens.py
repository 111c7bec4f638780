"""Access tokens of an OpenID Connect issuer: which count, and what happens to its keys."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey
from structlog.testing import capture_logs

from contracts.access import Role, RoleGrant
from control.access.oidc import (
    Identity,
    IdentityVerifier,
    Issuer,
    IssuerUnavailableError,
    looks_like_jwt,
)
from control.access.oidc import issuer as issuer_module
from control.access.oidc.issuer import FRESH_S, PAUSE_S, USABLE_S
from control.access.oidc.roles import RoleMapping, RoleRule
from control.access.rights import NotAuthenticatedError
from support.http_client import http_client
from support.oidc_issuer import AUDIENCE, CLIENT_ID, OidcIssuer, make_key, serve_issuer

READER = RoleGrant(role=Role.READER, study_id="small-repair-shops")
ROLES = RoleMapping((RoleRule(claim="groups", value="interviewers", grants=(READER,)),))


class Verifying:
    """A verifier of an issuer's tokens, and the clock of its keys."""

    def __init__(self, issuer: OidcIssuer, client: httpx2.AsyncClient) -> None:
        self.issuer = issuer
        self.at = 0.0
        asks = Issuer(issuer.url, client, clock=lambda: self.at)
        self.verifier = IdentityVerifier(asks, ROLES, "preferred_username")

    async def __call__(self, token: str | None = None, audience: str = AUDIENCE) -> Identity:
        return await self.verifier.verify(token or self.issuer.access_token(), audience)

    @property
    def fetches(self) -> int:
        return self.issuer.asked.get("/keys", 0)


@pytest.fixture
async def verify() -> AsyncIterator[Verifying]:
    async with serve_issuer() as issuer, http_client() as client:
        yield Verifying(issuer, client)


async def test_a_token_says_who_somebody_is_and_gives_roles(verify: Verifying) -> None:
    person = await verify()
    assert (person.issuer, person.subject, person.name) == (verify.issuer.url, "u-17", "ann")
    assert person.grants == (READER,)
    assert person.person_id == (await verify()).person_id
    other = await verify(verify.issuer.access_token(sub="u-18", groups="interviewers"))
    assert (other.grants, other.person_id != person.person_id) == ((READER,), True)
    stranger = await verify(verify.issuer.access_token(groups=["others"]))
    assert stranger.grants == ()
    assert verify.fetches == 1


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "Ed25519"])
async def test_signatures_by_public_keys_are_taken(verify: Verifying, algorithm: str) -> None:
    verify.issuer.keys = [make_key(algorithm)]
    assert (await verify()).name == "ann"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": None}, "u-17"),
        ({"preferred_username": "  "}, "u-17"),
        ({"preferred_username": ["ann"]}, "u-17"),
        ({"preferred_username": "a\x1b[31mn\u202en"}, "a�[31mn�n"),
        ({"preferred_username": "x" * 500}, "x" * 100),
    ],
)
async def test_a_name_is_one_line_that_can_be_printed(
    verify: Verifying, claims: dict[str, Any], name: str
) -> None:
    assert (await verify(verify.issuer.access_token(**claims))).name == name


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"aud": "another"},
    {"aud": ["another", "third"]},
    {"aud": CLIENT_ID},
    {"aud": None},
    {"aud": ""},
    {"aud": {"onrecord-api": 1}},
    {"iss": "https://attacker.example"},
    {"iss": None},
    {"iss": ["x"]},
    {"exp": 1},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": True},
    {"nbf": 10**11},
    {"iat": 10**11},
    {"sub": None},
    {"sub": 17},
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=str)
async def test_a_token_that_is_for_others_or_not_valid_now_is_refused(
    verify: Verifying, claims: dict[str, Any]
) -> None:
    with pytest.raises(NotAuthenticatedError):
        await verify(verify.issuer.access_token(**claims))


async def test_a_token_that_expired_more_than_a_minute_ago_is_refused(verify: Verifying) -> None:
    for claims in ({"exp": int(time.time()) - 61}, {"nbf": int(time.time()) + 90}):
        with pytest.raises(NotAuthenticatedError):
            await verify(verify.issuer.access_token(**claims))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -30), ("nbf", 30), ("iat", 30)])
async def test_clocks_may_differ_by_a_minute(verify: Verifying, claim: str, seconds: int) -> None:
    token = verify.issuer.access_token(**{claim: int(time.time()) + seconds})
    assert (await verify(token)).name == "ann"


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(token: str, algorithm: str) -> str:
    """The same claims, without a signature."""
    header = encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    return f"{header}.{token.split('.')[1]}."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
async def test_a_token_without_a_signature_is_refused(verify: Verifying, algorithm: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        await verify(unsigned(verify.issuer.access_token(), algorithm))


async def test_a_public_key_is_no_shared_secret(verify: Verifying) -> None:
    """Algorithm confusion: what everybody knows, used as the secret of an HMAC."""
    key = verify.issuer.keys[0]
    _, claims, _ = verify.issuer.access_token().split(".")
    known = [
        key.as_bytes("PEM", private=False),
        key.as_bytes("DER", private=False),
        str(key.as_dict(private=False)["n"]).encode(),
    ]
    for secret in known:
        head = encode(json.dumps({"alg": "HS256", "kid": key.get("kid")}).encode())
        signed = f"{head}.{claims}"
        forged = encode(hmac.digest(secret, signed.encode(), "sha256"))
        with pytest.raises(NotAuthenticatedError):
            await verify(f"{signed}.{forged}")


async def test_keys_of_others_are_refused(verify: Verifying) -> None:
    issuer, own = verify.issuer, verify.issuer.keys[0]
    forged = make_key(kid=own.get("kid"))
    with pytest.raises(NotAuthenticatedError):
        await verify(issuer.access_token(key=forged))
    # A key that the token itself brings along, by value or by address.
    for header in (
        {"jwk": forged.as_dict(private=False)},
        {"jku": "https://attacker.example/keys"},
    ):
        with pytest.raises(NotAuthenticatedError):
            await verify(issuer.access_token(key=forged, header=header))
    assert verify.fetches == 1


async def test_a_key_signs_by_its_own_algorithm_only(verify: Verifying) -> None:
    key = verify.issuer.keys[0]
    free = RSAKey.import_key({**key.as_dict(private=True), "alg": "PS256"})
    token = verify.issuer.access_token(key=free)
    with pytest.raises(NotAuthenticatedError):
        await verify(token)


async def test_a_token_without_a_key_id_fits_the_only_key(verify: Verifying) -> None:
    token = verify.issuer.access_token(header={"kid": None})
    assert (await verify(token)).name == "ann"
    verify.issuer.keys.append(make_key())
    verify.at += FRESH_S
    with pytest.raises(NotAuthenticatedError):
        await verify(token)


@pytest.mark.parametrize(
    "header", [{"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"crit": ["b64"], "b64": False}]
)
async def test_other_kinds_of_signed_messages_are_no_access_tokens(
    verify: Verifying, header: dict[str, Any]
) -> None:
    with pytest.raises(NotAuthenticatedError):
        await verify(verify.issuer.access_token(header=header))


@pytest.mark.parametrize(
    "token",
    ["x.y.z", "..", "a.b", "e30.e30.", "x" * 9_000, "[" * 5_000 + ".x.y", "\xe9.\xe9.\xe9"],
)
async def test_what_is_no_jwt_is_refused_and_asks_nobody(verify: Verifying, token: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        await verify(token)
    assert verify.fetches == 0


def test_a_token_of_ours_is_no_jwt() -> None:
    assert not looks_like_jwt("onrecord_" + "x" * 43)
    assert not looks_like_jwt("a.token.of-three-parts-that-somebody-mounted")
    assert looks_like_jwt("eyJhbGciOiJSUzI1NiJ9.e30.x")


async def test_keys_that_are_rotated_are_noticed(verify: Verifying) -> None:
    issuer, old = verify.issuer, verify.issuer.keys[0]
    await verify()
    issuer.keys = [make_key(), old]  # the new one signs, the old one is still published
    verify.at += PAUSE_S
    assert (await verify()).name == "ann"
    assert (await verify(issuer.access_token(key=old))).name == "ann"
    assert verify.fetches == 2
    del issuer.keys[1]
    verify.at += FRESH_S
    assert (await verify()).name == "ann"
    with pytest.raises(NotAuthenticatedError):
        await verify(issuer.access_token(key=old))


async def test_a_flood_of_unknown_keys_is_no_flood_for_the_issuer(verify: Verifying) -> None:
    await verify()
    made_up = make_key()
    tokens = [
        verify.issuer.access_token(key=made_up, header={"kid": f"made up {number}"})
        for number in range(200)
    ]
    for round_ in range(1, 4):
        verify.at += PAUSE_S
        answers = await asyncio.gather(*map(verify, tokens), return_exceptions=True)
        assert {type(one) for one in answers} == {NotAuthenticatedError}
        assert (await verify()).name == "ann"  # who has a token is served meanwhile
        assert verify.fetches == 1 + round_


async def test_many_who_come_at_once_have_the_keys_fetched_once(verify: Verifying) -> None:
    token = verify.issuer.access_token()
    people = await asyncio.gather(*(verify(token) for _ in range(100)))
    assert {one.name for one in people} == {"ann"}
    assert (verify.fetches, sum(verify.issuer.asked.values())) == (1, 2)


async def test_while_the_issuer_is_away_the_keys_of_a_day_are_used(verify: Verifying) -> None:
    await verify()
    verify.issuer.is_away = True
    verify.at += USABLE_S - 1
    with capture_logs() as logs:
        assert (await verify()).name == "ann"
    assert [one["event"] for one in logs] == ["issuer_away"]
    with pytest.raises(IssuerUnavailableError):
        await verify(verify.issuer.access_token(key=make_key()))  # nobody knows whether it is one
    verify.at += PAUSE_S
    with pytest.raises(IssuerUnavailableError):
        await verify()
    verify.issuer.is_away = False
    with pytest.raises(IssuerUnavailableError):  # it is not asked all the time
        await verify()
    verify.at += PAUSE_S
    assert (await verify()).name == "ann"


async def test_an_issuer_that_was_never_reached_is_away(verify: Verifying) -> None:
    verify.issuer.is_away = True
    token = verify.issuer.access_token()
    answers = await asyncio.gather(*(verify(token) for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in answers} == {IssuerUnavailableError}
    assert sum(verify.issuer.asked.values()) == 1


async def test_an_issuer_that_hangs_is_away(
    verify: Verifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_module, "TIMEOUT_S", 0.05)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server, http_client() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        silent = IdentityVerifier(Issuer(url, client), ROLES, "sub")
        with pytest.raises(IssuerUnavailableError):
            await silent.verify(verify.issuer.access_token(), AUDIENCE)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://attacker.example"},
        {"issuer": None},
        {"jwks_uri": "http://attacker.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"token_endpoint": "http://attacker.example/token"},
        {"padding": "x" * 2_000_000},
    ],
    ids=lambda document: str(document)[:50],
)
async def test_a_discovery_document_of_another_is_not_believed(
    verify: Verifying, document: dict[str, Any]
) -> None:
    verify.issuer.document = document
    with pytest.raises(IssuerUnavailableError):
        await verify()
    assert verify.fetches == 0


async def test_keys_that_cannot_check_a_signature_are_left_out(verify: Verifying) -> None:
    """A shared secret, a short key, one for encryption, a broken one, one of a new kind."""
    own = verify.issuer.keys[0].as_dict(private=False)
    with pytest.warns(SecurityWarning):
        short = RSAKey.generate_key(1024, {"kid": "short", "alg": "RS256"}, private=True)
    other_use = make_key()
    verify.issuer.published = {
        "keys": [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
            short.as_dict(private=False),
            {**other_use.as_dict(private=False), "use": "enc"},
            {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off the curve"},
            {"kty": "AKP", "kid": "new"},
            *("text", None, {}),
            own,
        ]
    }
    assert (await verify()).name == "ann"
    for key in (short, other_use):
        with pytest.raises(NotAuthenticatedError):
            await verify(verify.issuer.access_token(key=key))


@pytest.mark.parametrize("published", [{}, {"keys": 7}, {"keys": []}, [], "keys"])
async def test_an_issuer_without_keys_signs_nothing(verify: Verifying, published: Any) -> None:
    verify.issuer.published = published
    with pytest.raises((NotAuthenticatedError, IssuerUnavailableError)):
        await verify()


async def test_a_curve_that_does_not_fit_its_algorithm_is_refused(verify: Verifying) -> None:
    key = ECKey.generate_key("P-384", {"kid": "k", "use": "sig"})
    verify.issuer.keys = [key]
    token = verify.issuer.access_token(key=key, header={"alg": "ES384"})
    assert (await verify(token)).name == "ann"
    head, claims, signature = token.split(".")
    header = encode(b'{"alg": "ES256", "kid": "k"}')
    assert head != header
    with pytest.raises(NotAuthenticatedError):
        await verify(f"{header}.{claims}.{signature}")
