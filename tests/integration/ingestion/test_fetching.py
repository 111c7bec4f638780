"""Fetching content from servers that are slow, broken or hostile, over real connections."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from contracts.errors import BadMessageError, ErrorCode, OnrecordError, RetryableError
from ingestion.errors import ContentTimedOutError, ContentUnavailableError
from ingestion.fetching import ContentFetcher, FetchLimits
from ingestion.uris import AllowedUris
from support.certificates import Authority, Identity
from support.raw_server import Answer, RawServer, raw_server, redirect, response

TALK = b"Ann: What do you pay?\nBob: 40 dollars.\n"
HOST = "files.example.org"
MAX_BYTES = 100_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED)
    while True:
        writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
        await writer.drain()


async def slow_drip(writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED)
    while True:
        writer.write(b"1\r\na\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)  # what is tested


async def slow_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)  # what is tested


async def silent(writer: asyncio.StreamWriter) -> None:
    del writer
    await asyncio.Event().wait()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: " + b"b" * 4096 + b"\r\n")
        await writer.drain()


ANSWERS: dict[str, Answer] = {
    "/talk.txt": response(TALK),
    "/talk.txt.gz": response(gzip.compress(TALK)),
    "/encoded": response(gzip.compress(TALK), "Content-Encoding: gzip"),
    "/brotli": response(TALK, "Content-Encoding: br"),
    "/just-fits": response(b"a" * MAX_BYTES),
    "/too-large": response(b"a" * (MAX_BYTES + 1)),
    "/endless": endless,
    "/endless-head": endless_head,
    "/slow-drip": slow_drip,
    "/slow-head": slow_head,
    "/silent": silent,
    "/says-more": response(TALK, length=len(TALK) + 10),
    "/says-less": response(TALK, length=10),
    "/says-huge": response(TALK, length=10**15),
    "/says-absurd": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
    "/no-http": b"\x16\x03\x01 this is no HTTP\r\n\r\n",
    "/nothing": b"",
    "/gone": response(b"", status="410 Gone"),
    "/forbidden": response(b"", status="403 Forbidden"),
    "/login": response(b"", status="401 Unauthorized"),
    "/partial": response(TALK, status="206 Partial Content"),
    "/broken": response(b"", status="500 Internal Server Error"),
    "/busy": response(b"", status="503 Service Unavailable"),
    "/throttled": response(b"", "Retry-After: 1", status="429 Too Many Requests"),
    "/moved": redirect("/talk.txt"),
    "/moved-thrice": redirect("/moved-twice", "307 Temporary Redirect"),
    "/moved-twice": redirect("/moved", "301 Moved Permanently"),
    "/moved-four-times": redirect("/moved-thrice"),
    "/circle": redirect("/circle"),
    "/to-loopback": redirect("http://127.0.0.1:1/talk.txt"),
    "/to-loopback-name": redirect("https://localhost/talk.txt"),
    "/to-metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "/to-file": redirect("file:///etc/passwd"),
    "/to-other-site": redirect("https://evil.example/talk.txt"),
    "/to-login": redirect("https://user:secret@files.example.org/talk.txt"),
    "/to-nonsense": redirect("https://[::1"),
    "/to-nowhere": response(b"", status="302 Found"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.identity("files", f"DNS:{HOST}")


@pytest.fixture
async def server(identity: Identity) -> AsyncIterator[RawServer]:
    async with raw_server(ANSWERS, identity) as server:
        yield server


Fetching = Callable[..., ContentFetcher]


@pytest.fixture
def fetching(server: RawServer, authority: Authority) -> Fetching:
    """Makes fetchers for a server whose name leads to it."""

    def make(
        *addresses: str,
        timeout_s: float = 20.0,
        allows_loopback: bool = True,
        also: str = "",
        ca_file: Path | None = authority.certificate,
    ) -> ContentFetcher:
        async def resolve(host: str, port: int) -> Sequence[str]:
            del port
            return addresses if addresses and host == HOST else ["127.0.0.1"]

        allowed = AllowedUris.parse(
            f"https://{HOST}:{server.port}/ {also}", allows_loopback=allows_loopback
        )
        limits = FetchLimits(MAX_BYTES, timeout_s)
        return ContentFetcher(allowed, limits, ca_file=ca_file, resolve=resolve)

    return make


async def failure(fetch: ContentFetcher, server: RawServer, path: str) -> OnrecordError:
    with pytest.raises(OnrecordError) as failed:
        await fetch(f"https://{HOST}:{server.port}{path}?signature=secret")
    message = str(failed.value)
    assert message.startswith("content: ")
    assert "secret" not in message
    assert HOST not in message
    return failed.value


@pytest.mark.parametrize("path", ["/talk.txt", "/moved", "/moved-thrice"])
async def test_fetches_a_file_over_tls_by_name_also_behind_redirects(
    fetching: Fetching, server: RawServer, path: str
) -> None:
    assert await fetching()(f"https://{HOST}:{server.port}{path}?signature=a%2Fb") == TALK
    assert f"Host: {HOST}:{server.port}\r\n" in server.requests[0]
    assert server.requests[0].startswith(f"GET {path}?signature=a%2Fb HTTP/1.1\r\n")


async def test_takes_gzip_as_it_is_sent_and_a_file_of_just_the_limit(
    fetching: Fetching, server: RawServer
) -> None:
    fetch, place = fetching(), f"https://{HOST}:{server.port}"
    for path in ("/talk.txt.gz", "/encoded"):
        assert gzip.decompress(await fetch(place + path)) == TALK
    assert len(await fetch(f"{place}/just-fits")) == MAX_BYTES
    assert await fetch(f"{place}/says-less") == TALK[:10]


@pytest.mark.parametrize("path", ["/too-large", "/endless", "/says-huge"])
async def test_a_body_without_an_end_is_too_large(
    fetching: Fetching, server: RawServer, path: str
) -> None:
    failed = await failure(fetching(), server, path)
    assert isinstance(failed, BadMessageError)
    assert failed.code is ErrorCode.TOO_LARGE


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/missing", ErrorCode.CONTENT_NOT_FOUND),
        ("/gone", ErrorCode.CONTENT_NOT_FOUND),
        *(
            (path, ErrorCode.CONTENT_REFUSED)
            for path in (
                "/forbidden",
                "/login",
                "/partial",
                "/brotli",
                "/moved-four-times",
                "/circle",
                "/to-loopback",
                "/to-loopback-name",
                "/to-metadata",
                "/to-file",
                "/to-other-site",
                "/to-login",
                "/to-nonsense",
                "/to-nowhere",
            )
        ),
    ],
)
async def test_what_no_retry_mends_is_the_messages_own_fault(
    fetching: Fetching, server: RawServer, path: str, code: ErrorCode
) -> None:
    failed = await failure(fetching(), server, path)
    assert isinstance(failed, BadMessageError)
    assert failed.code is code
    assert len(server.requests) <= 4, "redirects are few"


@pytest.mark.parametrize(
    "path",
    [
        "/broken",
        "/busy",
        "/throttled",
        "/says-more",
        "/says-absurd",
        "/no-http",
        "/nothing",
        "/endless-head",
    ],
)
async def test_what_may_pass_is_tried_again(
    fetching: Fetching, server: RawServer, path: str
) -> None:
    failed = await failure(fetching(), server, path)
    assert isinstance(failed, RetryableError)
    assert failed.code is ErrorCode.CONTENT_UNAVAILABLE


@pytest.mark.parametrize("path", ["/slow-drip", "/slow-head", "/silent"])
async def test_a_server_that_drips_has_a_deadline_for_all_of_it(
    fetching: Fetching, server: RawServer, path: str
) -> None:
    failed = await failure(fetching(timeout_s=0.5), server, path)
    assert isinstance(failed, ContentTimedOutError)
    assert failed.code is ErrorCode.CONTENT_UNAVAILABLE


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["fd00::1", "93.184.216.34"],
    ],
)
async def test_a_name_with_any_private_address_is_refused_before_a_connection(
    fetching: Fetching, server: RawServer, addresses: list[str]
) -> None:
    failed = await failure(fetching(*addresses, allows_loopback=False), server, "/talk.txt")
    assert failed.code is ErrorCode.CONTENT_REFUSED
    assert server.requests == []


async def test_the_connection_goes_to_the_address_that_was_checked(
    server: RawServer, authority: Authority
) -> None:
    """A name that leads elsewhere when it is asked again is asked once for each request."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    allowed = AllowedUris.parse(f"https://{HOST}:{server.port}/", allows_loopback=True)
    fetch = ContentFetcher(allowed, ca_file=authority.certificate, resolve=resolve)
    assert await fetch(f"https://{HOST}:{server.port}/talk.txt") == TALK
    assert asked == [HOST]
    failed = await failure(fetch, server, "/talk.txt")
    assert failed.code is ErrorCode.CONTENT_REFUSED, "it leads to a private address now"


