"""People of an OpenID Connect issuer: their access tokens, and their logins in a browser."""

from control.oidc.identity import (
    Identity,
    IdentityVerifier,
    derive_person_id,
    looks_like_jwt,
)
from control.oidc.issuer import Issuer, IssuerUnavailableError, open_issuer_client
from control.oidc.login import LoginInProgress, LoginRefusedError
from control.oidc.provider import OidcProvider, open_provider
from control.oidc.settings import OidcSettings

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
