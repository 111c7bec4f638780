"""``onrecord erase``: interviews erased on request, and the receipts."""

from __future__ import annotations

import asyncio
import binascii
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError

from contracts.erasures import EraseRequest, Erasure, ErasureState, SignedErasureReceipt
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings
from onrecord.submit.document_errors import format_document_errors

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

WAIT_S: Final = 60.0
"""Default of the longest wait until an erasure is complete, in seconds."""

TranscriptId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The interview's id, as `onrecord transcript list` has it."),
]
Participant = Annotated[
    str, typer.Argument(metavar="NAME", help="The name under which the participant speaks.")
]
StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")]
OfStudy = Annotated[str, typer.Option("--study", metavar="STUDY", help="The study's id.")]
OnlyStudy = Annotated[
    str | None, typer.Option("--study", metavar="STUDY", help="Only of this study.")
]
Reason = Annotated[
    str,
    typer.Option("--reason", help="Why; it goes into the trail and stays there: no name."),
]
Reference = Annotated[
    str,
    typer.Option(
        "--reference", help="Such as a ticket's number; it stays on the receipt: no name."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is done.")]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="S", min=0, max=86_400, help="Longest wait for the receipt, in seconds."
    ),
]
ErasureId = Annotated[
    str,
    typer.Argument(metavar="ERASURE", help="The erasure's id, as `onrecord erase list` has it."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the signed receipt to this file."),
]
ReceiptFile = Annotated[Path, typer.Argument(metavar="FILE", help="The signed receipt.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="BASE64",
        help="The public key of the system that signed it; without it, the system is asked.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``erase`` to the command line."""
    erase = typer.Typer(
        help="Erase interviews on request: of one, of a participant, of a study; with a receipt.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    erase.command("transcript")(erase_transcript)
    erase.command("participant")(erase_participant)
    erase.command("study")(erase_study)
    erase.command("list")(list_all)
    erase.command("show")(show)
    erase.command("receipt")(receipt)
    erase.command("verify")(verify)
    app.add_typer(erase, name="erase")


def erase_transcript(  # noqa: PLR0913, PLR0917 - one parameter an option
    transcript_id: TranscriptId,
    reason: Reason,
    reference: Reference = "",
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    yes: Yes = False,  # noqa: FBT002 - a flag
    wait: Wait = WAIT_S,
    output: Output = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Erase an interview: all revisions, notes, evidence, dead letters and cached answers.

    It cannot be undone. What arrives of it later is discarded; its id is never used again. The
    receipt says what was deleted, and what remains where and until when.

    Examples of use:

        onrecord erase transcript 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason consent --dry-run
        onrecord erase transcript 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason consent -o r.json
    """
    wanted = _build_request(
        transcript_id=_read_id(transcript_id, "onrecord transcript list"),
        reason=reason,
        reference=reference,
    )
    _erase(wanted, EraseOptions(dry_run, yes, wait, output, json_output))


def erase_participant(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Participant,
    study: OfStudy,
    reason: Reason,
    reference: Reference = "",
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    yes: Yes = False,  # noqa: FBT002 - a flag
    wait: Wait = WAIT_S,
    output: Output = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Erase all interviews of a study in which a participant speaks.

    They are erased whole, with what others said there. Interviews are found by the speaker's name,
    in any letter case: what others say about a participant is not.

    Examples of use:

        onrecord erase participant "Amara Okafor" --study repairs --reason consent --dry-run
        onrecord erase participant P07 --study repairs --reason consent --reference T-311 --yes
    """
    wanted = _build_request(study_id=study, participant=name, reason=reason, reference=reference)
    _erase(wanted, EraseOptions(dry_run, yes, wait, output, json_output))


def erase_study(  # noqa: PLR0913, PLR0917 - one parameter an option
    study: StudyId,
    reason: Reason,
    reference: Reference = "",
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    yes: Yes = False,  # noqa: FBT002 - a flag
    wait: Wait = WAIT_S,
    output: Output = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Erase all interviews of a study, and archive it, so that it takes no more.

    Its themes and questions, which are nobody's words, stay.

    Examples of use:

        onrecord erase study repairs --reason "the project is over" --dry-run
        onrecord erase study repairs --reason "the project is over" --yes --output receipt.json
    """
    wanted = _build_request(study_id=study, reason=reason, reference=reference)
    _erase(wanted, EraseOptions(dry_run, yes, wait, output, json_output))


def list_all(
    study: OnlyStudy = None,
    limit: Limit = 100,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """List erasures, the latest first, and how far each is.

    Examples of use:

        onrecord erase list
        onrecord erase list --study repairs --json
    """
    # Keeps help quick.
    from onrecord.erasing import list_erasures  # noqa: PLC0415
    from onrecord.pages.erasures import format_erasure  # noqa: PLC0415

    found = _ask(lambda control: list_erasures(control, study, limit))
    if json_output:
        print_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        for line in format_erasure(one, get_page_width(out)):
            out.print(line)
    if not found:
        err.print("nothing was erased")


def show(
    erasure_id: ErasureId,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Show how far an erasure is, and which services it waits for.

    Examples of use:

        onrecord erase show 5f0c1d6e-0b1e-4b0e-8a3a-6f1f0a8c2f11
        onrecord erase show 5f0c1d6e-0b1e-4b0e-8a3a-6f1f0a8c2f11 --json
    """
    # Keeps help quick.
    from onrecord.erasing import find_erasure  # noqa: PLC0415
    from onrecord.pages.erasures import format_erasure  # noqa: PLC0415

    wanted = _read_id(erasure_id, "onrecord erase list")
    found = _ask(lambda control: find_erasure(control, wanted))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_erasure(found, get_page_width(out)):
        out.print(line)


def receipt(
    erasure_id: ErasureId,
    output: Output = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print the receipt of a complete erasure, or write it with its signature to a file.

    Examples of use:

        onrecord erase receipt 5f0c1d6e-0b1e-4b0e-8a3a-6f1f0a8c2f11
        onrecord erase receipt 5f0c1d6e-0b1e-4b0e-8a3a-6f1f0a8c2f11 --output receipt.json
    """
    from onrecord.erasing import read_receipt  # noqa: PLC0415 - keeps help quick

    wanted = _read_id(erasure_id, "onrecord erase list")
    signed = _ask(lambda control: read_receipt(control, wanted))
    _print_receipt(signed, output, json_output=json_output)


def verify(
    file: ReceiptFile,
    key: Key = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Verify a receipt's signature, and print what it says; exit code 1 if it was changed.

    With --key, no system is asked: an auditor needs the file and the key alone.

    Examples of use:

        onrecord erase verify receipt.json
        onrecord erase verify receipt.json --key 3kV0mS4XzJr0m2mXo0f0W5wT2Jt0o1b0Yw6m2m1n0aA=
    """
    # Keeps help quick.
    from onrecord.erasing import load_receipt, read_key, verify_receipt  # noqa: PLC0415
    from onrecord.pages.erasures import format_receipt  # noqa: PLC0415

    signed = load_receipt(file)
    found = verify_receipt(signed, _ask(read_key) if key is None else _read_key(key))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_receipt(found, get_page_width(out)):
        out.print(line)
    err.print("the signature is right")


@dataclass(frozen=True, slots=True)
class EraseOptions:
    """Options that the commands that erase have in common.

    Attributes:
        dry_run: only show what would be erased.
        yes: do not ask before.
        wait_s: longest wait for the receipt, in seconds.
        output: file of the receipt.
        json_output: print JSON.
    """

    dry_run: bool
    yes: bool
    wait_s: float
    output: Path | None
    json_output: bool


def _erase(wanted: EraseRequest, options: EraseOptions) -> None:
    """Show what is to be erased, ask, erase, wait, and print the receipt."""
    # Keeps help quick.
    from onrecord.erasing import plan_erasure, read_receipt  # noqa: PLC0415
    from onrecord.pages.erasures import format_plan  # noqa: PLC0415

    if not options.dry_run and not options.yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at: add --yes to erase, or --dry-run")
    _refuse_existing(options.output)
    plan = _ask(lambda control: plan_erasure(control, wanted))
    if options.dry_run and options.json_output:
        print_json(plan.model_dump(mode="json"))
        return
    for line in format_plan(plan, get_page_width(err)):
        err.print(line)
    if options.dry_run:
        err.print("nothing was erased: this was a dry run")
        return
    if not options.yes and not typer.confirm("Erase it for ever?", err=True):
        err.print("nothing was erased")
        raise typer.Exit(1)
    shown = wanted.model_copy(update={"expected": plan.transcripts})
    erasure = _ask(lambda control: _begin_and_wait(control, shown, options.wait_s))
    if erasure.state is not ErasureState.COMPLETE:
        if options.json_output:
            print_json(erasure.model_dump(mode="json"))
        raise FailedError(
            f"erasure {erasure.erasure_id} goes on: after {options.wait_s:g} s it is not complete; "
            f"`onrecord erase show {erasure.erasure_id}` says what it waits for"
        )
    signed = _ask(lambda control: read_receipt(control, erasure.erasure_id))
    _print_receipt(signed, options.output, json_output=options.json_output)


async def _begin_and_wait(control: ControlClient, wanted: EraseRequest, wait_s: float) -> Erasure:
    from onrecord.erasing import begin_erasure, wait_for_erasure  # noqa: PLC0415 - keeps help quick
    from onrecord.pages.erasures import format_erasure  # noqa: PLC0415 - keeps help quick

    def show_progress(erasure: Erasure) -> None:
        for line in format_erasure(erasure, get_page_width(err)):
            err.print(line)

    begun = await begin_erasure(control, wanted)
    return await wait_for_erasure(control, begun, show_progress, wait_s)


def _refuse_existing(output: Path | None) -> None:
    """Refuse to write over a file, before anything is erased.

    Raises:
        UsageError: it exists, or its folder does not.
    """
    if output is None:
        return
    if output.exists():
        raise UsageError(f"{output}: exists already; receipts are not written over")
    if not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}")


def _print_receipt(signed: SignedErasureReceipt, output: Path | None, *, json_output: bool) -> None:
    # Keeps help quick.
    from onrecord.erasing import verify_receipt  # noqa: PLC0415
    from onrecord.pages.erasures import format_receipt  # noqa: PLC0415

    if output is not None:
        _refuse_existing(output)
        try:
            output.write_text(signed.model_dump_json(indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
        err.print(f"written: {output}", markup=False)
    if json_output:
        print_json(signed.model_dump(mode="json"))
    elif output is None:
        for line in format_receipt(verify_receipt(signed, signed.public_key), get_page_width(out)):
            out.print(line)


def _build_request(**fields: object) -> EraseRequest:
    try:
        return EraseRequest.model_validate(fields)
    except ValidationError as error:
        raise UsageError(format_document_errors(error)) from error


def _read_id(text: str, where: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no id: `{where}` has them") from error


def _read_key(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("--key: is no base64") from error


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
