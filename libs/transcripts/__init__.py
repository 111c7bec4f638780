"""Vendors' transcripts made segments and chunks: pure functions, no input or output, no clock."""

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
from transcripts.segments.chunks import (
    Chunk,
    is_question_turn,
    select_context_turns,
    split_into_chunks,
)
from transcripts.segments.splitting import (
    MAX_SEGMENT_CHARACTERS,
    estimate_size_in_english_characters,
)

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
    "estimate_size_in_english_characters",
    "is_question_turn",
    "read_transcript",
    "select_context_turns",
    "split_into_chunks",
]
