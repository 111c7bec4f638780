"""Readers of files that people submit: transcripts in whatever encoding, and YAML."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from pydantic import ValidationError

from contracts.study import Study
from contracts.terminal import escape_control_characters
from contracts.topics import MIB, TRANSCRIPTS_SUBMITTED
from onrecord.errors import UsageError
from onrecord.submit.document_errors import format_document_errors
from onrecord.submit.yaml_files import InvalidYamlError, load_yaml
from transcripts import DEFAULT_MAX_BYTES, TranscriptError
from transcripts.files.decoding import DecodedFile, decode_file

WIDEST: Final = 4
"""Most bytes a character takes in UTF-8, UTF-16 or UTF-32."""

MAX_YAML_BYTES: Final = MIB
"""Bytes of a YAML file that people hand in, such as a study; a larger one is refused."""

TooLarge = Callable[[Path, int, int], UsageError]
"""Words that a file is too large: its path, its size and how large it may be, in bytes."""

_MARKS: Final = (
    # UTF-32 first: its little-endian mark begins like that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


def read_transcript_text(path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> str:
    """Read a transcript file as text, with unchanged line ends and without a BOM.

    Args:
        path: a text in any encoding, or a document of a word processor (DOCX, ODT, RTF) or PDF.
        max_bytes: the most its text may take as UTF-8.

    Raises:
        UsageError: the file is missing, empty, too large or holds no text; the message names it.
    """
    return read_transcript_file(path, max_bytes=max_bytes).text


def read_transcript_file(path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> DecodedFile:
    """Read and decode a transcript file; return its text and its encoding.

    Args:
        path: a text in any encoding, or a document of a word processor (DOCX, ODT, RTF) or PDF.
        max_bytes: the most its text may take as UTF-8.

    Raises:
        UsageError: the file is missing, empty, too large or holds no text; the message names it.
    """
    data = _read_bytes(path, max_bytes * WIDEST, _too_large_file)
    return decode_transcript(data, path, max_bytes=max_bytes)


def read_transcript_stream(
    stream: BinaryIO, name: Path, *, max_bytes: int = DEFAULT_MAX_BYTES
) -> bytes:
    """Read a transcript's bytes from a pipe or open file, up to a size limit.

    Args:
        stream: is read to its end.
        name: what messages call it.
        max_bytes: the most its text may take as UTF-8.

    Raises:
        UsageError: there is too much of it.
    """
    data = stream.read(max_bytes * WIDEST + 1)
    if len(data) > max_bytes * WIDEST:
        raise _too_large(name, len(data), max_bytes)
    return data


def decode_transcript(
    data: bytes, path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES
) -> DecodedFile:
    """Decode a transcript file's bytes; return its text and its encoding.

    Args:
        data: a text in any encoding, or a document of a word processor (DOCX, ODT, RTF) or PDF.
        path: what messages call it.
        max_bytes: the most its text may take as UTF-8.

    Raises:
        UsageError: it is empty, too large or holds no text; the message names it.
    """
    try:
        found = decode_file(data)
    except TranscriptError as error:
        raise UsageError(f"{path}: {error}") from error
    if (size := len(found.text.encode(errors="surrogatepass"))) > max_bytes:
        raise _too_large(path, size, max_bytes)
    return found


def read_study_file(path: Path) -> Study:
    """Read and validate a study from its YAML file.

    Raises:
        UsageError: the file cannot be read, is no YAML or no study; names the fields at fault.
    """
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise UsageError(f"{path}: not a study: it needs study_id, name and themes")
    # An event may have fields of a later version. In a file, a name that nobody knows is a slip,
    # and one of `personal_data` would show what is to be masked.
    if strange := [str(name) for name in document if name not in Study.model_fields]:
        known = ", ".join(Study.model_fields)
        raise UsageError(f"{path}: not a study: there is no {strange[0]!r}; there are {known}")
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{path}: not a study: {format_document_errors(error)}") from error


def read_yaml(path: Path) -> Any:
    """Read a YAML file; return the data in it.

    Raises:
        UsageError: the file cannot be read, or is no YAML; names line and column.
    """
    text = _decode(_read_bytes(path, MAX_YAML_BYTES, _too_large_yaml), path)
    try:
        return load_yaml(text)
    except InvalidYamlError as error:
        raise UsageError(f"{path}: not valid YAML{error}") from error


def _read_bytes(path: Path, limit: int, too_large: TooLarge) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(
                f"{path}: {'not a file' if path.exists() else 'there is no such file'}"
            )
        with path.open("rb") as file:
            data = file.read(limit + 1)  # whatever its size is said to be
            if len(data) > limit:
                raise too_large(path, max(path.stat().st_size, len(data)), limit)
            return data
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # U+0000 in a name, as a manifest may have it
        raise UsageError(
            f"{escape_control_characters(str(path))}: no file can have such a name"
        ) from error


def _decode(data: bytes, path: Path) -> str:
    mark, encoding, name = next(
        (found for found in _MARKS if data.startswith(found[0])), (b"", "utf-8", "UTF-8")
    )
    if not mark and _is_unmarked_utf16(data):
        raise UsageError(f"{path}: this is UTF-16 without a byte order mark: save it as UTF-8")
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        raise UsageError(
            f"{path}: not valid {name} at byte {offset:,}: save the file as UTF-8"
        ) from error


def _is_unmarked_utf16(data: bytes) -> bool:
    beginning = data[:200]
    return len(beginning) > 1 and (not any(beginning[0::2]) or not any(beginning[1::2]))


def _too_large_file(path: Path, size: int, limit: int) -> UsageError:
    return _too_large(path, size, limit // WIDEST)


def _too_large_yaml(path: Path, size: int, limit: int) -> UsageError:
    return UsageError(f"{path}: {size / MIB:,.1f} MiB of YAML; it may have {limit / MIB:g} MiB")


def _too_large(path: Path, size: int, limit: int) -> UsageError:
    return UsageError(
        f"{path}: {size / MIB:,.1f} MiB of text; an interview may have {limit / MIB:g} MiB of "
        f"text, and {TRANSCRIPTS_SUBMITTED.max_message_bytes / MIB:g} MiB as a compressed "
        "message: split the interview into several files"
    )
