"""A small OpenID Connect issuer: discovery, keys, authorization with PKCE, tokens. It is strict."""

from __future__ import annotations

import hashlib
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

import asgi_server

CLIENT_ID: Final = "control"
CLIENT_SECRET: Final = "what only control knows: 100 % &=+"
AUDIENCE: Final = "onrecord-api"

SigningKey = RSAKey | ECKey | OKPKey


def make_key(algorithm: str = "RS256", **more: Any) -> SigningKey:
    """A private key that signs by an algorithm, with an id."""
    parameters: Any = {"kid": str(uuid4()), "alg": algorithm, "use": "sig", **more}
    if algorithm.startswith("ES"):
        return ECKey.generate_key("P-256", parameters)
    if algorithm == "Ed25519":
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


@dataclass
class Grant:
    """A code that was issued, and to what it is bound."""

    redirect_uri: str
    challenge: str
    nonce: str


class OidcIssuer:
    """An issuer whose keys, claims and availability a test changes.

    Attributes:
        person: claims of whoever logs in.
        keys: that it signs with (the first), and publishes.
        is_away: it answers 503.
        asked: how often each path was asked for.
        document: changes to its discovery document.
        published: what it publishes in place of its keys, if set.
        id_token_claims: changes to its ID tokens.
    """

    def __init__(self) -> None:
        self.url = ""
        self.person: dict[str, Any] = {
            "sub": "u-17",
            "preferred_username": "ann",
            "groups": ["interviewers"],
        }
        self.keys: list[SigningKey] = [make_key()]
        self.is_away = False
        self.asked: dict[str, int] = {}
        self.document: dict[str, Any] = {}
        self.published: Any = None
        self.id_token_claims: dict[str, Any] = {}
        self.codes: dict[str, Grant] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        self.asked[path] = self.asked.get(path, 0) + 1
        app: Any = Response(status_code=503) if self.is_away else self._app
        await app(scope, receive, send)

    @property
    def _app(self) -> Any:
        return asgi_server.create_application(
            [
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def access_token(self, *, key: Any = None, header: Any = None, **claims: Any) -> str:
        """An access token for the API; a claim that is None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        wanted = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            **self.person,
            **claims,
        }
        head = {"alg": key.get("alg"), "kid": key.get("kid"), "typ": "at+jwt", **(header or {})}
        return sign(head, wanted, key)

    async def _discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                **self.document,
            }
        )

    async def _keys(self, _: Request) -> Response:
        listed = [key.as_dict(private=False) for key in self.keys]
        return JSONResponse({"keys": listed} if self.published is None else self.published)

    async def _authorize(self, request: Request) -> Response:
        """Log the person in at once, as an issuer does that knows them already."""
        asked = request.query_params
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert (asked["code_challenge_method"], "openid" in asked["scope"]) == ("S256", True)
        code = str(uuid4())
        self.codes[code] = Grant(asked["redirect_uri"], asked["code_challenge"], asked["nonce"])
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 302)

    async def _token(self, request: Request) -> Response:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        _, _, login = request.headers.get("authorization", "").partition(" ")
        if unquote_plus(b64decode(login).decode()) != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self.codes.pop(form.get("code", ""), None)  # a code counts once
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if grant is None or (grant.challenge, grant.redirect_uri) != (
            challenge,
            form.get("redirect_uri"),
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {"aud": CLIENT_ID, "nonce": grant.nonce, **self.id_token_claims}
        token = self.access_token(header={"typ": "JWT"}, **claims)
        return JSONResponse({"token_type": "Bearer", "access_token": "x", "id_token": token})


def sign(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    """A JWT with what is not None, signed by whatever algorithm its header names."""
    head = {name: value for name, value in header.items() if value is not None}
    body = {name: value for name, value in claims.items() if value is not None}
    registry = JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    return jwt.encode(head, body, key, registry=registry)


@asynccontextmanager
async def serve_issuer() -> AsyncIterator[OidcIssuer]:
    """Serve an issuer on loopback."""
    issuer = OidcIssuer()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await issuer(scope, receive, send)

    async with asgi_server.serve(answer, host="127.0.0.1", port=0) as port:
        issuer.url = f"http://127.0.0.1:{port}"
        yield issuer
