"""``onrecord transcript``: interviews read, withdrawn, restored and handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from contracts.ownership import (
    HandOverRequest,
    HandoverResult,
    HandOverStudyRequest,
    OwnedTranscript,
    RevisionChangeResult,
    WithdrawRevisionRequest,
)
from onrecord.commands import notes as options
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings
from onrecord.submit.document_errors import format_document_errors
from onrecord.transcript_fix import fix

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient
    from onrecord.control_transport import Params
    from onrecord.reading_client import InterviewDetails
    from read_model.reading_reports import TranscriptReadingReport
    from read_model.transcripts import TranscriptSegment, TranscriptSummary

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

DEFAULT_TURNS: Final = 2
TranscriptId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The interview's id, as `onrecord transcript list` has it."),
]
Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Exact words and names in the reading report where the study masks them; takes the "
        "right to read evidence.",
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Only the turns around this time of the recording: 12:34 or 1:02:03.",
    ),
]
Turns = Annotated[
    int | None,
    typer.Option(
        "--turns",
        metavar="N",
        min=0,
        max=options.MAX_TURNS,
        help=f"With --at: how many turns before and behind; {DEFAULT_TURNS} if not given.",
        show_default=False,
    ),
]
Revision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", min=1, max=2**31 - 1, help="Which revision."),
]
To = Annotated[
    str,
    typer.Option("--to", metavar="PRODUCER", help="token:NAME, person:ID or a CloudEvents source."),
]
Of = Annotated[
    str | None,
    typer.Option("--from", metavar="PRODUCER", help="Only this one's interviews of the study."),
]
HandedOverId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The interview's id; or --study.")
]
HandedOverStudy = Annotated[
    str | None, typer.Option("--study", metavar="STUDY", help="All interviews of this study.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``transcript`` to the command line."""
    transcript = typer.Typer(
        help="Interviews: how far they are read, which revisions count, and whose they are.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    transcript.command("list")(list_interviews)
    transcript.command("show")(show)
    transcript.command("read")(read)
    transcript.command("withdraw")(withdraw)
    transcript.command("restore")(restore)
    transcript.command("handover")(handover)
    transcript.command("fix")(fix)
    app.add_typer(transcript, name="transcript")


def list_interviews(
    study: Study = None,
    limit: Limit = 1_000,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """List a study's interviews by title, each with its id and its progress.

    Examples of use:

        onrecord transcript list --study small-repair-shops
        onrecord transcript list --study small-repair-shops --limit 10 --json
    """
    from onrecord.pages.interviews import format_interviews  # noqa: PLC0415 - keeps help quick

    found = asyncio.run(_list(study, limit + 1))
    is_cut, found = len(found) > limit, found[:limit]
    if json_output:
        print_json([to_jsonable_python(one) for one in found])
    else:
        for line in format_interviews(found, get_page_width(out)):
            out.print(line)
    if is_cut:
        err.print(f"the first {format_count(limit, 'interview')}; a higher --limit shows more")
    elif not found:
        err.print("no interviews yet")


def show(
    transcript_id: TranscriptId,
    exact: Exact = False,  # noqa: FBT002 - a flag
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Show an interview's progress, its submissions' outcomes, and how it was read.

    How it was read is its reading report, as `onrecord parse` has it: format, speakers, times, what
    was mended and what is in doubt. Interviews of before it was kept have none.

    Examples of use:

        onrecord transcript show 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d
        onrecord transcript show 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --exact
        onrecord transcript show 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --json
    """
    # Keeps help quick.
    from onrecord.pages.interviews import format_interview, format_reading_report  # noqa: PLC0415

    found, report = asyncio.run(_find(_read_id(transcript_id), exact=exact))
    if json_output:
        print_json(to_jsonable_python(found) | {"reading_report": to_jsonable_python(report)})
        return
    for line in format_interview(found.transcript, found.outcomes, get_page_width(out)):
        out.print(line)
    for line in format_reading_report(report, get_page_width(out)) if report else ():
        out.print(line)


def read(  # noqa: PLR0913, PLR0917 - one parameter an option
    transcript_id: TranscriptId,
    at: At = None,
    turns: Turns = None,
    revision: Revision = None,
    exact: options.Exact = False,  # noqa: FBT002 - a flag
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print what was said in an interview, or the turns around a time of its recording.

    Personal data is masked unless the study allows it. Of --at, the turn is the last that began by
    then.

    Examples of use:

        onrecord transcript read 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d
        onrecord transcript read 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --at 12:34
        onrecord transcript read 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --at 1:02:03 --turns 5 --json
    """
    # Keeps help quick.
    from onrecord.pages.interviews import format_segments  # noqa: PLC0415
    from onrecord.turns import parse_recording_time  # noqa: PLC0415

    if turns is not None and at is None:
        raise UsageError("--turns goes with --at: without it, the whole interview is printed")
    at_ms = None if at is None else parse_recording_time(at)
    which: Params = {"revision": revision, "exact": exact or None}
    around = DEFAULT_TURNS if turns is None else turns
    found = asyncio.run(_read_segments(_read_id(transcript_id), which, at_ms, around))
    if json_output:
        print_json([to_jsonable_python(one) for one in found])
        return
    for line in format_segments(found, get_page_width(out)):
        out.print(line)


async def _read_segments(
    transcript_id: UUID, which: Params, at_ms: int | None, turns: int
) -> list[TranscriptSegment]:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.turns import read_turns_at  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        if at_ms is None:
            return [one async for one in reading.segments(transcript_id, which)]
        return await read_turns_at(reading, transcript_id, which, at_ms, turns)


async def _list(study: str | None, limit: int) -> list[TranscriptSummary]:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.reading_client import choose_study  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        name = choose_study(study, await reading.studies())
        return [one async for one in reading.transcripts(name, most=limit)]


async def _find(
    transcript_id: UUID, *, exact: bool
) -> tuple[InterviewDetails, TranscriptReadingReport | None]:
    from onrecord.connections import open_reading_client  # noqa: PLC0415 - slow to import

    async with open_reading_client(ClientSettings.load()) as reading:
        found = await reading.transcript(transcript_id)
        # Not of a revision that is stored between the two requests.
        which = {"revision": found.transcript.revision, "exact": exact}
        return found, await reading.reading_report(transcript_id, which)


def withdraw(
    transcript_id: TranscriptId,
    reason: Reason,
    revision: Revision = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Withdraw an interview's latest or given revision, so that the one before is current again.

    It is kept, and shown nowhere; work that is on its way for it does not bring it back. Its number
    is not used again: the next submission has the next number. `restore` undoes this.

    Examples of use:

        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason "wrong file"
        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --revision 9 --reason typo
        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason typo --json
    """
    wanted = _read(revision, reason)
    interview = _read_id(transcript_id)
    changed = _ask(lambda control: control.withdraw_revision(interview, wanted))
    _print(changed, "withdrawn", json_output=json_output)


def restore(
    transcript_id: TranscriptId,
    reason: Reason,
    revision: Revision = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Restore a withdrawn revision of an interview, the last one if none is given.

    Examples of use:

        onrecord transcript restore 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason "it was right"
        onrecord transcript restore 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --revision 2 --reason typo
    """
    wanted = _read(revision, reason)
    interview = _read_id(transcript_id)
    changed = _ask(lambda control: control.restore_revision(interview, wanted))
    _print(changed, "restored", json_output=json_output)


def handover(  # noqa: PLR0913, PLR0917 - one or all of a study
    to: To,
    reason: Reason,
    transcript_id: HandedOverId = None,
    study: HandedOverStudy = None,
    of: Of = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Make another producer the owner of an interview, or of a study's interviews.

    Examples of use:

        onrecord transcript handover 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --to /a --reason new
        onrecord transcript handover --study repairs --from /old --to /new --reason moved
        onrecord transcript handover --study repairs --to token:ada --reason "he left" --json
    """
    if (transcript_id is None) == (study is None) or (of is not None and study is None):
        raise UsageError("name an interview by its id, or a study with --study (and --from)")
    if study is None:
        wanted = _validate(HandOverRequest, to=to, reason=reason)
        interview = _read_id(transcript_id or "")
        owned = _ask(lambda control: control.hand_over_transcript(interview, wanted))
        _print_handed_over(owned, f"interview {interview}", json_output=json_output)
    else:
        of_study = _validate(HandOverStudyRequest, to=to, reason=reason, of=of)
        name = study
        handed = _ask(lambda control: control.hand_over_interviews(name, of_study))
        what = f"{format_count(handed.transcripts, 'interview')} of {study}"
        _print_handed_over(handed, what, json_output=json_output)


def _print_handed_over(
    done: OwnedTranscript | HandoverResult, what: str, *, json_output: bool
) -> None:
    if json_output:
        print_json(done.model_dump(mode="json"))
    else:
        err.print(f"handed over to {done.producer}: {what}", markup=False)


def _validate(model: type[M], **fields: object) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise UsageError(format_document_errors(error)) from error


def _read(revision: int | None, reason: str) -> WithdrawRevisionRequest:
    try:
        return WithdrawRevisionRequest(revision=revision, reason=reason)
    except ValidationError as error:
        raise UsageError("--reason: is a line of 1 to 500 characters") from error


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no interview's id: `onrecord transcript list` has them"
        ) from error


def _print(changed: RevisionChangeResult, done: str, *, json_output: bool) -> None:
    if json_output:
        print_json(changed.model_dump(mode="json"))
        return
    now = changed.transcript
    current = "none" if now.current is None else f"revision {now.current}"
    err.print(
        f"{done}: revision {changed.revision} of {now.transcript_id}; current: {current}",
        markup=False,
    )


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
