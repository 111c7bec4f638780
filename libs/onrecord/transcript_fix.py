"""``onrecord transcript fix``: speakers, roles and title of a stored interview corrected."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer
from pydantic import ValidationError

from contracts.corrections import CorrectTranscriptRequest, TranscriptCorrection
from contracts.events import SettledOutcome
from contracts.transcript import Role
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count
from onrecord.settings import ClientSettings
from onrecord.submit.document_errors import format_document_errors

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

POLL_S: Final = 0.5
"""Seconds between two looks at how far the corrected revision is."""

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="The interview's id, as `onrecord transcript list` has it."),
]
Rename = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="A speaker's right name; may be repeated."),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="NAME=ROLE",
        help="A speaker's right role: participant, interviewer or unknown; may be repeated.",
    ),
]
TurnSpeaker = Annotated[
    list[str] | None,
    typer.Option(
        "--turn",
        metavar="N[-M]=NAME",
        help="Who speaks in a turn, or in turns N to M, by their numbers; may be repeated.",
    ),
]
NewTitle = Annotated[str | None, typer.Option("--title", help="The interview's right title.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; it goes into the trail.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; show what would be changed.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until the corrected interview is the current one.")
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=1, help="With --wait: at most so many seconds.")
]


def fix(  # noqa: PLR0913, PLR0917 - one parameter an option
    transcript_id: Id,
    rename: Rename = None,
    role: Roles = None,
    turn: TurnSpeaker = None,
    title: NewTitle = None,
    reason: Reason = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    wait: Wait = False,  # noqa: FBT002 - a flag
    timeout: Timeout = 600.0,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Correct speakers, roles or the title of a stored interview, as a new revision.

    Its words, the numbers of its turns and their times stay. The model is asked again only about
    chunks whose text changes for it; a title alone costs nothing. Until all notes are stored,
    readers have those of the revision before. `withdraw` undoes it.

    Examples of use:

        onrecord transcript fix 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --rename Ana=Amara --dry-run
        onrecord transcript fix 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --role Amara=participant --wait
        onrecord transcript fix 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --turn 14-16=Amara
        onrecord transcript fix 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --title "Amara, 3 May" --json
    """
    wanted = _build_request(
        _split(rename, "--rename", "OLD=NEW"), _split_roles(role), _split(turn, "--turn", "N=NAME")
    )
    wanted |= {"title": title, "reason": reason}
    try:
        request = CorrectTranscriptRequest.model_validate(wanted)
        interview = UUID(transcript_id)
    except ValidationError as error:
        raise UsageError(format_document_errors(error)) from error
    except ValueError as error:
        raise UsageError(
            f"{transcript_id!r} is no interview's id: `onrecord transcript list` has them"
        ) from error
    done = asyncio.run(_fix(interview, request, dry_run=dry_run, within_s=timeout if wait else 0))
    if json_output:
        print_json(done.model_dump(mode="json"))
        return
    for line in describe_correction(done):
        (out if dry_run else err).print(line, markup=False)


async def _fix(
    transcript_id: UUID, wanted: CorrectTranscriptRequest, *, dry_run: bool, within_s: float
) -> TranscriptCorrection:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import

    async with open_control_client(ClientSettings.load()) as control:
        planned = await control.plan_correction(transcript_id, wanted)
        if dry_run:
            return planned
        done = await control.correct_transcript(planned, wanted)
        if within_s:
            await _wait(control, done, within_s)
        return done


async def _wait(control: ControlClient, done: TranscriptCorrection, within_s: float) -> None:
    """Wait until a corrected revision is the current one.

    Raises:
        FailedError: it is not in time, or some of it is a dead letter.
    """
    from onrecord.reading_client import ReadingClient  # noqa: PLC0415 - slow to import

    reading = ReadingClient(control)
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        found = await reading.transcript(done.transcript_id)
        if found.transcript.revision == done.revision:
            return
        failed = {SettledOutcome.REFUSED, SettledOutcome.DEAD_IN_PART}
        is_dead = any(
            one.revision == done.revision and one.outcome in failed for one in found.outcomes
        )
        if is_dead or asyncio.get_running_loop().time() > deadline:
            state = "is dead in part" if is_dead else "is on its way still"
            raise FailedError(
                f"revision {done.revision} {state}: readers have revision "
                f"{found.transcript.revision} until all of its chunks are stored (`onrecord dlq "
                "list`)"
            )
        await asyncio.sleep(POLL_S)


def describe_correction(done: TranscriptCorrection) -> list[str]:
    """Describe a correction of an interview, made or not, in lines for people."""
    again = len(done.asked_again)
    head = f"revision {done.corrects} of {done.transcript_id}"
    if done.revision is None:
        head = f"would correct {head} (nothing was changed)"
    else:
        head = f"corrected: {head}, as revision {done.revision}"
    changed = [
        *(["the title"] if done.changes_title else []),
        *([format_count(done.turns, "turn")] if done.turns else []),
    ]
    asked = "; the cache has the answers"
    if again:
        asked = f" ({', '.join(map(str, done.asked_again[:20]))}{', …' if again > 20 else ''})"  # noqa: PLR2004 - a line
    about = "about " if done.is_estimate else ""
    kept = done.notes - done.notes_asked_again
    return [
        head,
        f"changes: {' and '.join(changed) or 'nothing'}",
        f"chunks that the model is asked about again: {about}{again} of {done.chunks}{asked}",
        f"notes: {kept} of {done.notes} stay as they are; the others may be worded otherwise",
        f"quotes: all keep their words and places; another speaker or role: {done.quotes}",
    ]


def _build_request(
    renames: Mapping[str, str], roles: Mapping[str, Role], turns: Mapping[str, str]
) -> dict[str, object]:
    """Build the fields of the request; a role may be given by the old name or the new one."""
    left = dict(roles)
    speakers: list[dict[str, object]] = []
    for label, name in renames.items():
        role = roles.get(name, roles.get(label))
        speakers.append({"label": label, "name": name, "role": role})
        left.pop(name, None)
        left.pop(label, None)
    speakers += [{"label": label, "role": role} for label, role in left.items()]
    ranges = []
    for numbers, name in turns.items():
        first, _, last = numbers.partition("-")
        try:
            ranges.append({"first": int(first), "last": int(last or first), "speaker": name})
        except ValueError as error:
            raise UsageError(
                f"--turn: {numbers!r} is no number, and no range such as 14-16"
            ) from error
    return {"speakers": speakers, "turns": ranges}


def _split(values: list[str] | None, option: str, form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values or ():
        left, sign, right = value.partition("=")
        if not sign or not left.strip() or not right.strip():
            raise UsageError(f"{option}: has to be {form}, not {value!r}")
        if left.strip() in found:
            raise UsageError(f"{option}: {left.strip()!r} is given twice")
        found[left.strip()] = right.strip()
    return found


def _split_roles(values: list[str] | None) -> dict[str, Role]:
    try:
        return {name: Role(role) for name, role in _split(values, "--role", "NAME=ROLE").items()}
    except ValueError as error:
        raise UsageError(f"--role: a role is one of {', '.join(Role)}") from error
