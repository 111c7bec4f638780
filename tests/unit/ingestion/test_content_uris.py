"""Content is fetched from where the settings allow it, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.errors import ErrorCode, OnrecordError
from ingestion.errors import ContentNotFoundError, ContentRefusedError
from ingestion.fetching import ContentFetcher, FetchLimits
from ingestion.settings import IngestionSettings
from ingestion.uris import AllowedUris, parse_content_uri

ALLOWED = AllowedUris.parse(
    "https://files.example.org/interviews/ https://m\u00fcnchen.example:8443"
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://files.example.org/interviews/talk.vtt?X-Signature=abc",
        "https://FILES.example.org:443/interviews/2026/talk.vtt",
        "https://files.example.org/interviews/",
        "https://xn--mnchen-3ya.example:8443/anything",
    ],
)
def test_allows_what_begins_with_an_allowed_uri(uri: str) -> None:
    ALLOWED.check_site(parse_content_uri(uri))


@pytest.mark.parametrize(
    "uri",
    [
        "https://files.example.org/other/talk.vtt",
        "https://files.example.org/interviews-of-others/talk.vtt",
        "https://files.example.org/interviews",
        "https://files.example.org/%69nterviews/../talk.vtt",
        "https://files.example.org/interviews/../talk.vtt",
        "https://files.example.org/interviews/%2e%2e/talk.vtt",
        "https://files.example.org/interviews/%252e%252e/talk.vtt",
        "https://files.example.org/interviews/..%2ftalk.vtt",
        "https://files.example.org/interviews/..\\talk.vtt",
        "https://files.example.org/interviews%2ftalk.vtt",
        "https://files.example.org:8443/interviews/talk.vtt",
        "http://files.example.org/interviews/talk.vtt",
        "https://files.example.org.evil.example/interviews/talk.vtt",
        "https://files.example.org@evil.example/interviews/talk.vtt",
        "https://user:secret@files.example.org/interviews/talk.vtt",
        "https://files.example.org\\@evil.example/interviews/talk.vtt",
        "https://evil.example#files.example.org/interviews/",
        "https:///interviews/talk.vtt",
        "ftp://files.example.org/interviews/talk.vtt",
        "gopher://files.example.org/interviews/",
        "talk.vtt",
        "",
        "https://[::1/interviews/",
        "https://files.example.org/interviews/" + "a" * 70_000,
        "Ann: Hello.\nBob: Hi.",
    ],
)
def test_refuses_every_other_uri_without_quoting_it(uri: str) -> None:
    with pytest.raises(ContentRefusedError) as failed:
        ALLOWED.check_site(parse_content_uri(uri))
    assert str(failed.value).startswith("content: ")
    assert "example" not in str(failed.value)
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.1.2",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_refuses_addresses_that_are_no_public_servers(address: str) -> None:
    with pytest.raises(ContentRefusedError, match="private or local address"):
        AllowedUris().check_address(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_allows_public_addresses(address: str) -> None:
    AllowedUris().check_address(address)


def test_loopback_is_allowed_by_a_setting_and_nothing_else_with_it() -> None:
    allowed = AllowedUris(allows_loopback=True)
    allowed.check_address("127.0.0.1")
    allowed.check_address("::1")
    for address in ("10.0.0.1", "169.254.169.254", "0.0.0.0"):
        with pytest.raises(ContentRefusedError):
            allowed.check_address(address)


@pytest.mark.parametrize("wrong", ["http://files.example.org/", "files.example.org", "ftp://a/"])
def test_a_wrong_list_of_uris_is_said_at_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="URI 2 "):
        IngestionSettings(allowed_content=f"https://a.example/ {wrong}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "interviews"
    (inside / "2026").mkdir(parents=True)
    (inside / "2026" / "a talk.txt").write_text("Ann: Hi.", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "interviews-of-others").mkdir()
    (tmp_path / "interviews-of-others" / "talk.txt").write_text("secret", encoding="utf-8")
    return inside


def fetcher(folder: Path, most: int = 1_000) -> ContentFetcher:
    return ContentFetcher(AllowedUris.parse(f"file://{folder}"), FetchLimits(most, 5.0))


async def refused(fetch: ContentFetcher, uri: str) -> ErrorCode:
    with pytest.raises(OnrecordError) as failed:
        await fetch(uri)
    assert "secret" not in str(failed.value)
    return failed.value.code


async def test_reads_a_file_of_an_allowed_folder(folder: Path) -> None:
    fetch = fetcher(folder)
    assert await fetch(f"file://{folder}/2026/a%20talk.txt") == b"Ann: Hi."
    assert await fetch(f"file://localhost{folder}/2026/a talk.txt") == b"Ann: Hi."
    (folder / "inner.txt").symlink_to(folder / "2026" / "a talk.txt")
    assert await fetch(f"file://{folder}/inner.txt") == b"Ann: Hi."


async def test_refuses_what_lies_outside_however_it_is_written(folder: Path) -> None:
    fetch, above = fetcher(folder), folder.parent
    (folder / "link.txt").symlink_to(above / "secret.txt")
    (folder / "linked").symlink_to(above)
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "pipe")
    for path in (
        f"{above}/secret.txt",
        f"{folder}/../secret.txt",
        f"{folder}/%2e%2e/secret.txt",
        f"{folder}/..%2fsecret.txt",
        f"{folder}/link.txt",
        f"{folder}/linked/secret.txt",
        f"{folder}-of-others/talk.txt",
        f"{folder}/circle",
        f"{folder}/pipe",
        f"{folder}/2026",
        f"{folder}/a%00.txt",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        f"{above}/missing.txt",
    ):
        assert await refused(fetch, f"file://{path}") is ErrorCode.CONTENT_REFUSED, path
    assert await refused(fetch, f"file://evil.example{folder}/x") is ErrorCode.CONTENT_REFUSED


async def test_a_missing_file_is_not_found_and_a_large_one_too_large(folder: Path) -> None:
    with pytest.raises(ContentNotFoundError, match="content: there is no such file"):
        await fetcher(folder)(f"file://{folder}/none.txt")
    assert await refused(fetcher(folder, 7), f"file://{folder}/2026/a talk.txt") is (
        ErrorCode.TOO_LARGE
    )


async def test_a_link_set_after_the_check_is_noticed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder becomes a link between the check of its path and its opening."""
    allowed = AllowedUris.parse(f"file://{folder}")
    checked = AllowedUris.resolve_file

    def resolve(self: AllowedUris, url: object) -> Path:
        path = checked(self, url)  # type: ignore[arg-type]
        (folder / "2026").rename(folder / "old")
        (folder / "2026").symlink_to(folder.parent / "interviews-of-others")
        return path

    monkeypatch.setattr(AllowedUris, "resolve_file", resolve)
    (folder / "2026" / "talk.txt").write_text("mine", encoding="utf-8")
    fetch = ContentFetcher(allowed, FetchLimits(1_000, 5.0))
    assert await refused(fetch, f"file://{folder}/2026/talk.txt") is ErrorCode.CONTENT_REFUSED
