"""Content comes as text, compressed, or as fetched bytes, and is the same interview."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from contracts.errors import BadMessageError, ErrorCode
from contracts.events import TranscriptIngested, TranscriptSubmitted
from contracts.gzip_content import OversizedGzipError, gunzip
from contracts.topics import MIB
from contracts.transcript import ContentForm
from control.letters.indexing import build_indexed_submission
from ingestion.content import resolve_content_to_text
from ingestion.domain import ChunkSizes, build_ingestion_events
from ingestion.readers import open_interview_reader
from messaging import KafkaSettings
from messaging.delivery import Record
from onrecord.client import build_submission, compress_content, compress_if_too_large
from processes import TaskLimits
from support.chunks import INTERVIEW, STUDY

SIZES = ChunkSizes(600, 100)
TALK = "Ann: What do you pay, caf\u00e9 owner?\nBob: We pay 40 €.\n"
PLAIN = TranscriptSubmitted(transcript_id=INTERVIEW, title="Interview 1", study=STUDY, content=TALK)


def submitted(content: str, form: ContentForm = ContentForm.GZIP) -> TranscriptSubmitted:
    return PLAIN.model_copy(update={"content": content, "content_form": form})


def packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data)).decode()


def test_compressed_text_gives_the_same_events_as_the_text() -> None:
    assert build_ingestion_events(compress_content(PLAIN), SIZES) == build_ingestion_events(
        PLAIN, SIZES
    )


@pytest.mark.parametrize("data", [TALK.encode(), TALK.encode("utf-16")])
def test_a_file_in_any_encoding_gives_the_same_segments(data: bytes) -> None:
    plain, *_ = build_ingestion_events(PLAIN, SIZES)
    by_uri = submitted("https://files.example.org/talk.txt", ContentForm.URI)
    for found, *_ in (
        build_ingestion_events(by_uri, SIZES, data),
        build_ingestion_events(by_uri, SIZES, gzip.compress(data)),
        build_ingestion_events(submitted(packed(data)), SIZES),
    ):
        assert isinstance(plain, TranscriptIngested)
        assert isinstance(found, TranscriptIngested)
        assert found.segments == plain.segments


@pytest.mark.parametrize(
    "event",
    [
        PLAIN,
        compress_content(PLAIN),
        submitted(packed(TALK.encode("utf-16"))),
        submitted("https://files.example.org/talk.txt", ContentForm.URI),
    ],
)
def test_ingestion_and_control_know_an_interview_by_the_same_hash(
    event: TranscriptSubmitted,
) -> None:
    """The audit, settled outcomes and `submit --wait` compare them."""
    ingested, *_ = build_ingestion_events(event, SIZES, TALK.encode())
    assert isinstance(ingested, TranscriptIngested)
    record = Record("t", 0, 0, None, event.model_dump_json().encode(), (), 0)
    indexed = build_indexed_submission(record)
    assert indexed.content_sha256 == ingested.content_sha256


def test_compressed_text_has_the_hash_of_the_text_and_a_bomb_is_not_unpacked_for_it() -> None:
    assert compress_content(PLAIN).content_sha256 == PLAIN.content_sha256
    bomb = submitted(packed(b"a" * (16 * MIB)))
    assert bomb.content_sha256 != resolve_content_to_text(bomb).submitted.content_sha256
    assert resolve_content_to_text(PLAIN).submitted is PLAIN
    uris = [submitted(f"https://a.example/{n}", ContentForm.URI) for n in (1, 2)]
    as_text = uris[0].model_copy(update={"content_form": ContentForm.TEXT})
    assert len({one.content_sha256 for one in (*uris, as_text, PLAIN)}) == 4


def test_several_gzip_files_in_one_padding_and_broken_lines_are_read() -> None:
    half = len(TALK) // 2
    data = gzip.compress(TALK[:half].encode()) + gzip.compress(TALK[half:].encode()) + b"\0" * 9
    lines = base64.encodebytes(data).decode()
    assert resolve_content_to_text(submitted(lines)).submitted.content == TALK


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no base64!", "is not gzip in base64"),
        ("caf\u00e9", "is not gzip in base64"),
        ("", "is not gzip in base64"),
        (base64.b64encode(b"plain text").decode(), "is not gzip in base64"),
        (base64.b64encode(zlib.compress(b"zlib")).decode(), "is not gzip in base64"),
        (base64.b64encode(b"\x1f\x8b" + b"x" * 40).decode(), "is not valid gzip"),
        (base64.b64encode(gzip.compress(b"Ann: Hi.", mtime=0)[:-5]).decode(), "ends too early"),
        (base64.b64encode(gzip.compress(b"a", mtime=0) + b"behind").decode(), "is not valid gzip"),
        (
            base64.b64encode(gzip.compress(b"", mtime=0) * 1_001).decode(),
            "more than 1,000 gzip files",
        ),
    ],
)
def test_what_is_not_gzip_in_base64_is_an_invalid_event(content: str, words: str) -> None:
    with pytest.raises(BadMessageError, match=words) as failed:
        build_ingestion_events(submitted(content), SIZES)
    assert failed.value.code is ErrorCode.INVALID_EVENT
    assert str(failed.value).startswith("content: ")


@pytest.mark.parametrize("times", [1, 3])
def test_a_bomb_is_too_large_and_hardly_any_of_it_is_decompressed(times: int) -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB)) * times
    with pytest.raises(OversizedGzipError):
        gunzip(bomb, MIB)
    with pytest.raises(BadMessageError, match="more than 1,048,576 bytes") as failed:
        resolve_content_to_text(submitted("x", ContentForm.URI), bomb, MIB)
    assert failed.value.code is ErrorCode.TOO_LARGE


def test_a_file_too_large_before_decompression_is_too_large() -> None:
    with pytest.raises(BadMessageError, match="more than 1,000 bytes") as failed:
        resolve_content_to_text(submitted("x", ContentForm.URI), b"a" * 1_001, 1_000)
    assert failed.value.code is ErrorCode.TOO_LARGE


async def test_without_a_setting_no_uri_is_fetched_and_the_reason_names_it() -> None:
    limits = TaskLimits(timeout_s=60, cpu_s=10, memory_bytes=128 * MIB)
    async with open_interview_reader(processes=1, limits=limits, chunk_sizes=SIZES) as read:
        with pytest.raises(BadMessageError, match="INGESTION_ALLOWED_CONTENT") as failed:
            await read(submitted("https://files.example.org/talk.txt", ContentForm.URI))
        assert await read(compress_content(PLAIN)), "compressed content is read"
    assert failed.value.code is ErrorCode.CONTENT_REFUSED


def test_a_submission_is_built_in_any_form_with_the_same_id() -> None:
    plain, zipped, uri = (
        build_submission(
            content=TALK, title="Talk", study=STUDY, source="talk.txt", content_form=form
        )
        for form in ContentForm
    )
    assert {one.transcript_id for one in (plain, zipped, uri)} == {plain.transcript_id}
    assert resolve_content_to_text(zipped).submitted == plain
    assert (uri.content, uri.content_form) == (TALK, ContentForm.URI)


def test_text_too_large_for_its_topic_is_compressed_where_records_are_not() -> None:
    kafka = KafkaSettings(compression="none")
    large = PLAIN.model_copy(update={"content": TALK * (9 * MIB // len(TALK))})
    assert compress_if_too_large(large, kafka).content_form is ContentForm.GZIP
    assert compress_if_too_large(large, KafkaSettings(compression="zstd")) is large
    assert compress_if_too_large(PLAIN, kafka) is PLAIN
