"""Fetcher of the file behind a URI: only where it is allowed, and bounded in bytes and time.

A host's addresses are resolved and checked here, and the connection goes to a checked one, so that
a name server cannot give another address in between. Each redirect is checked like a first URI.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from ingestion.content import MAX_CONTENT_BYTES, check_file_size
from ingestion.errors import (
    ContentNotFoundError,
    ContentRefusedError,
    ContentTimedOutError,
    ContentUnavailableError,
)
from ingestion.uris import AllowedUris, parse_content_uri, resolve_redirect

MAX_REDIRECTS: Final = 3
"""Most redirects that are followed, one after another."""

_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PASSING: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_READ_BYTES: Final = 64 * 1024
_LONGEST_NUMBER: Final = 20

ResolveHost = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host for a port; raises ``OSError`` if it has none."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits for fetching a submission's file: its size, and the time in total.

    Attributes:
        max_bytes: most bytes of it, as it is sent.
        timeout_s: longest time for all of it, with redirects, in seconds.
    """

    max_bytes: int = MAX_CONTENT_BYTES
    timeout_s: float = 30.0


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Resolve a host name to its IP addresses.

    Raises:
        OSError: it has none, or no name server answers.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class ContentFetcher:
    """Fetcher that downloads a submission's file from its URI, within size and time limits.

    Args:
        allowed: where files may be fetched from; by default nowhere.
        limits: of one file.
        ca_file: PEM file of the authorities that servers' certificates are checked with; those of
            the operating system if not given.
        resolve: finds a host's addresses.
    """

    def __init__(
        self,
        allowed: AllowedUris | None = None,
        limits: FetchLimits | None = None,
        *,
        ca_file: Path | None = None,
        resolve: ResolveHost = resolve_host,
    ) -> None:
        self._allowed = allowed or AllowedUris()
        self._limits = limits or FetchLimits()
        self._ca_file = ca_file
        self._resolve = resolve

    async def __call__(self, uri: str) -> bytes:
        """Return the bytes of the file behind a URI.

        Raises:
            ContentRefusedError: it may not be fetched, or the server refuses.
            ContentNotFoundError: there is no such file.
            TooLargeTranscriptError: it has too many bytes.
            ContentUnavailableError: it cannot be fetched now.
            ContentTimedOutError: it takes too long.
        """
        url = parse_content_uri(uri)
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                if url.scheme == "file":
                    return await asyncio.to_thread(self._read_file, url)
                return await self._get(url)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ContentTimedOutError(
                f"content: was not fetched within {self._limits.timeout_s:g} s"
            ) from error
        except httpx2.HTTPError as error:
            raise ContentUnavailableError(
                f"content: the server cannot be reached or breaks off ({type(error).__name__})"
            ) from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)  # reads hundreds of certificates

    def _read_file(self, url: httpx2.URL) -> bytes:
        path = self._allowed.resolve_file(url)
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                self._refuse_other_file(descriptor)
                data = file.read(self._limits.max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ContentNotFoundError("content: there is no such file") from error
        except (PermissionError, IsADirectoryError) as error:
            raise ContentRefusedError("content: the file may not be read") from error
        except OSError as error:
            raise ContentUnavailableError(
                f"content: the file cannot be read ({error.strerror})"
            ) from error
        check_file_size(len(data), self._limits.max_bytes)
        return data

    def _refuse_other_file(self, descriptor: int) -> None:
        """Refuse what is no file, or lies elsewhere because a folder became a link meanwhile."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ContentRefusedError("content: the URI names no file")
        opened = Path(f"/proc/self/fd/{descriptor}")
        if opened.exists() and not self._allowed.contains(opened.resolve()):
            raise ContentRefusedError("content: the file lies elsewhere")

    async def _get(self, url: httpx2.URL) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            self._allowed.check_site(url)
            async with self._response(url) as response:
                if not response.has_redirect_location:
                    _refuse_status(response.status_code)
                    return await self._read_body(response)
                url = resolve_redirect(url, response.headers["location"])
            if url.scheme == "file":
                raise ContentRefusedError("content: the server redirects to a file")
        raise ContentRefusedError(f"content: the server redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def _response(self, url: httpx2.URL) -> AsyncIterator[httpx2.Response]:
        """Yield the response to a request to one of a host's checked addresses."""
        addresses = await self._checked_addresses(url)
        async with httpx2.AsyncClient(
            verify=self._tls,
            trust_env=False,  # a proxy would resolve the name anew
            timeout=self._limits.timeout_s,
        ) as client:
            for left, address in enumerate(addresses, start=1 - len(addresses)):
                request = client.build_request(
                    "GET",
                    url.copy_with(host=address),
                    headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "gzip"},
                    extensions={"sni_hostname": url.raw_host.decode("ascii")},
                )
                try:
                    response = await client.send(request, stream=True)
                except httpx2.ConnectError:
                    if left == 0:
                        raise
                    continue
                try:
                    yield response
                finally:
                    await response.aclose()
                return

    async def _checked_addresses(self, url: httpx2.URL) -> Sequence[str]:
        try:
            port = url.port or (443 if url.scheme == "https" else 80)
            addresses = await self._resolve(url.raw_host.decode("ascii"), port)
        except UnicodeError as error:
            raise ContentRefusedError("content: the URI's host is no host name") from error
        except OSError as error:
            raise ContentUnavailableError("content: the URI's host was not found") from error
        for address in addresses:
            self._allowed.check_address(address)
        return addresses

    async def _read_body(self, response: httpx2.Response) -> bytes:
        """Return a body as it is sent; gzip is decompressed later, within bounds."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip"}:
            raise ContentRefusedError("content: the server encodes the file other than by gzip")
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and len(declared) <= _LONGEST_NUMBER:
            check_file_size(int(declared), self._limits.max_bytes)
        body = bytearray()
        async for part in response.aiter_raw(_READ_BYTES):
            body += part
            check_file_size(len(body), self._limits.max_bytes)
        return bytes(body)


def _refuse_status(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    message = f"content: the server answers {status}"
    if status in _GONE:
        raise ContentNotFoundError(message)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ContentUnavailableError(message)
    raise ContentRefusedError(message)
