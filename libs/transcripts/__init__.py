"""Vendors' transcripts made segments and chunks: pure functions, no input or output, no clock."""

from transcripts.chunks import Chunk, make_chunks
from transcripts.errors import (
    DoubtfulTranscriptError,
    EmptyTranscriptError,
    MalformedTranscriptError,
    TooLargeTranscriptError,
    TranscriptError,
    UnknownFormatError,
)
from transcripts.reading import DEFAULT_MAX_BYTES, Reading, detect_format, read_transcript
from transcripts.report import ReadingReport
from transcripts.splitting import MAX_SEGMENT_CHARACTERS

__all__ = [
    "DEFAULT_MAX_BYTES",
    "MAX_SEGMENT_CHARACTERS",
    "Chunk",
    "DoubtfulTranscriptError",
    "EmptyTranscriptError",
    "MalformedTranscriptError",
    "Reading",
    "ReadingReport",
    "TooLargeTranscriptError",
    "TranscriptError",
    "UnknownFormatError",
    "detect_format",
    "make_chunks",
    "read_transcript",
]
