"""``onrecord dlq``: dead letters, listed, read, replayed and given up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from contracts.errors import ErrorCode
from contracts.topics import PIPELINE
from onrecord.commands.dlq import causes
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.control_api import DeadLetter
    from onrecord.control_client import ControlClient
    from onrecord.replay import ReplayOutcome

T = TypeVar("T")

LetterId = Annotated[
    str, typer.Argument(metavar="ID", help="A letter's id, or the beginning of it (4 or more).")
]
LetterIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Letters, by the beginning of their ids."),
]
Service = Annotated[str | None, typer.Option(help="Only letters of this service.")]
Code = Annotated[str | None, typer.Option(help="Only this cause, such as llm_timeout.")]
State = Annotated[
    str,
    typer.Option(
        help="open, replaying, replayed (what became of it is not known yet), resolved, "
        "failed_again, discarded, or all of them."
    ),
]
Subject = Annotated[
    str | None, typer.Option(help="Only about this: the id of a chunk or a transcript.")
]
Key = Annotated[
    str | None,
    typer.Option(help="Only messages with this record key, which is their producer's claim."),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the latest first.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Write only the value, byte for byte; escaped on a terminal.")
]
All = Annotated[bool, typer.Option("--all", help="All open letters, in the order of the DLQs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before replaying them all.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only letters that match, several times: service, code, cause, study, transcript, "
        "chunk, producer, key, text, attempts>=N, since or before (2h, 3d, or a time).",
    ),
]
Reason = Annotated[str, typer.Option(help="Why nobody needs this message any more.")]


Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``dlq`` to the command line."""
    dlq = typer.Typer(
        help="Dead letters: messages that were set aside, with the reason.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    dlq.command("list")(list_)
    for verb in (show, stats, replay, discard):
        dlq.command()(verb)
    causes.register(dlq)
    app.add_typer(dlq, name="dlq", rich_help_panel="Operating")


def list_(  # noqa: PLR0913 - one parameter an option
    *,
    service: Service = None,
    code: Code = None,
    state: State = "open",
    subject: Subject = None,
    key: Key = None,
    where: Where = None,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List dead letters, the latest first.

    Examples of use:

        onrecord dlq list
        onrecord dlq list --service enrichment --code llm_timeout
        onrecord dlq list --where study=bikes --where since=2h --where "text=no answer"
        onrecord dlq list --state all --json
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its only use

    from onrecord.letter_filters import STATES, require_known_value  # noqa: PLC0415 - slow to import
    from onrecord.pages.letters import format_dead_letters  # noqa: PLC0415 - as above

    require_known_value("--state", state, STATES)
    which = _filter(where, service=service, code=code, subject=subject, key=key)
    which |= {"state": None if state == "all" else state}
    found = _ask(lambda control: control.letters(which, limit=limit))
    if json_output:
        print_json([letter.model_dump(mode="json") for letter in found])
        return
    if not found:
        err.print("no dead letters" if state == "all" else f"no {state} dead letters")
        return
    for line in format_dead_letters(found, datetime.now(UTC), get_page_width(out), _names(found)):
        out.print(line)
    if len(found) == limit:
        err.print(
            f"these are the latest {limit:,}; a higher --limit shows more, `dlq stats` counts all"
        )


def show(
    letter_id: LetterId,
    *,
    raw: Raw = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Show one dead letter: its error, its headers and its value.

    Examples of use:

        onrecord dlq show 3fa9
        onrecord dlq show 3fa9c1d2 --raw > message.json
    """
    from onrecord.pages.letters import dead_letter_to_json, format_dead_letter  # noqa: PLC0415 - slow to import

    if raw:
        _write_raw(_ask(lambda control: control.value(letter_id), reason))
        return
    shown = _ask(lambda control: control.letter(letter_id), reason)
    letter, value, gone = shown.letter, shown.value, shown.gone
    if json_output:
        print_json(dead_letter_to_json(letter, value) | {"gone": gone})
    else:
        for line in format_dead_letter(
            letter, value, get_page_width(out), _names([letter]), gone=gone
        ):
            out.print(line)


def _write_raw(value: bytes | None) -> None:
    if value is None:
        raise FailedError("the message has no value: it is a tombstone")
    if sys.stdout.isatty():
        out.print(value.decode("utf-8", "backslashreplace"), markup=False, end="")
        return
    sys.stdout.buffer.write(value)
    sys.stdout.flush()


def stats(*, json_output: Json = False) -> None:
    """Print the numbers of dead letters by service, error code and state.

    Examples of use:

        onrecord dlq stats
    """
    from onrecord.pages.letters import format_dead_letter_counts  # noqa: PLC0415 - slow to import

    found = _ask(lambda control: control.counts())
    if json_output:
        print_json([count.model_dump(mode="json") for count in found])
    elif found:
        out.print(format_dead_letter_counts(found))
    else:
        err.print("no dead letters")


def replay(  # noqa: PLR0913 - one parameter an option
    letter_ids: LetterIds = None,
    *,
    every: All = False,
    service: Service = None,
    code: Code = None,
    where: Where = None,
    yes: Yes = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Replay dead letters, byte for byte, to the services that failed on them.

    Exit 1 if one could not be put back. Replaying is safe to repeat: notes are stored once.
    With --all, letters of causes that no replay mends, such as undecodable or revision_conflict,
    are left out and counted; --code CAUSE or an id puts them back all the same.

    Examples of use:

        onrecord dlq replay 3fa9 77b0
        onrecord dlq replay --all --service enrichment --code llm_timeout
        onrecord dlq replay --all --where cause=3fa9c1d25b7e0a44 --where since=1d
        onrecord dlq replay --all --yes --reason "the endpoint is back"
    """
    if bool(letter_ids) == every:
        raise UsageError("name the letters: their ids, or --all")
    if letter_ids and (service or code or where):
        raise UsageError("--service, --code and --where go with --all")
    which = _filter(where, service=service, code=code)
    outcome = (
        _replay_named(letter_ids, reason) if letter_ids else _replay_open(which, reason, yes=yes)
    )
    if json_output:
        print_json(
            {
                "replayed": outcome.replayed,
                "failed": outcome.failed,
                "left_out": outcome.left_out,
            }
        )
    elif outcome.replayed or not outcome.failed:
        out.print(f"{format_count(len(outcome.replayed), 'dead letter')} put back")
    for notice in outcome.notices():
        err.print(notice, markup=False)
    if outcome.failed:
        raise outcome.error()


def discard(
    letter_id: LetterId,
    *,
    reason: Reason,
    json_output: Json = False,
) -> None:
    """Discard a dead letter, with a reason that is stored.

    The letter stays readable; it is no longer open, and the audit counts it as discarded.

    Examples of use:

        onrecord dlq discard 3fa9 --reason "test data, sent by mistake"
    """
    from onrecord.replay import discard_dead_letter  # noqa: PLC0415 - slow to import

    if not reason.strip():
        raise UsageError("--reason: say why nobody needs this message any more")
    letter = _ask(lambda control: discard_dead_letter(control, letter_id, reason))
    if json_output:
        print_json(letter.model_dump(mode="json"))
    else:
        out.print(f"discarded {letter.letter_id}", markup=False)


def _replay_named(letter_ids: list[str], reason: str) -> ReplayOutcome:
    from onrecord.replay import replay_by_ids  # noqa: PLC0415 - slow to import

    return _ask(lambda control: replay_by_ids(control, letter_ids), reason)


def _replay_open(which: dict[str, str | None], reason: str, *, yes: bool) -> ReplayOutcome:
    from onrecord.replay import count_replayable, replay_matching  # noqa: PLC0415 - slow to import

    _refuse_unasked(yes=yes)
    number = _ask(lambda control: count_replayable(control, which))
    _confirm(number, yes=yes)
    return _ask(lambda control: replay_matching(control, which, number), reason)


def _ask(question: Callable[[ControlClient], Awaitable[T]], reason: str = "") -> T:
    """Open control's API for one question."""
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question, reason))


def _names(letters: Iterable[DeadLetter]) -> dict[str, str]:
    """What letters are about, in people's words, as far as the token may read it."""
    return {one.subject: one.title for one in letters if one.subject and one.title}


def _refuse_unasked(*, yes: bool) -> None:
    if not yes and not (err.is_terminal and sys.stdin.isatty()):
        raise UsageError("there is no terminal to ask at: add --yes to replay them all")


def _filter(where: list[str] | None, **options: str | None) -> dict[str, str | None]:
    """The API's parameters for options and conditions; typos are errors, not empty lists."""
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its only use

    from onrecord.letter_filters import parse_filter_conditions, require_known_value  # noqa: PLC0415 - slow to import

    require_known_value("--service", options["service"], PIPELINE)
    require_known_value("--code", options["code"], ErrorCode)
    found = parse_filter_conditions(where or (), datetime.now(UTC))
    for name, value in options.items():
        if value is not None and found.setdefault(name, value) != value:
            raise UsageError(f"--{name} and --where contradict each other")
    return dict(found)


def _confirm(letters: int, *, yes: bool) -> None:
    if yes or not letters:
        return
    if not typer.confirm(f"Replay {format_count(letters, 'dead letter')}?", err=True):
        raise FailedError("nothing was replayed")
