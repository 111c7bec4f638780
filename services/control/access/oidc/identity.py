"""Who somebody is, by a signed token of the issuer."""

from __future__ import annotations

import json
import time
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from contracts.access import RoleGrant
from control.access.oidc.issuer import Issuer
from control.access.oidc.roles import RoleMapping
from control.access.rights import NotAuthenticatedError

SKEW_S: Final = 60
"""How far the issuer's clock and ours may differ, in seconds."""

MAX_TOKEN: Final = 8_000
"""Characters of a token; a header line has little more."""

LONGEST_NAME: Final = 100
"""Characters of a name in the trail."""

KEY_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "Ed25519": "OKP",
}
"""Signatures that are taken, and the key that each needs: public keys only, so neither ``none`` nor
a shared secret (HS256), for which a public key could be passed off."""

_PARTS: Final = 3
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a person as the OpenID Connect issuer states it.

    Attributes:
        issuer: who says so.
        subject: the person's id there, which stays (``sub``).
        name: what they are called there.
        grants: their roles.
        expires_at: until when the token says so, in seconds since 1970.
    """

    issuer: str
    subject: str
    name: str
    grants: tuple[RoleGrant, ...]
    expires_at: float

    @property
    def actor(self) -> str:
        """What the trail calls the person: nobody can choose a name that is a token's."""
        return f"{self.name} ({urlsplit(self.issuer).hostname})"

    @property
    def person_id(self) -> UUID:
        """Id that stands for the person where a token's id stands for a token."""
        return derive_person_id(self.issuer, self.subject)


def derive_person_id(issuer: str, subject: str) -> UUID:
    """Derive a person's UUID from the OpenID Connect issuer and subject."""
    return uuid5(NAMESPACE_URL, f"{issuer}#{subject}")


class IdentityVerifier:
    """Verifier of an OpenID Connect issuer's tokens: signature, issuer, audience and times.

    Args:
        issuer: whose tokens they have to be.
        roles: which claims give which roles.
        name_claim: what people are called by.
        now: seconds since 1970.
    """

    def __init__(
        self,
        issuer: Issuer,
        roles: RoleMapping,
        name_claim: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._roles = roles
        self._name_claim = name_claim
        self._now = now

    async def verify(self, token: str, audience: str, nonce: str | None = None) -> Identity:
        """Return who a token's bearer is.

        Args:
            token: a JWT.
            audience: whom it has to be for.
            nonce: what it has to hold, where it answers a login.

        Raises:
            NotAuthenticatedError: it is not the issuer's, not for this audience, or not valid now.
            IssuerUnavailableError: its key is not known, and the issuer does not answer.
        """
        header = _read_header(token)
        algorithm = header.get("alg")
        key_type = KEY_TYPES.get(algorithm) if isinstance(algorithm, str) else None
        key_id = header.get("kid")
        if key_type is None or not (key_id is None or isinstance(key_id, str)):
            raise NotAuthenticatedError("the token is signed in a way that is not accepted")
        if str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise NotAuthenticatedError("the token is of another kind than an access token")
        key = await self._issuer.find_key(key_id, key_type, str(algorithm))
        try:
            # Issuers add headers of their own; those that are critical have to be understood.
            registry = JWSRegistry(algorithms=[str(algorithm)], strict_check_header=False)
            claims = jwt.decode(token, key, registry=registry).claims
            self._build_registry(audience, nonce).validate(claims)
        except ExpiredTokenError as error:
            raise NotAuthenticatedError("the token has expired") from error
        except (JoseError, ValueError, TypeError) as error:
            raise NotAuthenticatedError("the token is not valid here") from error
        _require_own_party(claims, audience, is_login=nonce is not None)
        return Identity(
            issuer=self._issuer.url,
            subject=claims["sub"],
            name=_read_name(claims, self._name_claim),
            grants=self._roles.list_grants(claims),
            expires_at=float(claims["exp"]) + SKEW_S,
        )

    def _build_registry(self, audience: str, nonce: str | None) -> JWTClaimsRegistry:
        options: dict[str, Any] = {
            "iss": {"essential": True, "value": self._issuer.url},
            "aud": {"essential": True, "value": audience},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }
        if nonce is not None:
            options["nonce"] = {"essential": True, "value": nonce}
        return JWTClaimsRegistry(now=lambda: int(self._now()), leeway=SKEW_S, **options)


def looks_like_jwt(secret: str) -> bool:
    """Return whether a bearer token looks like a JWT rather than our own access token."""
    try:
        return bool(_read_header(secret))
    except NotAuthenticatedError:
        return False


def _read_header(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(token) <= MAX_TOKEN and len(parts) == _PARTS:
        try:
            header = json.loads(urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
        except (ValueError, RecursionError):
            header = None
        if isinstance(header, dict):
            return header
    raise NotAuthenticatedError("the token is no JWT")


def _require_own_party(claims: Mapping[str, Any], audience: str, *, is_login: bool) -> None:
    """Refuse an ID token that was issued to another client (OpenID Connect Core, 3.1.3.7)."""
    party = claims.get("azp")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if is_login and (party is not None or several) and party != audience:
        raise NotAuthenticatedError("the token was issued to another client")


def _read_name(claims: Mapping[str, Any], claim: str) -> str:
    """Return what a person is called, in one line that can be printed."""
    found = claims.get(claim)
    name = found if isinstance(found, str) and found.strip() else claims["sub"]
    shown = "".join("�" if unicodedata.category(one).startswith("C") else one for one in name)
    return shown.strip()[:LONGEST_NAME]
