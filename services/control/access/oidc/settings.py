"""Settings of the OpenID Connect issuer (``CONTROL_OIDC_*``)."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from configuration.files import TlsFiles, read_secret
from control.access.oidc.roles import RoleMapping, load_role_mapping

_SECRET_FILE: Final = "CONTROL_OIDC_CLIENT_SECRET_FILE"  # noqa: S105 - a name


class OidcSettings(BaseSettings):
    """Settings of the OpenID Connect issuer whose users may log in."""

    model_config = SettingsConfigDict(env_prefix="CONTROL_OIDC_", frozen=True)

    issuer: str = Field(
        "",
        description="URL of an OpenID Connect issuer, as its tokens have it in `iss`; https, or "
        "http on loopback.",
    )
    audience: str = Field(
        "",
        description="What the issuer's access tokens for the API have in `aud`; without it, none "
        "is taken.",
    )
    client_id: str = Field(
        "", description="Control's own id at the issuer, for logins in a browser."
    )
    client_secret_file: Path | None = Field(
        None, description="A file with the client's secret; a public client has none."
    )
    scopes: str = Field(
        "openid profile email", description="What a login asks for; among them `openid`."
    )
    roles_file: Path | None = Field(
        None, description="A YAML file that says which claims of a person give which roles."
    )
    name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="The claim that the trail calls a person by; `sub`, where it is missing.",
    )
    ca_file: Path | None = Field(
        None,
        description="Certificates of the authorities that the issuer's certificate may come from, "
        "PEM; the system's if not set.",
    )

    @field_validator("issuer")
    @classmethod
    def _is_protected(cls, url: str) -> str:
        if url and not is_secure_url(url):
            raise ValueError("is no https URL")
        return url

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if not self.issuer:
            if self.audience or self.client_id:
                raise ValueError("CONTROL_OIDC_ISSUER is not set, but other settings of it are")
            return self
        if self.roles_file is None:
            raise ValueError("CONTROL_OIDC_ROLES_FILE is not set: nobody would have a role")
        if not (self.audience or self.client_id):
            raise ValueError(
                "CONTROL_OIDC_AUDIENCE, CONTROL_OIDC_CLIENT_ID: neither is set, so nobody could "
                "log in"
            )
        if self.audience == self.client_id:
            # An ID token, which a browser's page may see, would be an access token for the API.
            raise ValueError("CONTROL_OIDC_AUDIENCE: has to differ from CONTROL_OIDC_CLIENT_ID")
        if "openid" not in self.scopes.split():
            raise ValueError("CONTROL_OIDC_SCOPES: openid is missing")
        self.load_roles()
        self.client_secret()
        self.tls().context()
        return self

    def load_roles(self) -> RoleMapping:
        """Load which claims give which roles.

        Raises:
            ValueError: the file cannot be read, or does not say that.
        """
        return load_role_mapping(self.roles_file) if self.roles_file else RoleMapping(())

    def client_secret(self) -> str:
        """Return the client's secret; empty for a public client.

        Raises:
            UnusableFileError: the file cannot be read, or is empty.
        """
        if self.client_secret_file is None:
            return ""
        return read_secret(self.client_secret_file, variable=_SECRET_FILE).get_secret_value()

    def tls(self) -> TlsFiles:
        """Return whom connections to the issuer trust."""
        return TlsFiles(names=("CONTROL_OIDC_CA_FILE", "", ""), ca=self.ca_file)


def is_secure_url(url: str) -> bool:
    """Return whether requests to a URL cannot be read on the way: https, or to this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))


def is_loopback_host(host: str) -> bool:
    """Return whether a host name or IP address is a loopback address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
