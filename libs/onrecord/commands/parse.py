"""``onrecord parse``: what is in a transcript file, without sending it anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from contracts.transcript import Segment, TranscriptFormat
from onrecord.console import Json, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import (
    format_count,
    format_recording_time,
    get_page_width,
    wrap_paragraph,
)
from onrecord.submit.earlier_segments import load_earlier_segments
from onrecord.submit.files import read_transcript_file
from transcripts import TranscriptError, TranscriptReading, read_transcript
from transcripts.differences import compare_transcript_parses
from transcripts.files.decoding import DecodedFile

_MAX_SHOWN: Final = 30
"""Differences printed for people."""
_ReadFile = tuple[Path, DecodedFile, TranscriptReading]

Files = Annotated[list[Path], typer.Argument(help="Transcript files.", show_default=False)]
Format = Annotated[
    TranscriptFormat | None,
    typer.Option("--format", help="The vendor's format; found from the content if not given."),
]
Accept = Annotated[
    bool, typer.Option("--accept", help="Exit 0 although it is in doubt who speaks.")
]
Diff = Annotated[
    Path | None,
    typer.Option(
        "--diff",
        metavar="OLD",
        help="Compare with an older reading: a stored TranscriptIngested, or parse's JSON.",
    ),
]
Segments = Annotated[bool, typer.Option("--segments", help="Print every turn too.")]


def register(app: typer.Typer) -> None:
    """Add the command ``parse`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(parse)


def parse(  # noqa: PLR0913 - each is an option of the command line
    files: Files,
    *,
    format_: Format = None,
    segments: Segments = False,
    accept: Accept = False,
    diff: Diff = None,
    json_output: Json = False,
) -> None:
    """Parse transcript files and report their format, speakers, turns and times.

    Nothing is sent. What was mended on the way is reported, and what is in doubt: words without a
    speaker in a file that names speakers, or a label that may be speech. Files that cannot be read
    are named after the others. The exit code is 2 for those, and for files in doubt without
    --accept.

    With --diff, what today's reader makes of one file is compared with an older reading of it: who
    says which words, roles, where turns start, words gone or added. Exit code 1 if anything
    differs.

    Examples of use:

        onrecord parse interview.vtt
        onrecord parse samples/*.json --segments
        onrecord parse export.txt --format plain --json
        onrecord parse podcast.srt --accept
        onrecord parse interview.vtt --diff stored.json
    """
    if diff is not None:
        _compare(files, diff, format_, json_output=json_output)
        return
    readings, problems = _read_all(files, format_)
    if json_output and readings:
        print_json([_as_json(*one, segments=segments) for one in readings])
    elif not json_output:
        for one in readings:
            for line in _page(*one, segments=segments):
                out.print(line)
    doubts = [] if accept else [_doubt(*one) for one in readings if one[2].report.doubts]
    _fail(problems, doubts, len(files))


def _compare(
    files: list[Path], older: Path, format_: TranscriptFormat | None, *, json_output: bool
) -> None:
    """Print how today's reading of a file differs from an older one; fail if it does."""
    if len(files) != 1:
        raise UsageError("--diff compares one file with its older reading")
    (file,) = files
    segments = load_earlier_segments(older, file)
    reading = _read(file, read_transcript_file(file).text, format_)
    found = compare_transcript_parses(segments, reading.segments)
    if json_output:
        print_json({"file": str(file), "differences": [asdict(one) for one in found]})
    for one in [] if json_output else found[:_MAX_SHOWN]:
        place = "" if one.segment is None else f" (segment {one.segment})"
        for line in wrap_paragraph(
            f"{one.sentence}{place}",
            get_page_width(out),
            indent=" " * 12,
            first=f"  {one.what:<10}",
        ):
            out.print(line)
    if len(found) > _MAX_SHOWN and not json_output:
        out.print(f"  and {len(found) - _MAX_SHOWN:,} more; --json has all")
    if found:
        raise FailedError(f"{file} is read otherwise today than in {older}")


def _read_all(
    files: list[Path], format_: TranscriptFormat | None
) -> tuple[list[_ReadFile], list[str]]:
    readings: list[_ReadFile] = []
    problems: list[str] = []
    for file in files:
        try:
            found = read_transcript_file(file)
            readings.append((file, found, _read(file, found.text, format_)))
        except UsageError as error:
            problems.append(str(error))
    return readings, problems


def _doubt(file: Path, _: DecodedFile, reading: TranscriptReading) -> str:
    return f"{file}: who speaks is in doubt: {'; '.join(reading.report.doubts)}"


def _fail(problems: list[str], doubts: list[str], files: int) -> None:
    """Raise a ``UsageError`` that names all files that cannot be read, or are in doubt."""
    if len(problems) + len(doubts) == 1:
        hint = " (--accept takes it so)" if doubts else ""
        raise UsageError(f"{(problems or doubts)[0]}{hint}")
    if problems or doubts:
        messages = [f"{len(problems)} of {files} files cannot be read"] if problems else []
        messages += (
            [f"{len(doubts)} of {files} are in doubt (--accept takes them so)"] if doubts else []
        )
        raise UsageError(", ".join(messages), details=[*problems, *doubts])


def _read(file: Path, text: str, format_: TranscriptFormat | None) -> TranscriptReading:
    try:
        return read_transcript(text, format=format_)
    except TranscriptError as error:
        raise UsageError(f"{file}: {error}") from error


def _page(
    file: Path, found: DecodedFile, reading: TranscriptReading, *, segments: bool
) -> Iterator[Text]:
    width = get_page_width(out)
    yield Text(str(file), style="bold cyan")
    yield Text(f"  format    {reading.format.value}")
    yield Text(f"  length    {format_count(len(reading.segments), 'segment')}, {_span(reading)}")
    words = _words(reading)
    for number, (speaker, role) in enumerate(_roles(reading).items()):
        first = "  speakers  " if number == 0 else " " * 12
        messages = f"{speaker} ({role}), {format_count(words[speaker], 'word')}"
        yield from wrap_paragraph(messages, width, indent=" " * 12, first=first)
    for notice in (*found.notices, *reading.notices):
        yield from wrap_paragraph(
            notice, width, indent=" " * 12, first="  mended    ", style="yellow"
        )
    for doubt in reading.report.doubts:
        yield from wrap_paragraph(doubt, width, indent=" " * 12, first="  in doubt  ", style="red")
    yield Text()
    if segments:
        for segment in reading.segments:
            yield from _turn(segment, width)
        yield Text()


def _turn(segment: Segment, width: int) -> Iterator[Text]:
    first = f"{segment.number:>4} {format_recording_time(segment.start_ms):>9} "
    said = f"{segment.speaker}: {segment.text}"
    yield from wrap_paragraph(said, width, indent=" " * len(first), first=first)


def _span(reading: TranscriptReading) -> str:
    starts = [one.start_ms for one in reading.segments if one.start_ms is not None]
    ends = [one.end_ms for one in reading.segments if one.end_ms is not None]
    if not starts:
        return "without times"
    first, last = min(starts), max([*starts, *ends])
    return f"from {format_recording_time(first)} to {format_recording_time(last)}"


def _roles(reading: TranscriptReading) -> dict[str, str]:
    return {segment.speaker: segment.role.value for segment in reading.segments}


def _words(reading: TranscriptReading) -> Counter[str]:
    words: Counter[str] = Counter()
    for segment in reading.segments:
        words[segment.speaker] += len(segment.text.split())
    return words


def _as_json(
    file: Path, text: DecodedFile, reading: TranscriptReading, *, segments: bool
) -> dict[str, Any]:
    words = _words(reading)
    found = {
        "file": str(file),
        "format": reading.format.value,
        "segments": len(reading.segments),
        "speakers": [
            {"label": label, "role": role, "words": words[label]}
            for label, role in _roles(reading).items()
        ],
        "start_ms": min(
            (s.start_ms for s in reading.segments if s.start_ms is not None), default=None
        ),
        "end_ms": max((s.end_ms for s in reading.segments if s.end_ms is not None), default=None),
        "encoding": text.encoding,
        "unnamed_share": round(reading.report.unnamed_share, 4),
        "timed_share": round(reading.report.timed_share, 4),
        "notices": [*text.notices, *reading.notices],
        "doubts": list(reading.report.doubts),
    }
    if segments:
        found["turns"] = [segment.model_dump(mode="json") for segment in reading.segments]
    return found
