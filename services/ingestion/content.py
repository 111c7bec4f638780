"""Text of a submission, whichever form its content has: inline, compressed, or fetched bytes."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from contracts.events import TranscriptSubmitted
from contracts.topics import MIB
from contracts.transcript import ContentForm
from ingestion.errors import MalformedContentError
from transcripts import TooLargeTranscriptError
from transcripts.files import decode_file

MAX_CONTENT_BYTES: Final = 32 * MIB
"""Most bytes of a file by default, before and after it is decompressed."""

MAX_GZIP_MEMBERS: Final = 1_000
"""Most gzip files one after another in one; each costs a copy of what follows."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = zlib.MAX_WBITS | 16


def inline_content(
    submitted: TranscriptSubmitted,
    fetched: bytes | None = None,
    max_bytes: int = MAX_CONTENT_BYTES,
) -> TranscriptSubmitted:
    """Return a submission whose content is the file's text, decoded or fetched.

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
        return submitted
    if submitted.content_form is ContentForm.GZIP:
        fetched = _decode_base64(submitted.content)
        if not fetched.startswith(_GZIP_MAGIC):
            raise MalformedContentError("content: is not gzip in base64")
    assert fetched is not None, "what is at a URI is fetched first"
    check_file_size(len(fetched), max_bytes)
    if fetched.startswith(_GZIP_MAGIC):
        fetched = gunzip(fetched, max_bytes)
    text = decode_file(fetched).text
    return submitted.model_copy(update={"content": text, "content_form": ContentForm.TEXT})


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Decompress a gzip file, up to a limit of bytes.

    Raises:
        MalformedContentError: it is no gzip file, or not a whole one.
        TooLargeTranscriptError: it holds more than ``max_bytes``.
    """
    content = bytearray()
    for _ in range(MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(_GZIP_FORMAT)
        try:
            content += member.decompress(data, max_bytes + 1 - len(content))
        except zlib.error as error:
            raise MalformedContentError("content: is not valid gzip") from error
        check_file_size(len(content), max_bytes)
        if not member.eof:
            raise MalformedContentError("content: is gzip that ends too early")
        data = member.unused_data.lstrip(b"\0")  # padding, as of a tape, is no content
        if not data:
            return bytes(content)
    raise MalformedContentError(f"content: is more than {MAX_GZIP_MEMBERS:,} gzip files in one")


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


def _decode_base64(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedContentError("content: is not gzip in base64") from error
