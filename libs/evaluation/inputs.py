"""Read what an evaluation needs: benchmark files, and folders of transcripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Final, TypeVar

from contracts.transcript import Segment
from evaluation.errors import InputError
from transcripts import TranscriptError, read_transcript
from transcripts.files.decoding import decode_file

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Bytes of a benchmark or transcript file; a larger one is refused before it is decoded."""
TRANSCRIPT_SUFFIXES: Final = frozenset({".vtt", ".srt", ".txt", ".json"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InterviewFolder:
    """The transcripts of a folder and of the folders in it.

    Attributes:
        interviews: the segments of each, by its path from the folder, without the suffix where
            that is enough to tell files apart.
        skipped: files that look like transcripts by their suffix and cannot be read as one.
    """

    interviews: Mapping[str, Sequence[Segment]]
    skipped: Sequence[Path]


def read_benchmark(file: Path, parse: Callable[[str], list[T]]) -> list[T]:
    """Return the samples of a benchmark's JSON file.

    Args:
        file: JSON.
        parse: makes samples of its text; raises ValueError.

    Raises:
        InputError: the file cannot be read, is not in the benchmark's format, or has no samples.
    """
    try:
        samples = parse(read_text(file))
    except JSONDecodeError as error:
        raise InputError(
            f"{file}: not JSON: line {error.lineno:,}, column {error.colno:,}"
        ) from error
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{file}: too many lists inside one another") from error
    if not samples:
        raise InputError(f"{file}: no samples")
    return samples


def read_interviews(folder: Path) -> InterviewFolder:
    """Read all transcripts in a folder and in the folders below it.

    Raises:
        InputError: there is no such folder, or no transcript in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    interviews: dict[str, Sequence[Segment]] = {}
    skipped: list[Path] = []
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in TRANSCRIPT_SUFFIXES or not file.is_file():
            continue
        name = file.relative_to(folder)
        try:
            segments = read_transcript(read_text(file)).segments
        except (TranscriptError, InputError):
            skipped.append(name)
            continue
        # The same talk may lie there in two formats: then the suffix distinguishes the files.
        stem = str(name.with_suffix(""))
        interviews[stem if stem not in interviews else str(name)] = segments
    if not interviews:
        raise InputError(f"{folder} holds no transcript")
    return InterviewFolder(interviews, skipped)


def read_text(file: Path) -> str:
    """Return a file's text, of any Unicode encoding that says which it is.

    Raises:
        InputError: there is no such file, it cannot be read, is too large or holds no text.
    """
    try:
        if not file.is_file():
            found = "not a file" if file.exists() else "there is no such file"
            raise InputError(f"{file}: {found}")
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise InputError(f"{file}: larger than {MAX_FILE_BYTES:,} bytes")
        return decode_file(data).text
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except TranscriptError as error:
        raise InputError(f"{file}: {error}") from error
