"""Takes the URI of a database apart, without ever telling the password in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

SCHEMES: Final = frozenset({"postgresql", "postgres"})

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
    uri = urlsplit(dsn)
    if uri.scheme not in SCHEMES:
        raise ValueError("must begin with postgresql://")
    login, _, hosts = uri.netloc.rpartition("@")
    if uri.fragment or "#" in dsn or "@" in uri.path or not all(map(_is_host, hosts.split(","))):
        raise ValueError(f"is no URI that can be taken apart: {_ESCAPE}")
    query = parse_qs(uri.query)
    place = hosts or next(iter(query.get("host", ())), "localhost")
    return Address(
        place=f"{place}{uri.path}",
        has_password=bool(login.partition(":")[2]) or "password" in query,
        sslmode=next(iter(query.get("sslmode", ())), ""),
    )


def _is_host(host: str) -> bool:
    # An IPv6 address stands in brackets and has colons of its own.
    port = host.rpartition("]")[2].partition(":")[2]
    return not port or port.isdecimal()
