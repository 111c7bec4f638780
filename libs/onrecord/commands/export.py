"""``onrecord export``: a study's notes as a file, for colleagues, tools and sceptics."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from exports.formats import FORMATS, ExportFormat, guess_format
from onrecord.commands import notes as options
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count
from onrecord.settings import ClientSettings
from read_model.notes import NoteFilter

if TYPE_CHECKING:
    from onrecord.exporting import ExportRequest, ExportResult

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="The file, such as notes.docx; - is stdout.", show_default=False
    ),
]
Format = Annotated[
    ExportFormat | None,
    typer.Option(
        "--format",
        help="What the file is; as its name ends if not given. "
        + "; ".join(f"{name}: {one.meaning}" for name, one in FORMATS.items())
        + ".",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


def register(app: typer.Typer) -> None:
    """Add the command ``export`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(export)


def export(  # noqa: PLR0913 - one parameter an option
    file: File,
    *,
    format_: Format = None,
    study: options.Study = None,
    transcript: options.Transcript = None,
    theme: options.Theme = None,
    question: options.Question = None,
    speaker: options.Speaker = None,
    standing: options.StandingOption = None,
    since: options.Since = None,
    statements: options.Statements = None,
    decided: options.Decided = False,
    accepted: options.Accepted = False,
    hidden: options.Hidden = False,
    exact: options.Exact = False,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Export a study's notes to a file: a table, a document, a page or a project of another tool.

    Statements are findings, and words masked, as the study says, in every format. HTML, QDPX and
    JSON Lines contain the interviews, too. docs/exports.md says what each format has.

    Examples of use:

        onrecord export notes.xlsx
        onrecord export notes.docx --study small-repair-shops --theme pricing
        onrecord export new.docx --since 7d
        onrecord export study.qdpx
        onrecord export study.html --statements all
        onrecord export accepted.docx --accepted
        onrecord export - --format csv | head
    """
    from onrecord.exporting import ExportRequest, check_target  # noqa: PLC0415 - keeps help quick

    kind = format_ or guess_format(file)
    if kind is None:
        known = ", ".join(ExportFormat)
        raise UsageError(f"{file}: which format? end its name with, or give --format: {known}")
    request = ExportRequest(file, kind, statements, is_exact=exact, replaces=force)
    if file == "-" and json_output:
        raise UsageError("--json does not go with -, which prints the export itself")
    check_target(request)
    which = NoteFilter(
        study,
        transcript,
        theme,
        question,
        speaker,
        standing,
        since=options.parse_since(since),
        decision=options.choose_decision(decided=decided, accepted=accepted, hidden=hidden),
    )
    result = asyncio.run(_export(which, request))
    if json_output:
        print_json(asdict(result))
    elif file != "-":
        _print(result)


async def _export(which: NoteFilter, request: ExportRequest) -> ExportResult:
    from onrecord.connections import open_reading_client  # noqa: PLC0415 - slow to import
    from onrecord.exporting import export_study  # noqa: PLC0415 - slow to import
    from onrecord.note_selection import select_notes  # noqa: PLC0415 - slow to import

    async with open_reading_client(ClientSettings.load()) as reading:
        selection = await select_notes(reading, which, exact=request.is_exact)
        if len(selection.studies) != 1:
            known = "; ".join(selection.studies) or "none with an interview yet"
            raise UsageError(f"an export is of one study: name it with --study; known: {known}")
        (study,) = selection.studies
        counts = await reading.note_counts(study, selection.params)
        columns = TextColumn("notes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=err, transient=True) as bars:
            task = bars.add_task("notes", total=counts.total)
            return await export_study(
                reading, selection, request, lambda done: bars.update(task, completed=done)
            )


def _print(result: ExportResult) -> None:
    what = f"{format_count(result.notes, 'note')} of {format_count(result.interviews, 'interview')}"
    out.print(f"{what} in {result.file} ({result.bytes:,} bytes)", markup=False)
    out.print(f"sha256 {result.sha256}", markup=False)
    if result.digest is not None:
        out.print(f"digest {result.digest} (the page shows the same)", markup=False)
