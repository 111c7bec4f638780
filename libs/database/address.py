"""Takes the URI of a database apart, without ever telling the password in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

SCHEMES: Final = frozenset({"postgresql", "postgres"})

MODES: Final = frozenset({"disable", "prefer", "require", "verify-ca", "verify-full"})
"""Those of libpq's that both libpq and asyncpg understand alike."""

HIGHEST_PORT: Final = 65_535

_FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey"})

_ESCAPE: Final = (
    "write special characters in the user name or the password as %xx, such as %23 for #"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What may be told of a database's URI.

    Attributes:
        place: host, port and database, such as ``db:5432/onrecord``.
        has_password: whether the URI holds one.
        sslmode: how it wants to be connected to; empty if it does not say.
    """

    place: str
    has_password: bool
    sslmode: str


def parse(dsn: str) -> Address:
    """Take apart ``postgresql://user:password@host:5432/database?sslmode=…``.

    The driver would quote parts of a password that it takes for a port, so that is refused here.

    Raises:
        ValueError: it is no such URI.
    """
    unclear = f"is no URI that can be taken apart: {_ESCAPE}"
    try:
        uri = urlsplit(dsn)
    except ValueError:
        raise ValueError(unclear) from None  # its own words quote the password
    if uri.scheme not in SCHEMES:
        raise ValueError("must begin with postgresql://")
    login, _, hosts = uri.netloc.rpartition("@")
    if "#" in dsn or "@" in uri.path + uri.query or not all(map(_is_host, hosts.split(","))):
        raise ValueError(unclear)
    query = parse_qs(uri.query)
    _check_tls(query)
    place = hosts or next(iter(query.get("host", ())), "localhost")
    return Address(
        place=f"{place}{uri.path}",
        has_password=bool(login.partition(":")[2]) or "password" in query,
        sslmode=next(iter(query.get("sslmode", ())), ""),
    )


def _is_host(host: str) -> bool:
    # An IPv6 address stands in brackets and has colons of its own.
    port = host.rpartition("]")[2].partition(":")[2]
    return not port or (port.isdecimal() and 0 < int(port) <= HIGHEST_PORT)


def _check_tls(query: dict[str, list[str]]) -> None:
    for name in _FILES & query.keys():
        raise ValueError(f"names {name}: set POSTGRES_{name.upper()} in its place")
    modes = query.get("sslmode", [])
    if len(modes) > 1 or not MODES.issuperset(modes):
        raise ValueError(f"may name one sslmode, of {', '.join(sorted(MODES))}")
