"""``onrecord parse``: what is in a transcript file, without sending it anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from contracts.transcript import Segment, TranscriptFormat
from onrecord.console import Json, out, print_json
from onrecord.errors import UsageError
from onrecord.files import read_text
from onrecord.rendering import columns, count, paragraph, timestamp
from transcripts import Reading, TranscriptError, read_transcript

Files = Annotated[list[Path], typer.Argument(help="Transcript files.", show_default=False)]
Format = Annotated[
    TranscriptFormat | None,
    typer.Option("--format", help="The vendor's format; found from the content if not given."),
]
Segments = Annotated[bool, typer.Option("--segments", help="Print every turn too.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel="Interviews and notes")(parse)


def parse(
    files: Files,
    *,
    format_: Format = None,
    segments: Segments = False,
    json_output: Json = False,
) -> None:
    """Read transcript files and tell what is in them: format, speakers, turns, times.

    Nothing is sent. What was mended on the way is told. Files that cannot be read are named after
    the others, and the exit code is 2.

    Examples of use:

        onrecord parse interview.vtt
        onrecord parse samples/*.json --segments
        onrecord parse export.txt --format plain --json
    """
    readings: list[tuple[Path, Reading]] = []
    problems: list[str] = []
    for file in files:
        try:
            readings.append((file, _read(file, format_)))
        except UsageError as error:
            problems.append(str(error))
    if json_output and readings:
        print_json([_as_json(file, reading, segments=segments) for file, reading in readings])
    elif not json_output:
        for file, reading in readings:
            for line in _page(file, reading, segments=segments):
                out.print(line)
    if len(problems) == 1:
        raise UsageError(problems[0])
    if problems:
        told = f"{len(problems)} of {len(files)} files cannot be read"
        raise UsageError(told, details=problems)


def _read(file: Path, format_: TranscriptFormat | None) -> Reading:
    try:
        return read_transcript(read_text(file), format=format_)
    except TranscriptError as error:
        raise UsageError(f"{file}: {error}") from error


def _page(file: Path, reading: Reading, *, segments: bool) -> Iterator[Text]:
    width = columns(out)
    yield Text(str(file), style="bold cyan")
    yield Text(f"  format    {reading.format.value}")
    yield Text(f"  length    {count(len(reading.segments), 'segment')}, {_span(reading)}")
    words = _words(reading)
    for number, (speaker, role) in enumerate(_roles(reading).items()):
        first = "  speakers  " if number == 0 else " " * 12
        told = f"{speaker} ({role}), {count(words[speaker], 'word')}"
        yield from paragraph(told, width, indent=" " * 12, first=first)
    for notice in reading.notices:
        yield from paragraph(notice, width, indent=" " * 12, first="  mended    ", style="yellow")
    yield Text()
    if segments:
        for segment in reading.segments:
            yield from _turn(segment, width)
        yield Text()


def _turn(segment: Segment, width: int) -> Iterator[Text]:
    first = f"{segment.number:>4} {timestamp(segment.start_ms):>9} "
    said = f"{segment.speaker}: {segment.text}"
    yield from paragraph(said, width, indent=" " * len(first), first=first)


def _span(reading: Reading) -> str:
    starts = [one.start_ms for one in reading.segments if one.start_ms is not None]
    ends = [one.end_ms for one in reading.segments if one.end_ms is not None]
    if not starts:
        return "without times"
    return f"from {timestamp(min(starts))} to {timestamp(max([*starts, *ends]))}"


def _roles(reading: Reading) -> dict[str, str]:
    return {segment.speaker: segment.role.value for segment in reading.segments}


def _words(reading: Reading) -> Counter[str]:
    words: Counter[str] = Counter()
    for segment in reading.segments:
        words[segment.speaker] += len(segment.text.split())
    return words


def _as_json(file: Path, reading: Reading, *, segments: bool) -> dict[str, Any]:
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
        "notices": list(reading.notices),
    }
    if segments:
        found["turns"] = [segment.model_dump(mode="json") for segment in reading.segments]
    return found
