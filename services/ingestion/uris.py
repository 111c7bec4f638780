"""URIs that content may be fetched from, and addresses that may be connected to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

import httpx2

from ingestion.errors import ContentRefusedError, UriNotAllowedError

_NAT64: Final = 0x0064_FF9B << 64  # RFC 6052: 64:ff9b::/96
_IPV4_BITS: Final = 32
_PARTS: Final = re.compile(r"[/\\]")

IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class AllowedUris:
    """Allowlist of https sites and local folders from which content may be fetched.

    Attributes:
        sites: what an ``https`` URI has to begin with: its host and port, and whole folders of
            its path.
        folders: what a ``file`` URI has to be in.
        allows_loopback: whether ``http`` and loopback addresses are allowed too, for tests.
    """

    sites: tuple[httpx2.URL, ...] = ()
    folders: tuple[Path, ...] = field(default=())
    allows_loopback: bool = False

    @classmethod
    def parse(cls, text: str, *, allows_loopback: bool = False) -> Self:
        """Return the places that a setting names.

        Args:
            text: URIs with blanks between them, such as ``https://files.example.org/interviews/
                file:///srv/transcripts/``.
            allows_loopback: whether ``http`` and loopback addresses are allowed too.

        Raises:
            ValueError: one is no URI that content may have; names its place in the list.
        """
        sites, folders = list[httpx2.URL](), list[Path]()
        for number, one in enumerate(text.split(), start=1):
            try:
                url = parse_content_uri(one)
            except ContentRefusedError as error:
                raise ValueError(f"URI {number} {str(error).removeprefix('content: ')}") from error
            if url.scheme == "file":
                folders.append(Path(url.path))
            elif url.scheme == "https" or allows_loopback:
                sites.append(url)
            else:
                raise ValueError(f"URI {number} has to begin with https:// or file:///")
        return cls(tuple(sites), tuple(folders), allows_loopback)

    def check_site(self, url: httpx2.URL) -> None:
        """Raise for a URL that is not in an allowed site.

        Raises:
            ContentRefusedError: it is not.
        """
        if not any(_is_within(url, site) for site in self.sites):
            raise UriNotAllowedError

    def resolve_file(self, url: httpx2.URL) -> Path:
        """Return the file a URI means, behind all links.

        Raises:
            ContentRefusedError: it is not in an allowed folder.
        """
        if url.host not in {"", "localhost"}:
            raise ContentRefusedError("content: a file URI has no host: file:///folder/file")
        try:
            path = Path(url.path).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # links in a circle; U+0000
            raise ContentRefusedError("content: the path leads to no file") from error
        if not self.contains(path):
            raise UriNotAllowedError
        return path

    def contains(self, path: Path) -> bool:
        """Return whether a resolved path is in an allowed folder."""
        return any(path.is_relative_to(folder.resolve()) for folder in self.folders)

    def check_address(self, address: str) -> None:
        """Raise for an address that belongs to no public server.

        Raises:
            ContentRefusedError: it is private, loopback, link-local or otherwise not public.
        """
        ip = ip_address(address.partition("%")[0])
        if self.allows_loopback and ip.is_loopback:
            return
        if not all(one.is_global and not one.is_multicast for one in _list_meant(ip)):
            raise ContentRefusedError("content: the host has a private or local address")


def parse_content_uri(uri: str) -> httpx2.URL:
    """Parse and validate a URI to fetch; raise if it has a forbidden scheme, login or "..".

    Raises:
        ContentRefusedError: it is no URI, has another scheme, a login, or ``..`` in its path.
    """
    try:
        url = httpx2.URL(uri)
        host = url.host  # decoded here, which may fail
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise ContentRefusedError("content: is not a URI") from error
    if url.scheme not in {"https", "http", "file"}:
        raise ContentRefusedError("content: the URI has to begin with https:// or file:///")
    if url.scheme != "file" and not host:
        raise ContentRefusedError("content: the URI has no host")
    if url.userinfo:
        raise ContentRefusedError("content: the URI may not have a user name or password")
    # Folders are compared as they are written, so a server must not read them otherwise.
    if ".." in _PARTS.split(unquote(unquote(uri.partition("?")[0]))):
        raise ContentRefusedError("content: the URI may not have .. in its path")
    return url


def resolve_redirect(url: httpx2.URL, location: str) -> httpx2.URL:
    """Return the absolute URI that an HTTP redirect leads to.

    Raises:
        ContentRefusedError: content may not have such a URI.
    """
    try:
        return parse_content_uri(str(url.join(location)))
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise ContentRefusedError("content: the server redirects to what is no URI") from error


def _is_within(url: httpx2.URL, site: httpx2.URL) -> bool:
    if (url.scheme, url.raw_host, _port(url)) != (site.scheme, site.raw_host, _port(site)):
        return False
    path, folder = _path(url), _path(site)
    return path == folder or path.startswith(folder if folder.endswith(b"/") else folder + b"/")


def _path(url: httpx2.URL) -> bytes:
    return url.raw_path.partition(b"?")[0]


def _port(url: httpx2.URL) -> int:
    return url.port or {"https": 443, "http": 80}[url.scheme]


def _list_meant(ip: IPAddress) -> list[IPAddress]:
    """Return an address and those of IPv4 that are written in it: a gateway sends them there."""
    if isinstance(ip, IPv4Address):
        return [ip]
    meant: list[IPAddress] = [] if ip.ipv4_mapped else [ip]
    meant += [one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one]
    if (int(ip) >> _IPV4_BITS) << _IPV4_BITS in {0, _NAT64 << _IPV4_BITS}:
        meant.append(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return meant
