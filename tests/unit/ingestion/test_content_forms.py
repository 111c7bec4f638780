"""Content comes as text, compressed, or as fetched bytes, and is the same interview."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from contracts.errors import BadMessageError, ErrorCode
from contracts.events import TranscriptSubmitted
from contracts.topics import MIB
from contracts.transcript import ContentForm
from ingestion.content import gunzip, inline_content
from ingestion.domain import ChunkSizes, build_ingestion_events
from ingestion.readers import open_interview_reader
from messaging import KafkaSettings
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


def test_content_in_any_form_gives_the_same_events() -> None:
    plain = build_ingestion_events(PLAIN, SIZES)
    assert build_ingestion_events(compress_content(PLAIN), SIZES) == plain
    assert build_ingestion_events(submitted(packed(TALK.encode("utf-16"))), SIZES) == plain
    by_uri = submitted("https://files.example.org/talk.txt", ContentForm.URI)
    for fetched in (TALK.encode(), TALK.encode("utf-8-sig"), gzip.compress(TALK.encode())):
        assert build_ingestion_events(by_uri, SIZES, fetched) == plain


def test_the_hash_is_that_of_the_text_whatever_the_form() -> None:
    assert inline_content(compress_content(PLAIN)).content_sha256 == PLAIN.content_sha256
    assert inline_content(PLAIN) is PLAIN


def test_several_gzip_files_in_one_padding_and_broken_lines_are_read() -> None:
    half = len(TALK) // 2
    data = gzip.compress(TALK[:half].encode()) + gzip.compress(TALK[half:].encode()) + b"\0" * 9
    lines = base64.encodebytes(data).decode()
    assert inline_content(submitted(lines)).content == TALK


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no base64!", "is not gzip in base64"),
        ("caf\u00e9", "is not gzip in base64"),
        ("", "is not gzip in base64"),
        (base64.b64encode(b"plain text").decode(), "is not gzip in base64"),
        (base64.b64encode(zlib.compress(b"zlib")).decode(), "is not gzip in base64"),
        (base64.b64encode(b"\x1f\x8b" + b"x" * 40).decode(), "is not valid gzip"),
        (base64.b64encode(gzip.compress(b"Ann: Hi.")[:-5]).decode(), "ends too early"),
        (base64.b64encode(gzip.compress(b"a") + b"behind").decode(), "is not valid gzip"),
        (base64.b64encode(gzip.compress(b"") * 1_001).decode(), "more than 1,000 gzip files"),
    ],
)
def test_what_is_not_gzip_in_base64_is_an_invalid_event(content: str, words: str) -> None:
    with pytest.raises(BadMessageError, match=words) as failed:
        build_ingestion_events(submitted(content), SIZES)
    assert failed.value.code is ErrorCode.INVALID_EVENT
    assert str(failed.value).startswith("content: ")


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_is_too_large_and_hardly_any_of_it_is_decompressed(layers: int) -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB))
    data = bomb if layers == 1 else bomb * 3
    with pytest.raises(BadMessageError, match="more than 1,048,576 bytes") as failed:
        gunzip(data, MIB)
    assert failed.value.code is ErrorCode.TOO_LARGE


def test_a_file_too_large_before_decompression_is_too_large() -> None:
    with pytest.raises(BadMessageError, match="more than 1,000 bytes") as failed:
        inline_content(submitted("x", ContentForm.URI), b"a" * 1_001, 1_000)
    assert failed.value.code is ErrorCode.TOO_LARGE


async def test_without_a_setting_no_uri_is_fetched_and_the_reason_names_it() -> None:
    bounds = TaskLimits(timeout_s=60, cpu_s=10, memory_bytes=128 * MIB)
    async with open_interview_reader(processes=1, bounds=bounds, chunk_sizes=SIZES) as read:
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
    assert inline_content(zipped) == plain
    assert (uri.content, uri.content_form) == (TALK, ContentForm.URI)


def test_text_too_large_for_its_topic_is_compressed_where_records_are_not() -> None:
    kafka = KafkaSettings(compression="none")
    large = PLAIN.model_copy(update={"content": TALK * (9 * MIB // len(TALK))})
    assert compress_if_too_large(large, kafka).content_form is ContentForm.GZIP
    assert compress_if_too_large(large, KafkaSettings(compression="zstd")) is large
    assert compress_if_too_large(PLAIN, kafka) is PLAIN
