"""Vendors' transcripts made segments and chunks: pure functions, no input or output, no clock."""

from transcripts.chunks import Chunk, split_into_chunks
from transcripts.errors import (
    DoubtfulTranscriptError,
    EmptyTranscriptError,
    MalformedTranscriptError,
    TooLargeTranscriptError,
    TranscriptError,
    UnknownFormatError,
)
from transcripts.reading import DEFAULT_MAX_BYTES, TranscriptReading, detect_format, read_transcript
from transcripts.report import ReadingReport
from transcripts.splitting import MAX_SEGMENT_CHARACTERS

__all__ = [
    "DEFAULT_MAX_BYTES",
    "MAX_SEGMENT_CHARACTERS",
    "Chunk",
    "DoubtfulTranscriptError",
    "EmptyTranscriptError",
    "MalformedTranscriptError",
    "ReadingReport",
    "TooLargeTranscriptError",
    "TranscriptError",
    "TranscriptReading",
    "UnknownFormatError",
    "detect_format",
    "read_transcript",
    "split_into_chunks",
]
