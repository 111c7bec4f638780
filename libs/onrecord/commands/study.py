"""``onrecord study``: registered studies, made, shown, changed and archived over control's API."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from rich.markup import escape
from rich.table import Table

from contracts.refreshing import RefreshStudyRequest
from contracts.registry import CreateStudyRequest, EditStudyRequest, RegisteredStudy
from contracts.study import DoubtfulSpeakers, PersonalData, StatementPolicy
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count
from onrecord.refreshing import (
    describe_outdated_notes,
    refresh_outdated_interviews,
    wait_for_refresh,
)
from onrecord.settings import ClientSettings
from onrecord.study_files import edit_study_in_text_editor, parse_theme_options, read_study_document
from onrecord.submit.document_errors import format_document_errors

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")]
File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="Its YAML or JSON file, such as study.yaml.")
]
EditFile = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="What is to be otherwise, as YAML or JSON."),
]
NewId = Annotated[str | None, typer.Option("--id", metavar="STUDY", help="The study's id.")]
Name = Annotated[str | None, typer.Option("--name", help="What people call it.")]
Language = Annotated[
    str | None, typer.Option("--language", metavar="CODE", help="Of the notes (ISO 639).")
]
Themes = Annotated[
    list[str] | None,
    typer.Option(
        "--theme",
        metavar="ID=NAME",
        help="A theme; repeat it for each, since those given replace all there were.",
    ),
]
Questions = Annotated[
    list[str] | None,
    typer.Option("--question", metavar="ID=TEXT", help="A research question; the same holds."),
]
Personal = Annotated[
    PersonalData | None,
    typer.Option("--personal-data", help="What becomes of names and numbers in notes."),
]
Statements = Annotated[
    StatementPolicy | None,
    typer.Option("--statements", help="Which statements are shown as findings."),
]
Doubtful = Annotated[
    DoubtfulSpeakers | None,
    typer.Option("--doubtful-speakers", help="Transcripts in which it is in doubt who speaks."),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--retention-days",
        min=1,
        help="Dead letters expire after so long; `onrecord retention` sets the other times.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option("--daily-budget", metavar="USD", min=0, help="Most that a day (UTC) may cost."),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME", help="A model to ask, of the settings'; in order."),
]
Producers = Annotated[
    list[str] | None,
    typer.Option(
        "--producer",
        metavar="NAME",
        help="Takes this one's submissions (token:NAME, person:ID or a CloudEvents source); "
        "all if none.",
    ),
]
Transcripts = Annotated[
    list[str] | None,
    typer.Option("--transcript", metavar="ID", help="Only this interview; can be repeated."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would cost; ask nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until all notes are there.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1, help="Longest wait; then exit 1.")
]
Undo = Annotated[bool, typer.Option("--undo", help="Take interviews again.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``study`` to the command line."""
    study = typer.Typer(
        help="Studies: what interviews are asked, and the policies for their notes.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    for name, command in (
        *(("create", create), ("show", show), ("list", list_)),
        *(("edit", edit), ("archive", archive), ("refresh", refresh)),
    ):
        study.command(name)(command)
    app.add_typer(study, name="study")


