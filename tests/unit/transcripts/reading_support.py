"""What the tests of several formats share: rows to compare, and the folder of real inputs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from contracts.transcript import Segment, TranscriptFormat
from transcripts import TranscriptReading, read_transcript

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


def shared(folder: str) -> Path:
    path = SHARED / folder
    if not path.is_dir():
        pytest.skip(f"the real inputs of ../shared/data/{folder} are not here")
    return path


def said(reading: TranscriptReading) -> list[tuple[str, str]]:
    return [(segment.speaker, segment.text) for segment in reading.segments]


def read(content: str, format: TranscriptFormat | None = None) -> TranscriptReading:  # noqa: A002  # as the API
    return read_transcript(content, format=format)


def assert_sound(segments: tuple[Segment, ...]) -> None:
    assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))
    for segment in segments:
        assert segment.text == " ".join(segment.text.split())
        offsets = [word.offset for word in segment.words]
        assert all(left < right for left, right in pairwise(offsets))
        assert all(not segment.text[offset].isspace() for offset in offsets)
        assert all(word.start_ms <= word.end_ms for word in segment.words)
        if segment.start_ms is not None and segment.end_ms is not None:
            assert segment.start_ms <= segment.end_ms
    for left, right in pairwise(segments):
        assert left.speaker != right.speaker
