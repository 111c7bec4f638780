"""Why a transcript could not be read.

    BadMessageError (contracts.errors)
    └── TranscriptError           no retry can help: the file itself has to change
        ├── UnknownFormatError        none of the supported formats
        ├── MalformedTranscriptError  the format is known, but a place in it cannot be read
        ├── EmptyTranscriptError      nothing was said
        ├── DoubtfulTranscriptError   it could be read, but who speaks is in doubt
        └── TooLargeTranscriptError   longer than the limit

Messages name lines, cues and keys, never what was said.
"""

from __future__ import annotations

from contracts.errors import BadMessageError, ErrorCode


class TranscriptError(BadMessageError):
    """Base of all errors for transcripts that cannot be parsed."""

    code = ErrorCode.MALFORMED_TRANSCRIPT


class UnknownFormatError(TranscriptError):
    """Raised when a transcript's text is in none of the supported formats."""

    code = ErrorCode.UNKNOWN_FORMAT


class MalformedTranscriptError(TranscriptError):
    """Raised when a transcript violates its format in a way that cannot be repaired.

    Args:
        message: one line for people, naming the place.
        line: the line's number, counted from 1, where lines mean something in the format.
    """

    code = ErrorCode.MALFORMED_TRANSCRIPT

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class EmptyTranscriptError(TranscriptError):
    """Raised when a transcript contains no spoken words."""

    code = ErrorCode.EMPTY_TRANSCRIPT


class DoubtfulTranscriptError(TranscriptError):
    """Raised when it is unclear who speaks, and the study refuses such transcripts."""

    code = ErrorCode.DOUBTFUL_READING


class TooLargeTranscriptError(TranscriptError):
    """Raised when a transcript exceeds a size limit."""

    code = ErrorCode.TOO_LARGE
