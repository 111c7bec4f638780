"""``onrecord submit``: submits interviews, and waits for their notes if asked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from contracts.study import Study
from contracts.transcript import TranscriptFormat
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.options import validate_seconds
from onrecord.pages.parsed_interviews import format_parsed_interviews
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings
from onrecord.submit.files import read_study_file, read_transcript_stream
from onrecord.submit.interview_files import (
    STDIN,
    SUFFIXES,
    InterviewFile,
    InterviewSelection,
    select_interviews,
)

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE...",
        help="Transcripts, folders of them, patterns, or - for standard input. A folder's "
        "manifest.yaml and study.yaml are used.",
        show_default=False,
    ),
]
StudyFile = Annotated[
    Path | None,
    typer.Option(
        "--study",
        metavar="FILE|ID",
        help="YAML file with the study's themes and questions, or the id of a registered study.",
    ),
]
Manifest = Annotated[
    Path | None, typer.Option(help="YAML list of files with title, recorded_at and speakers.")
]
Title = Annotated[str | None, typer.Option(help="What people call the interview (one file only).")]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="FILENAME",
        help="What the file on standard input is called: an interview is known by it.",
    ),
]
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
Gzip = Annotated[
    bool,
    typer.Option(
        "--gzip", help="Compress all transcripts; those too large for a message are anyway."
    ),
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Send without reading the files here.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read and check everything, and send nothing.")
]
Kafka = Annotated[
    bool,
    typer.Option(
        "--kafka",
        help="Send them to Kafka, as producers do, and not to control's API; so it is too where "
        "KAFKA_BOOTSTRAP_SERVERS is set and ONRECORD_URL is not.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait until each interview is settled: its notes are stored, or it is set aside.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(min=0, callback=validate_seconds, help="Longest wait with --wait, in seconds."),
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
    name: Name = None,
    interviewer: Interviewer = None,
    participant: Participant = None,
    format_: Format = None,
    revision: Revision = 1,
    accept: Accept = False,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    gzip: Gzip = False,
    kafka: Kafka = False,
    wait: Wait = False,
    timeout: Timeout = 600.0,
    json_output: Json = False,
) -> None:
    """Submit interviews to a study; all files are checked before the first is sent.

    What was read in each is shown on a terminal before anything is sent: format, speakers, shares
    of words with a name and of turns with times. --dry-run ends there.

    An interview is known by its file's name within its study. Submitting the same again changes
    nothing, so a batch that was cut short is simply submitted again; a corrected interview is
    submitted with the next --revision.

    They go to control's API, which takes the role researcher in their study; with --kafka, to
    the broker.

    Examples of use:

        onrecord submit samples --wait
        onrecord submit talk.vtt --study study.yaml --interviewer "Hannah Lindqvist"
        onrecord submit talk.vtt --study bikes --wait    # registered by `onrecord study create`
        onrecord submit *.json --study study.yaml --manifest manifest.yaml --json
        onrecord submit talk.vtt --study study.yaml --revision 2
        onrecord submit 'exports/*.docx' --study study.yaml --dry-run
        onrecord submit samples --kafka
        unzip -p talks.zip ana.vtt | onrecord submit - --name ana.vtt --study study.yaml
    """
    from onrecord.submit.batches import (  # noqa: PLC0415 - slow
        batch_to_json,
        find_batch_failure,
        format_batch,
        prepare_batch,
        submit_batch,
    )
    from onrecord.submit.preparation import SubmissionOptions, declare_roles  # noqa: PLC0415 - slow to import

    chosen = _chosen(files or [], manifest, title, name)
    _name_left_out(chosen.left_out)
    about = _read_study(study, chosen)
    speakers = declare_roles(interviewer or (), participant or ())
    declared = SubmissionOptions(
        title, format_, revision, speakers, check=not no_check, accept=accept, compress=gzip
    )
    settings = ClientSettings.load()
    batch = prepare_batch(chosen.interviews, about, declared, settings)
    if dry_run and not json_output:
        out.print(format_parsed_interviews(batch.interviews))
    elif err.is_terminal:  # elsewhere nobody looks before it is sent
        err.print(format_parsed_interviews(batch.interviews))
    if not dry_run:
        wait_s, by_kafka = timeout if wait else None, kafka or settings.names_kafka_alone
        batch = asyncio.run(submit_batch(batch, settings, wait_s=wait_s, by_kafka=by_kafka))
    if json_output:
        print_json(batch_to_json(batch))
    else:
        for line in format_batch(batch, get_page_width(out)):
            out.print(line)
    if (failure := find_batch_failure(batch)) is not None:
        raise failure


def _name_left_out(files: Sequence[Path]) -> None:
    """Tell which files of the folders are not submitted, and why."""
    is_read = {path: path.suffix.lower() in SUFFIXES for path in files}
    for reason, wanted in (
        ("the manifest does not list them", True),
        ("their names do not end like a transcript's (name them to have them read)", False),
    ):
        if names := [path.name for path in files if is_read[path] is wanted]:
            err.print(f"not submitted, as {reason}: {', '.join(names)}", markup=False)


def _chosen(
    files: list[Path], manifest: Path | None, title: str | None, name: str | None
) -> InterviewSelection:
    if not files and manifest is None:
        raise UsageError("name the files to submit, or give a --manifest")
    if (STDIN in files) != (name is not None):
        raise UsageError("--name NAME goes with -, which stands for the file on standard input")
    chosen = select_interviews(files, manifest, lambda: _read_stdin(Path(name or "")))
    if title and len(chosen.interviews) > 1:
        raise UsageError("--title is for one file; a --manifest gives each its own")
    return chosen


def _read_stdin(path: Path) -> InterviewFile:
    if not path.name:
        raise UsageError("--name: give a file's name, such as ana.vtt")
    data = read_transcript_stream(sys.stdin.buffer, path)
    return InterviewFile(path, path.stem, data=data)


def _read_study(given: Path | None, chosen: InterviewSelection) -> Study | str:
    """The study in a file; or the id that is given, where no file has that name."""
    from onrecord.study_files import is_study_id  # noqa: PLC0415 - slow to import

    if given is not None and not given.is_file() and is_study_id(str(given)):
        return str(given)
    path = given or chosen.study_file
    if path is None:
        raise UsageError(
            "give the study that the notes are for: --study study.yaml, or a registered one's id"
        )
    return read_study_file(path)
