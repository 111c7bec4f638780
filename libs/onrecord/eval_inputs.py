"""What an evaluation reads: benchmarks' files, and transcripts to take notes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from json import JSONDecodeError
from pathlib import Path
from typing import TypeVar

from contracts.transcript import Segment
from onrecord.console import err
from onrecord.errors import UsageError
from onrecord.submit.files import read_transcript_text
from onrecord.submit.interview_files import filter_transcript_files
from transcripts import TranscriptError, read_transcript

T = TypeVar("T")


def read_benchmark(file: Path, read: Callable[[str], list[T]]) -> list[T]:
    """What is in a benchmark's file.

    Args:
        file: JSON.
        read: makes samples of its text; raises ValueError.

    Raises:
        UsageError: it cannot be read, is not in the benchmark's format, or holds nothing.
    """
    try:
        found = read(read_transcript_text(file))
    except JSONDecodeError as error:
        raise UsageError(
            f"{file}: not JSON: line {error.lineno:,}, column {error.colno:,}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{file}: too many lists inside one another") from error
    if not found:
        raise UsageError(f"{file}: no samples")
    return found


def read_interviews(folder: Path) -> dict[str, Sequence[Segment]]:
    """The turns of all transcripts in a folder and the folders in it, by their paths from there.

    A file that looks like a transcript and is none is passed over, and named on stderr.

    Raises:
        UsageError: there is no such folder, or no transcript in it.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    found: dict[str, Sequence[Segment]] = {}
    for file in filter_transcript_files(folder.rglob("*")):
        name = file.relative_to(folder)
        try:
            turns = read_transcript(read_transcript_text(file)).segments
        except (TranscriptError, UsageError):
            err.print(f"passed over: {name}", style="dim", markup=False)
            continue
        # Without the suffix, by which the same talk in another format is told apart if need be.
        plain = str(name.with_suffix(""))
        found[plain if plain not in found else str(name)] = turns
    if not found:
        raise UsageError(f"{folder} holds no transcript")
    return found