async def test_a_redirect_into_an_allowed_site_with_a_private_address_is_refused(
    server: RawServer, authority: Authority
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        return ["127.0.0.1"] if host == HOST else ["169.254.169.254"]

    allowed = AllowedUris.parse(
        f"https://{HOST}:{server.port}/ https://evil.example/", allows_loopback=True
    )
    fetch = ContentFetcher(allowed, ca_file=authority.certificate, resolve=resolve)
    failed = await failure(fetch, server, "/to-other-site")
    assert "private or local address" in str(failed)


async def test_the_next_address_is_tried_where_nobody_listens(
    fetching: Fetching, server: RawServer
) -> None:
    fetch = fetching("127.0.0.2", "127.0.0.1")
    assert await fetch(f"https://{HOST}:{server.port}/talk.txt") == TALK


async def test_a_certificate_of_another_name_or_authority_is_no_connection(
    fetching: Fetching, server: RawServer
) -> None:
    other = fetching(also=f"https://other.example:{server.port}/")
    with pytest.raises(ContentUnavailableError, match="ConnectError"):
        await other(f"https://other.example:{server.port}/talk.txt")
    assert isinstance(
        await failure(fetching(ca_file=None), server, "/talk.txt"), ContentUnavailableError
    )
    assert server.requests == []


async def test_an_unknown_host_is_tried_again(server: RawServer) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError(f"no address for {host}:{port}")

    allowed = AllowedUris.parse(f"https://{HOST}:{server.port}/")
    failed = await failure(ContentFetcher(allowed, resolve=resolve), server, "/talk.txt")
    assert isinstance(failed, ContentUnavailableError)


async def test_http_is_for_loopback_by_a_setting_only() -> None:
    async with raw_server(ANSWERS) as server:
        place = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(ValueError, match="has to begin with https"):
            AllowedUris.parse(place)
        fetch = ContentFetcher(AllowedUris.parse(place, allows_loopback=True))
        assert await fetch(f"{place}talk.txt") == TALK
        by_name = f"http://localhost:{server.port}/"
        allowed = AllowedUris.parse(by_name, allows_loopback=True)
        assert await ContentFetcher(allowed)(f"{by_name}talk.txt") == TALK
