"""People of an OpenID Connect issuer: their access tokens, and their logins in a browser."""

from control.access.oidc.identity import (
    Identity,
    IdentityVerifier,
    derive_person_id,
    looks_like_jwt,
)
from control.access.oidc.issuer import Issuer, IssuerUnavailableError, open_issuer_client
from control.access.oidc.login import LoginInProgress, LoginRefusedError
from control.access.oidc.provider import OidcProvider, open_provider
from control.access.oidc.settings import OidcSettings

__all__ = [
    "Identity",
    "IdentityVerifier",
    "Issuer",
    "IssuerUnavailableError",
    "LoginInProgress",
    "LoginRefusedError",
    "OidcProvider",
    "OidcSettings",
    "derive_person_id",
    "looks_like_jwt",
    "open_issuer_client",
    "open_provider",
]
