"""``onrecord submit``: hands interviews in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from contracts.transcript import TranscriptFormat
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.options import require_finite
from onrecord.pages.rendering import escape_controls, page_width
from onrecord.settings import ClientSettings
from onrecord.submit.files import read_study
from onrecord.submit.interview_files import InterviewSelection, select_interviews

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
Revision = Annotated[
    int,
    typer.Option(min=1, max=2**31 - 1, help="One more for each corrected version."),
]
Accept = Annotated[
    bool, typer.Option("--accept", help="Submit transcripts in which it is in doubt who speaks.")
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Send without reading the files here.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until all notes are stored.")]
Timeout = Annotated[
    float,
    typer.Option(min=0, callback=require_finite, help="Longest wait with --wait, in seconds."),
]


def register(app: typer.Typer) -> None:
    """Add the command ``submit`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(submit)


def submit(  # noqa: PLR0913 - one parameter an option
    files: Files = None,
    *,
    study: StudyFile = None,
    manifest: Manifest = None,
    title: Title = None,
    interviewer: Interviewer = None,
    participant: Participant = None,
    format_: Format = None,
    revision: Revision = 1,
    accept: Accept = False,
    no_check: NoCheck = False,
    wait: Wait = False,
    timeout: Timeout = 600.0,
    json_output: Json = False,
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
    from onrecord.submit.batches import (  # noqa: PLC0415 - slow
        batch_to_json,
        find_batch_failure,
        format_batch,
        submit_batch,
    )
    from onrecord.submit.preparation import SubmissionOptions, declare_roles  # noqa: PLC0415 - slow to import

    chosen = _chosen(files or [], manifest, title)
    if chosen.left_out:
        names = ", ".join(escape_controls(path.name) for path in chosen.left_out)
        err.print(f"not submitted, as the manifest does not list them: {names}", markup=False)
    about = read_study(_study_file(study, chosen))
    speakers = declare_roles(interviewer or (), participant or ())
    declared = SubmissionOptions(
        title, format_, revision, speakers, check=not no_check, accept=accept
    )
    patience = timeout if wait else None
    batch = asyncio.run(
        submit_batch(chosen.interviews, about, declared, ClientSettings.load(), wait_s=patience)
    )
    if json_output:
        print_json(batch_to_json(batch))
    else:
        for line in format_batch(batch, page_width(out)):
            out.print(line)
    if (failure := find_batch_failure(batch)) is not None:
        raise failure


def _chosen(files: list[Path], manifest: Path | None, title: str | None) -> InterviewSelection:
    if not files and manifest is None:
        raise UsageError("name the files to submit, or give a --manifest")
    chosen = select_interviews(files, manifest)
    if title and len(chosen.interviews) > 1:
        raise UsageError("--title is for one file; a --manifest gives each its own")
    return chosen


def _study_file(study: Path | None, chosen: InterviewSelection) -> Path:
    if study is not None:
        return study
    if chosen.study_file is None:
        raise UsageError("give the study that the notes are for: --study study.yaml")
    return chosen.study_file
