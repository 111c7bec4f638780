"""Finding the format, and refusing what is none, empty or too large."""

from __future__ import annotations

import pytest

from contracts.errors import BadMessageError, ErrorCode
from contracts.transcript import TranscriptFormat
from transcripts import (
    EmptyTranscriptError,
    MalformedTranscriptError,
    TooLargeTranscriptError,
    UnknownFormatError,
    detect_format,
    read_transcript,
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("WEBVTT", TranscriptFormat.WEBVTT),
        ("\ufeffWEBVTT - Zoom\r\n\r\n", TranscriptFormat.WEBVTT),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", TranscriptFormat.SRT),
        ('\n {"monologues": []}', TranscriptFormat.REV),
        ('{"speakers": [], "segments": []}', TranscriptFormat.AMBERSCRIPT),
        ("[00:01] Ann: Hi", TranscriptFormat.PLAIN),
        ("[Ann] Hi\n[Ann] Ho", TranscriptFormat.PLAIN),
        ("WEBVTTX: Hi", TranscriptFormat.PLAIN),
        ("Ann Lee  0:03\nHi", TranscriptFormat.PLAIN),
    ],
)
def test_finds_the_format(content: str, expected: TranscriptFormat) -> None:
    assert detect_format(content) is expected


@pytest.mark.parametrize("content", ["", " \r\n\t", "\ufeff", "\x00\x00"])
@pytest.mark.parametrize("known", [None, *TranscriptFormat])
def test_refuses_an_empty_transcript(content: str, known: TranscriptFormat | None) -> None:
    with pytest.raises(EmptyTranscriptError) as caught:
        read_transcript(content, format=known)
    assert caught.value.code is ErrorCode.EMPTY_TRANSCRIPT


@pytest.mark.parametrize(
    "content",
    [
        "Just a letter, without names.",
        "Line\tSpkr\tStTime\n1\tx\t0.44",
        "<html><body>no</body></html>",
        "https://example.org/a",
    ],
)
def test_refuses_what_is_no_transcript(content: str) -> None:
    with pytest.raises(UnknownFormatError, match="supported are WebVTT") as caught:
        read_transcript(content)
    assert caught.value.code is ErrorCode.UNKNOWN_FORMAT


def test_takes_text_up_to_the_limit_and_refuses_more() -> None:
    content = "Ann: é" + "x" * 10
    size = len(content.encode())
    assert read_transcript(content, max_bytes=size).segments
    with pytest.raises(TooLargeTranscriptError, match=r"18 bytes .* 16") as caught:
        read_transcript(content + "x", max_bytes=size - 1)
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_refuses_thirty_megabytes_by_default() -> None:
    with pytest.raises(TooLargeTranscriptError):
        read_transcript("Ann: " + "x" * 30_000_000)


@pytest.mark.parametrize("declared", [one for one in TranscriptFormat if one.value != "webvtt"])
def test_webvtt_is_not_read_as_another_format(declared: TranscriptFormat) -> None:
    content = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Well, yes.\n"
    with pytest.raises(MalformedTranscriptError, match=f"WebVTT, declared as {declared.value}"):
        read_transcript(content, format=declared)


def test_every_reason_is_a_bad_message() -> None:
    for error in (EmptyTranscriptError, MalformedTranscriptError, UnknownFormatError):
        assert issubclass(error, BadMessageError)
