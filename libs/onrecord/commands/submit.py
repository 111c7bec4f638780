"""``onrecord submit``: hands interviews in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from contracts.transcript import TranscriptFormat
from onrecord.connections import kafka_settings, open_postgres, open_producer
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.files import read_study
from onrecord.interviews import select
from onrecord.progress_bars import chunk_bar, file_bar
from onrecord.reading import Reading, TranscriptProgress
from onrecord.rendering import columns, count, paragraph
from onrecord.settings import ClientSettings
from onrecord.submitting import Declared, Prepared, prepare, roles
from onrecord.waiting import Watch

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE...",
        help="Transcripts, or folders of them. A folder's manifest.yaml and study.yaml are used.",
        show_default=False,
    ),
]
StudyFile = Annotated[
    Path | None, typer.Option("--study", help="YAML file with the study's themes and questions.")
]
Manifest = Annotated[
    Path | None, typer.Option(help="YAML list of files with title, recorded_at and speakers.")
]
Title = Annotated[str | None, typer.Option(help="What people call the interview (one file only).")]
Interviewer = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL", help="A speaker who asks, as the transcript names them."),
]
Participant = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL", help="A speaker who answers, as the transcript names them."),
]
Format = Annotated[
    TranscriptFormat | None,
    typer.Option("--format", help="The vendor's format; found from the content if not given."),
]
Revision = Annotated[int, typer.Option(min=1, help="One more for each corrected version.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Send without reading the files here.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until all notes are stored.")]
Timeout = Annotated[float, typer.Option(min=0, help="Longest wait with --wait, in seconds.")]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch.

    Attributes:
        interviews: what was sent, in order.
        progress: how far each was when the wait ended; None without a wait.
        finished: whether the wait ended because all was done.
    """

    interviews: Sequence[Prepared]
    progress: Sequence[TranscriptProgress] | None = None
    finished: bool = True


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel="Interviews and notes")(submit)


def submit(  # noqa: PLR0913 - one parameter an option
    files: Files = None,
    study: StudyFile = None,
    manifest: Manifest = None,
    title: Title = None,
    interviewer: Interviewer = None,
    participant: Participant = None,
    format_: Format = None,
    revision: Revision = 1,
    no_check: NoCheck = False,  # noqa: FBT002 - a flag
    wait: Wait = False,  # noqa: FBT002 - a flag
    timeout: Timeout = 600.0,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Submit interviews for notes; all files are checked before the first is sent.

    An interview is known by its file's name within its study. Submitting the same again changes
    nothing; a corrected interview is submitted with the next --revision.

    Examples of use:

        onrecord submit samples --wait
        onrecord submit talk.vtt --study study.yaml --interviewer "Hannah Lindqvist"
        onrecord submit *.json --study study.yaml --manifest manifest.yaml --json
        onrecord submit talk.vtt --study study.yaml --revision 2
    """
    if not files and manifest is None:
        raise UsageError("say which files to submit, or give a --manifest")
    chosen = select(files or [], manifest)
    if title and len(chosen.interviews) > 1:
        raise UsageError("--title is for one file; a --manifest gives each its own")
    if (study_file := study or chosen.study_file) is None:
        raise UsageError("say what the notes are to be about: --study study.yaml")
    speakers = roles(interviewer or (), participant or ())
    declared = Declared(title, format_, revision, speakers, check=not no_check)
    settings = ClientSettings.load()
    kafka = kafka_settings(settings)
    with file_bar("checking", len(chosen.interviews), quiet=json_output):
        ready = prepare(chosen.interviews, read_study(study_file), declared, kafka)
    sent = asyncio.run(_send(ready, settings, timeout if wait else None, quiet=json_output))
    _print(sent, json_output=json_output)
    _fail_if_unfinished(sent, timeout)
