"""Text of a submission, whichever form its content has: inline, compressed, or fetched bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from contracts.events import TranscriptSubmitted
from contracts.gzip_content import (
    GZIP_MAGIC,
    MalformedGzipError,
    OversizedGzipError,
    decode_base64,
    gunzip,
)
from contracts.topics import MIB
from contracts.transcript import ContentForm
from ingestion.errors import MalformedContentError
from transcripts import TooLargeTranscriptError
from transcripts.files.decoding import decode_file

MAX_CONTENT_BYTES: Final = 32 * MIB
"""Most bytes of a file by default, before and after it is decompressed."""


class ResolvedContent(NamedTuple):
    """Submission whose content is text, and what was assumed to decode it.

    Attributes:
        submitted: the submission.
        notices: what was assumed, in sentences for people.
    """

    submitted: TranscriptSubmitted
    notices: tuple[str, ...] = ()


def resolve_content_to_text(
    submitted: TranscriptSubmitted,
    fetched: bytes | None = None,
    max_bytes: int = MAX_CONTENT_BYTES,
) -> ResolvedContent:
    """Return a submission with its compressed or fetched content decoded to text.

    Args:
        submitted: the interview as the producer handed it in.
        fetched: what is at its URI, if its content is one.
        max_bytes: the most bytes the file may have, before and after decompression.

    Raises:
        MalformedContentError: the content is not gzip in base64.
        TooLargeTranscriptError: the file is larger than the limit.
        TranscriptError: the file holds no text.
    """
    if submitted.content_form is ContentForm.TEXT:
        return ResolvedContent(submitted)
    with _named_refusals(max_bytes):
        if submitted.content_form is ContentForm.GZIP:
            fetched = decode_base64(submitted.content)
        assert fetched is not None, "what is at a URI is fetched first"
        check_file_size(len(fetched), max_bytes)
        if fetched.startswith(GZIP_MAGIC):
            fetched = gunzip(fetched, max_bytes)
    decoded = decode_file(fetched)
    text = {"content": decoded.text, "content_form": ContentForm.TEXT}
    return ResolvedContent(submitted.model_copy(update=text), decoded.notices)


def check_file_size(size: int, max_bytes: int) -> None:
    """Raise ``TooLargeTranscriptError`` if a file has more bytes than are allowed.

    Raises:
        TooLargeTranscriptError: it has.
    """
    if size > max_bytes:
        raise TooLargeTranscriptError(
            f"content: the file has more than {max_bytes:,} bytes (INGESTION_MAX_CONTENT_BYTES), "
            "before or after decompression"
        )


@contextmanager
def _named_refusals(max_bytes: int) -> Iterator[None]:
    """Raise what is wrong with gzip as errors about the field."""
    try:
        yield
    except MalformedGzipError as error:
        raise MalformedContentError(f"content: {error}") from error
    except OversizedGzipError:
        check_file_size(max_bytes + 1, max_bytes)
