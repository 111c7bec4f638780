"""``onrecord dlq``: dead letters, listed, read, replayed and given up."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.commands.dlq import (
    causes,
    discards,
    edit,
    plans,
    rehearse,
    replays,
    retention,
    rules,
    waiting,
)
from onrecord.commands.dlq.selection import (
    Code,
    Service,
    Since,
    Study,
    Where,
    ask_control_once,
    parse_filter,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError
from onrecord.pages.rendering import format_count, get_page_width

if TYPE_CHECKING:
    from contracts.control_api import DeadLetter

LetterId = Annotated[
    str, typer.Argument(metavar="ID", help="A letter's id, or the beginning of it (4 or more).")
]
State = Annotated[
    str,
    typer.Option(
        help="open, replaying, replayed (what became of it is not known yet), resolved, "
        "failed_again, discarded, expired, or all of them."
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
Snoozed = Annotated[bool, typer.Option("--snoozed", help="Letters that are snoozed, too.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Write only the value, byte for byte; escaped on a terminal.")
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``dlq`` to the command line."""
    dlq = typer.Typer(
        help="Dead letters: messages that were set aside, with the reason.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    dlq.command("list")(list_)
    for verb in (show, stats):
        dlq.command()(verb)
    replays.register(dlq)
    causes.register(dlq)
    discards.register(dlq)
    edit.register(dlq)
    waiting.register(dlq)
    retention.register(dlq)
    rules.register(dlq)
    plans.register(dlq)
    rehearse.register(dlq)
    app.add_typer(dlq, name="dlq", rich_help_panel="Operating")


def list_(  # noqa: PLR0913 - one parameter an option
    *,
    service: Service = None,
    code: Code = None,
    state: State = "open",
    subject: Subject = None,
    key: Key = None,
    where: Where = None,
    study: Study = None,
    since: Since = None,
    snoozed: Snoozed = False,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List dead letters, the latest first.

    Examples of use:

        onrecord dlq list
        onrecord dlq list --service enrichment --code llm_timeout
        onrecord dlq list --study bikes --since 2h --where "text=no answer"
        onrecord dlq list --state all --json
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its only use

    from onrecord.letter_filters import STATES, require_known_value  # noqa: PLC0415 - slow to import
    from onrecord.pages.letters import format_dead_letters  # noqa: PLC0415 - as above

    require_known_value("--state", state, STATES)
    which = parse_filter(
        where, service=service, code=code, subject=subject, key=key, study=study, since=since
    )
    which |= {"state": None if state == "all" else state}
    page = ask_control_once(
        lambda control: control.letters_page(which, limit=limit, snoozed=snoozed)
    )
    found = page.letters
    if json_output:
        print_json([letter.model_dump(mode="json") for letter in found])
        return
    if page.snoozed:
        named = format_count(page.snoozed, "letter is", "letters are")
        err.print(f"{named} snoozed: --snoozed shows them")
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
    """Show one dead letter: its error, its message, its cost and related letters.

    For a refused draft, each claim stands beside its passage, with the verdict. Exact words take
    the role evidence_reader.

    Examples of use:

        onrecord dlq show 3fa9
        onrecord dlq show 3fa9c1d2 --raw > message.json
    """
    from onrecord.letter_histories import read_letter  # noqa: PLC0415 - slow to import
    from onrecord.pages.letter_history import format_letter_history  # noqa: PLC0415 - as above
    from onrecord.pages.letters import dead_letter_to_json, format_dead_letter  # noqa: PLC0415 - as above

    if raw:
        _write_raw(ask_control_once(lambda control: control.value(letter_id), reason))
        return
    shown, history = ask_control_once(lambda control: read_letter(control, letter_id), reason)
    letter, value, gone = shown.letter, shown.value, shown.gone
    if json_output:
        past = history.model_dump(mode="json")
        print_json(dead_letter_to_json(letter, value) | {"gone": gone, "history": past})
    else:
        for line in format_dead_letter(
            letter, value, get_page_width(out), _names([letter]), gone=gone
        ):
            out.print(line)
        for part in format_letter_history(letter, value, history, get_page_width(out)):
            out.print(part)


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

    found = ask_control_once(lambda control: control.counts())
    if json_output:
        print_json([count.model_dump(mode="json") for count in found])
    elif found:
        out.print(format_dead_letter_counts(found), crop=False)
    else:
        err.print("no dead letters")


def _names(letters: Iterable[DeadLetter]) -> dict[str, str]:
    """What letters are about, in people's words, as far as the token may read it."""
    return {one.subject: one.title for one in letters if one.subject and one.title}
