"""An OpenID Connect issuer: its discovery document, its keys, and codes exchanged for tokens.

Keys are fetched when they are first needed and then hourly. A token signed with a key that is not
among them has them fetched again, so a rotation is noticed at once, but not more often than every
ten seconds: whoever sends tokens with made-up keys causes no more requests than that. While the
issuer is away, keys that were fetched within the last day are used.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import quote_plus

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from contracts.errors import OutageError
from control.access.oidc.settings import OidcSettings, is_secure_url
from control.access.rights import NotAuthenticatedError

log = structlog.get_logger(__name__)

PublicKey = RSAKey | ECKey | OKPKey

FRESH_S: Final = 3_600.0
"""Age from which keys are fetched again, in seconds."""

USABLE_S: Final = 86_400.0
"""Age up to which keys are used while the issuer is away, in seconds."""

PAUSE_S: Final = 10.0
"""Shortest time between two fetches of the keys, in seconds, whatever tokens ask for."""

TIMEOUT_S: Final = 5.0
"""Longest wait for the issuer, in seconds."""

MAX_BYTES: Final = 1024 * 1024
"""Most bytes of one answer of the issuer."""

MIN_RSA_BITS: Final = 2048
"""Shortest modulus of an RSA key (NIST SP 800-131A)."""

_PUBLIC: Final = ("kty", "kid", "alg", "n", "e", "crv", "x", "y")
_DISCOVERY: Final = "/.well-known/openid-configuration"
_KEY_TYPES: Final[Mapping[str, type[PublicKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class IssuerUnavailableError(OutageError):
    """Raised when the OpenID Connect issuer does not answer, or not validly (HTTP 503)."""


class CodeRefusedError(NotAuthenticatedError):
    """Raised when the OpenID Connect issuer refuses a login's authorization code."""