def create(  # noqa: PLR0913, PLR0917 - a study has so many properties
    file: File = None,
    study_id: NewId = None,
    name: Name = None,
    language: Language = None,
    themes: Themes = None,
    questions: Questions = None,
    personal_data: Personal = None,
    statements: Statements = None,
    doubtful_speakers: Doubtful = None,
    retention_days: Retention = None,
    daily_budget_usd: Budget = None,
    models: Models = None,
    producers: Producers = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Register a study from a YAML file or from options, which come before the file.

    Examples of use:

        onrecord study create samples/study.yaml
        onrecord study create samples/study.yaml --daily-budget 5 --personal-data mask
        onrecord study create --id churn --name "Why they leave" --theme price=Price --theme fit=Fit
        onrecord study create study.json --json | jq .version
    """
    given = _given(
        name=name,
        language=language,
        themes=parse_theme_options("--theme", themes, "name"),
        questions=parse_theme_options("--question", questions, "text"),
        personal_data=personal_data,
        statements=statements,
        doubtful_speakers=doubtful_speakers,
        retention_days=retention_days,
        daily_budget_usd=daily_budget_usd,
        models=models,
        producers=producers,
        study_id=study_id,
    )
    if file is None and not given:
        raise UsageError("name the study's file, or give --id, --name and at least one --theme")
    document = read_study_document(file) if file is not None else {}
    wanted = _validate(CreateStudyRequest, document | given, file)
    made = _ask(lambda control: control.create_study(wanted))
    _print(made, "registered", json_output=json_output)


def show(study_id: StudyId, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Show a registered study: its version, themes, research questions and policies.

    Examples of use:

        onrecord study show small-repair-shops
        onrecord study show small-repair-shops --json > study.json
    """
    found = _ask(lambda control: control.study(study_id))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    out.print(_page(found))


def list_(json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """List the registered studies, including archived ones.

    Examples of use:

        onrecord study list
        onrecord study list --json | jq '.[] | select(.archived_at == null) | .study_id'
    """
    found = _ask(lambda control: control.list_registered_studies())
    if json_output:
        print_json([one.model_dump(mode="json") for one in found])
        return
    out.print(_table(found))


def edit(  # noqa: PLR0913, PLR0917 - a study has so many properties
    study_id: StudyId,
    file: EditFile = None,
    name: Name = None,
    language: Language = None,
    themes: Themes = None,
    questions: Questions = None,
    personal_data: Personal = None,
    statements: Statements = None,
    doubtful_speakers: Doubtful = None,
    retention_days: Retention = None,
    daily_budget_usd: Budget = None,
    models: Models = None,
    producers: Producers = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Change a registered study: by options, a file, or in your editor ($VISUAL, $EDITOR).

    Other themes, questions, names or languages make a new version, which new interviews are asked
    with; policies count for new interviews, too. Nobody else's change is overwritten.

    Examples of use:

        onrecord study edit small-repair-shops
        onrecord study edit small-repair-shops --daily-budget 100
        onrecord study edit small-repair-shops --file study.yaml
        onrecord study edit small-repair-shops --statements quotes --json
    """
    given = _given(
        name=name,
        language=language,
        themes=parse_theme_options("--theme", themes, "name"),
        questions=parse_theme_options("--question", questions, "text"),
        personal_data=personal_data,
        statements=statements,
        doubtful_speakers=doubtful_speakers,
        retention_days=retention_days,
        daily_budget_usd=daily_budget_usd,
        models=models,
        producers=producers,
    )
    current = _ask(lambda control: control.study(study_id))
    if file is None and not given:
        with edit_study_in_text_editor(current) as (document, written):
            edited = _change(current, document, written)
    else:
        document = read_study_document(file) if file is not None else {}
        edited = _change(current, document | given, file)
    done = "unchanged" if edited.changes == current.changes else "changed"
    _print(edited, done, json_output=json_output)
    for what, before, after in (
        ("themes", current.themes, edited.themes),
        ("questions", current.questions, edited.questions),
    ):
        kept = {one.id for one in after}
        if dropped := [one.id for one in before if one.id not in kept]:
            err.print(f"no longer among its {what}: {', '.join(dropped)}", markup=False)


def archive(
    study_id: StudyId,
    undo: Undo = False,  # noqa: FBT002 - a flag
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Archive a study, so that it accepts no more interviews; its notes are kept.

    Examples of use:

        onrecord study archive small-repair-shops
        onrecord study archive small-repair-shops --undo
    """
    changes = EditStudyRequest(archived=not undo)

    async def find_and_archive(control: ControlClient) -> RegisteredStudy:
        return await control.edit_study(await control.study(study_id), changes)

    changed = _ask(find_and_archive)
    _print(changed, "reopened" if undo else "archived", json_output=json_output)


def refresh(  # noqa: PLR0913, PLR0917 - what to ask, and how to go about it
    study_id: StudyId,
    transcripts: Transcripts = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    yes: Yes = False,  # noqa: FBT002 - a flag
    wait: Wait = False,  # noqa: FBT002 - a flag
    timeout: Timeout = 600.0,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Make new notes of a study's interviews by its current questions; show the cost first.

    Notes of the version before are shown until an interview is done, then those of the current one.
    Cached answers cost nothing. Asking twice asks nothing twice.

    Examples of use:

        onrecord study refresh small-repair-shops --dry-run
        onrecord study refresh small-repair-shops --yes --wait
        onrecord study refresh small-repair-shops --transcript 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d
        onrecord study refresh small-repair-shops --dry-run --json | jq .estimate.usd_high
    """
    only = {"transcript_ids": transcripts} if transcripts else {}
    asked = _validate(RefreshStudyRequest, only | {"dry_run": True}, None)
    found = _ask(lambda control: control.refresh_study(study_id, asked))
    if not dry_run and found.outdated:
        if not json_output:
            err.print(describe_outdated_notes(found), markup=False)
        if not yes:
            _confirm()
        found = _ask(lambda control: refresh_outdated_interviews(control, found, transcripts or []))
    if wait and not dry_run:
        with err.status("waiting for notes"):
            found = _ask(lambda control: wait_for_refresh(control, found, asked, timeout))
    if json_output:
        print_json(found.model_dump(mode="json"))
    else:
        err.print(describe_outdated_notes(found), markup=False)


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise UsageError("--yes: say it where nobody can be asked; --dry-run shows the costs")
    typer.confirm("Ask them again?", abort=True, err=True)


def _change(study: RegisteredStudy, document: dict[str, Any], file: Path | None) -> RegisteredStudy:
    if document.pop("study_id", study.study_id) != study.study_id:
        raise UsageError(f"{file}: the id of a study cannot be changed")
    changes = _validate(EditStudyRequest, document, file)
    return _ask(lambda control: control.edit_study(study, changes))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None and value != []}


def _validate(model: type[M], document: dict[str, Any], file: Path | None) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        where = f"{file}: " if file is not None else ""
        raise UsageError(f"{where}not a study: {format_document_errors(error)}") from error


def _print(study: RegisteredStudy, done: str, *, json_output: bool) -> None:
    if json_output:
        print_json(study.model_dump(mode="json"))
    else:
        err.print(f"{done}: {study.study_id}, version {study.version}", markup=False)


def _table(studies: Sequence[RegisteredStudy]) -> Table:
    table = Table("study", "name", "version", "asks for", "US$ a day", "state", box=None)
    for one in studies:
        asked = (
            f"{format_count(len(one.themes), 'theme')}, "
            f"{format_count(len(one.questions), 'question')}"
        )
        budget = "default" if one.daily_budget_usd is None else f"{one.daily_budget_usd:,.2f}"
        state = "archived" if one.archived_at else "open"
        table.add_row(
            escape(one.study_id), escape(one.name), str(one.version), asked, budget, state
        )
    return table


def _page(study: RegisteredStudy) -> Table:
    table = Table(show_header=False, box=None)
    shown = study.model_dump(mode="json", exclude={"themes", "questions", "changes"})
    for name, value in shown.items():
        text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        table.add_row(name, escape(text))
    for theme in study.themes:
        table.add_row("theme", escape(f"{theme.id}: {theme.name}"))
    for question in study.questions:
        table.add_row("question", escape(f"{question.id}: {question.text}"))
    return table


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
