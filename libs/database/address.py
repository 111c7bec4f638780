"""Parsing of PostgreSQL connection URIs, without ever showing the password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

SCHEMES: Final = frozenset({"postgresql", "postgres"})

MODES: Final = frozenset({"disable", "prefer", "require", "verify-ca", "verify-full"})
"""Those of libpq's that both libpq and asyncpg understand alike."""

HIGHEST_PORT: Final = 65_535

_SETTINGS: Final = {
    "sslcert": "POSTGRES_SSLCERT",
    "sslkey": "POSTGRES_SSLKEY",
    "sslpassword": "POSTGRES_SSL_KEY_PASSWORD",
    "sslrootcert": "POSTGRES_SSLROOTCERT",
}
"""What the driver would leave unused, since it is given certificates in another way."""

_UNUSED: Final = ("sslcrl", "ssl_min_protocol_version", "ssl_max_protocol_version")
"""The same, without a setting in their place."""

_ESCAPE: Final = (
    "write special characters in the user name or the password as %xx, such as %23 for #"
)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Address of a database without its password: host, port and name.

    Attributes:
        place: host, port and database, such as ``db:5432/onrecord``.
        has_password: whether the URI holds one.
        sslmode: the TLS mode the URI asks for; empty if it names none.
    """

    place: str
    has_password: bool
    sslmode: str


def parse_dsn(dsn: str) -> DatabaseAddress:
    """Parse and validate a ``postgresql://`` URI; return its host, port and database name.

    The driver would quote parts of a password that it takes for a port or a parameter, so that is
    refused here.

    Raises:
        ValueError: it is no such URI.
    """
    unclear = f"is no URI that can be taken apart, with ports up to {HIGHEST_PORT}: {_ESCAPE}"
    try:
        uri = urlsplit(dsn)
        query = parse_qs(uri.query, strict_parsing=True) if uri.query else {}
    except ValueError:
        raise ValueError(unclear) from None  # urlsplit's message quotes the password
    if uri.scheme not in SCHEMES:
        raise ValueError("must begin with postgresql://")
    login, _, hosts = uri.netloc.rpartition("@")
    stray = "#" in dsn or "@" in login + uri.path + uri.query
    if stray or not _are_hosts(hosts) or not _names_hosts(query):
        raise ValueError(unclear)
    _check_tls(query)
    place = hosts or _last(query, "host") or "localhost"
    return DatabaseAddress(
        place=f"{place}{uri.path}",
        has_password=bool(login.partition(":")[2]) or "password" in query,
        sslmode=_last(query, "sslmode"),
    )


def _last(query: dict[str, list[str]], name: str) -> str:
    """Return the value the driver takes of a parameter that is given several times."""
    return query.get(name, [""])[-1]


def _are_hosts(hosts: str) -> bool:
    each = hosts.split(",")
    return all(map(_is_host, each)) and (len(each) == 1 or all(each))


def _names_hosts(query: dict[str, list[str]]) -> bool:
    ports = _last(query, "port")
    return _are_hosts(_last(query, "host")) and (not ports or all(map(_is_port, ports.split(","))))


def _is_host(host: str) -> bool:
    # A folder has no port; an IPv6 address stands in brackets and has colons of its own.
    port = "" if host.startswith("/") else host.rpartition("]")[2].partition(":")[2]
    return not port or _is_port(port)


def _is_port(port: str) -> bool:
    return port.isdecimal() and 0 < int(port) <= HIGHEST_PORT


def _check_tls(query: dict[str, list[str]]) -> None:
    for name, setting in _SETTINGS.items():
        if name in query:
            raise ValueError(f"names {name}: set {setting} in its place")
    for name in _UNUSED:
        if name in query:
            raise ValueError(f"names {name}, which would not be used: leave it out")
    modes = query.get("sslmode", [])
    if len(modes) > 1 or not MODES.issuperset(modes):
        raise ValueError(f"may name one sslmode, of {', '.join(sorted(MODES))}")