class IssuerMetadata(BaseModel):
    """Metadata of an OpenID Connect issuer, as far as it is used, from its discovery document."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @field_validator("jwks_uri", "authorization_endpoint", "token_endpoint")
    @classmethod
    def _is_protected(cls, url: str) -> str:
        if url and not is_secure_url(url):
            raise ValueError("is no https URL")
        return url


class Issuer:
    """Client of an OpenID Connect issuer, which caches its discovery document and its keys.

    Args:
        url: the issuer, as its tokens have it.
        client: asks it.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        url: str,
        client: httpx2.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._client = client
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._tried_at = self._fetched_at = float("-inf")
        self._metadata: IssuerMetadata | None = None
        self._keys: tuple[PublicKey, ...] = ()

    async def metadata(self) -> IssuerMetadata:
        """Return the discovery document.

        Raises:
            IssuerUnavailableError: the issuer does not answer, and did not within the last day.
        """
        await self._refresh_old()
        assert self._metadata is not None, "it was fetched"
        return self._metadata

    async def find_key(self, key_id: str | None, key_type: str, algorithm: str) -> PublicKey:
        """Return the key that a token says it is signed with.

        Args:
            key_id: the token's ``kid``; None fits only where one key is of the type.
            key_type: the key's type (``kty``).
            algorithm: the token's ``alg``; a key that names another one does not fit.

        Raises:
            NotAuthenticatedError: the issuer has no such key.
            IssuerUnavailableError: it does not answer, so nobody knows.
        """
        await self._refresh_old()
        key = self._pick(key_id, key_type, algorithm)
        if key is None:
            await self._refresh(PAUSE_S)
            key = self._pick(key_id, key_type, algorithm)
        if key is None:
            raise NotAuthenticatedError("the token is signed with a key that its issuer has not")
        return key

    async def redeem_code(
        self, form: Mapping[str, str], client_id: str, client_secret: str
    ) -> dict[str, Any]:
        """Exchange an authorization code for tokens (RFC 6749, section 4.1.3).

        Args:
            form: of the request, without the client.
            client_id: who asks.
            client_secret: proves it; empty for a public client.

        Raises:
            CodeRefusedError: the issuer gives none.
            IssuerUnavailableError: it does not answer.
        """
        metadata = await self.metadata()
        data = {**form, "client_id": client_id}
        options: dict[str, Any] = {"data": data}
        if client_secret and "client_secret_basic" in (
            metadata.token_endpoint_auth_methods_supported
        ):
            # RFC 6749, section 2.3.1: both are encoded as in a form first.
            login = (quote_plus(client_id), quote_plus(client_secret))
            options["auth"] = httpx2.BasicAuth(*login)
        elif client_secret:
            data["client_secret"] = client_secret
        status, body = await self._ask("POST", metadata.token_endpoint, **options)
        if 400 <= status < 500:  # noqa: PLR2004 - the client's errors
            raise CodeRefusedError("the identity provider refused the login; begin again")
        if status != httpx2.codes.OK:
            raise IssuerUnavailableError(f"the token endpoint answered {status}")
        return _parse_object(body)

    async def _refresh_old(self) -> None:
        """Fetch keys that are old; while the issuer is away or asked, those of a day will do."""
        age = self._clock() - self._fetched_at
        if age < FRESH_S or (age < USABLE_S and self._fetching.locked()):
            return
        try:
            await self._refresh(FRESH_S)
        except IssuerUnavailableError as error:
            if self._clock() - self._fetched_at >= USABLE_S:
                raise
            log.warning("issuer_away", issuer=self.url, reason=str(error))

    async def _refresh(self, older_than_s: float) -> None:
        """Fetch discovery document and keys unless they are younger than that.

        Raises:
            IssuerUnavailableError: the issuer does not answer, or did not a moment ago.
        """
        async with self._fetching:
            now = self._clock()
            if now - self._fetched_at < older_than_s:
                return
            if now - self._tried_at < PAUSE_S:
                raise IssuerUnavailableError("the issuer was away a moment ago")
            self._tried_at = now
            metadata = await self._fetch_metadata()
            self._keys = await self._fetch_keys(metadata.jwks_uri)
            self._metadata, self._fetched_at = metadata, self._clock()

    async def _fetch_metadata(self) -> IssuerMetadata:
        found = await self._get(self.url.rstrip("/") + _DISCOVERY)
        try:
            metadata = IssuerMetadata.model_validate(found)
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"]))
            raise IssuerUnavailableError(f"the discovery document has no valid {place}") from error
        if metadata.issuer != self.url:
            raise IssuerUnavailableError("the discovery document is another issuer's")
        return metadata

    async def _fetch_keys(self, url: str) -> tuple[PublicKey, ...]:
        found = (await self._get(url)).get("keys")
        listed = found if isinstance(found, list) else []
        return tuple(key for one in listed if (key := _import_key(one)) is not None)

    async def _get(self, url: str) -> dict[str, Any]:
        status, body = await self._ask("GET", url)
        if status != httpx2.codes.OK:
            raise IssuerUnavailableError(f"{url} answered {status}")
        return _parse_object(body)

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        body = bytearray()
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream(method, url, headers=headers, **options) as answer,
            ):
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MAX_BYTES:
                        raise IssuerUnavailableError(f"{url} answered with too much")
        except (httpx2.RequestError, httpx2.InvalidURL, OSError) as error:  # TimeoutError too
            raise IssuerUnavailableError(f"{url}: {type(error).__name__}") from error
        return answer.status_code, bytes(body)

    def _pick(self, key_id: str | None, key_type: str, algorithm: str) -> PublicKey | None:
        fitting = [
            key
            for key in self._keys
            if key.key_type == key_type and key.get("alg") in {None, algorithm}
        ]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.get("kid") == key_id), None)


@asynccontextmanager
async def open_issuer_client(settings: OidcSettings) -> AsyncIterator[Issuer]:
    """Open an HTTP client of an OpenID Connect issuer, for the duration of the context."""
    context = settings.tls().context()
    async with httpx2.AsyncClient(timeout=TIMEOUT_S, verify=context) as client:
        yield Issuer(settings.issuer, client)


def _import_key(data: Any) -> PublicKey | None:
    """Return a key that signatures can be checked with; None for any other, and for weak ones."""
    if not isinstance(data, dict) or data.get("use", "sig") != "sig":
        return None
    kind = _KEY_TYPES.get(str(data.get("kty")))
    if kind is None or (kind is RSAKey and _count_bits(data.get("n")) < MIN_RSA_BITS):
        return None  # a symmetric key (oct) above all
    public = {name: data[name] for name in _PUBLIC if name in data}
    with suppress(JoseError, ValueError, TypeError, KeyError):
        return kind.import_key(public)
    return None


def _count_bits(number: Any) -> int:
    """Return how many bits a number has that is base64url, as in a JWK; 0 for anything else."""
    try:
        digits = urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except (ValueError, TypeError):
        return 0
    return int.from_bytes(digits).bit_length()


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IssuerUnavailableError("the issuer's answer is no JSON") from error
    if not isinstance(found, dict):
        raise IssuerUnavailableError("the issuer's answer is no JSON object")
    return found
