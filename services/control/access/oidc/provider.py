"""What control uses of an OpenID Connect issuer, built from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from control.access.oidc.identity import Identity, IdentityVerifier
from control.access.oidc.issuer import Issuer, IssuerUnavailableError, open_issuer_client
from control.access.oidc.login import LoginInProgress
from control.access.oidc.settings import OidcSettings
from control.access.rights import NotAuthenticatedError


class OidcProvider:
    """OpenID Connect provider: verifies its access tokens, and logs people in.

    Args:
        settings: of the issuer; one has to be set.
        issuer: the client of it.
    """

    def __init__(self, settings: OidcSettings, issuer: Issuer) -> None:
        self._settings = settings
        self._issuer = issuer
        self._client_secret = settings.client_secret()
        self._verifier = IdentityVerifier(issuer, settings.load_roles(), settings.name_claim)

    @property
    def takes_access_tokens(self) -> bool:
        """Whether access tokens of the issuer are taken by the API."""
        return bool(self._settings.audience)

    @property
    def takes_logins(self) -> bool:
        """Whether people may log in in a browser."""
        return bool(self._settings.client_id)

    async def verify_access_token(self, token: str) -> Identity:
        """Return who sends an access token.

        Raises:
            NotAuthenticatedError: it is not valid here.
            IssuerUnavailableError: nobody can say whether it is.
        """
        return await self._verifier.verify(token, self._settings.audience)

    async def build_login_url(self, login: LoginInProgress, redirect_uri: str) -> str:
        """Return where a browser is sent to log in.

        Raises:
            IssuerUnavailableError: the issuer does not answer, or takes no logins.
        """
        endpoint = (await self._issuer.metadata()).authorization_endpoint
        if not endpoint:
            raise IssuerUnavailableError("the issuer has no authorization endpoint")
        return login.authorization_url(
            endpoint,
            client_id=self._settings.client_id,
            scopes=self._settings.scopes,
            redirect_uri=redirect_uri,
        )

    async def finish_login(
        self, login: LoginInProgress, code: str, redirect_uri: str, issuer: str | None = None
    ) -> Identity:
        """Return who has logged in.

        Args:
            login: what the browser began.
            code: the issuer's answer.
            redirect_uri: the same as at the beginning.
            issuer: who answered, where the answer says so (RFC 9207).

        Raises:
            NotAuthenticatedError: the issuer refuses the code, or its ID token is not valid.
            IssuerUnavailableError: it does not answer.
        """
        if issuer is not None and issuer != self._issuer.url:
            raise NotAuthenticatedError("the answer comes from another identity provider")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": login.verifier,
        }
        found = await self._issuer.redeem_code(form, self._settings.client_id, self._client_secret)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise NotAuthenticatedError("the identity provider returned no ID token")
        return await self._verifier.verify(token, self._settings.client_id, login.nonce)


@asynccontextmanager
async def open_provider(settings: OidcSettings) -> AsyncIterator[OidcProvider | None]:
    """Open the OpenID Connect provider for the duration of the context; None if unset."""
    if not settings.issuer:
        yield None
        return
    async with open_issuer_client(settings) as issuer:
        yield OidcProvider(settings, issuer)
