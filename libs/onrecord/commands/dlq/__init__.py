"""``onrecord dlq``: dead letters, listed, read, replayed and given up."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.commands.dlq import causes, discards, plans, rehearse, rules, waiting
from onrecord.commands.dlq.selection import (
    All,
    AtMost,
    Code,
    Service,
    Since,
    Study,
    Where,
    Yes,
    ask_control_once,
    confirm,
    parse_filter,
    refuse_unasked,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count, get_page_width

if TYPE_CHECKING:
    from contracts.control_api import DeadLetter
    from onrecord.replay import ReplayOutcome

LetterId = Annotated[
    str, typer.Argument(metavar="ID", help="A letter's id, or the beginning of it (4 or more).")
]
LetterIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Letters, by the beginning of their ids."),
]
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
Snoozed = Annotated[bool, typer.Option("--snoozed", help="Letters that are snoozed, too.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Write only the value, byte for byte; escaped on a terminal.")
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only say what it would end in, as `dlq rehearse` does."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of ``dlq`` to the command line."""
    dlq = typer.Typer(
        help="Dead letters: messages that were set aside, with the reason.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    dlq.command("list")(list_)
    for verb in (show, stats, replay):
        dlq.command()(verb)
    causes.register(dlq)
    discards.register(dlq)
    waiting.register(dlq)
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
    """Show one dead letter: its error, its message, what it cost, and what it belongs with.

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


def replay(  # noqa: PLR0913 - one parameter an option
    letter_ids: LetterIds = None,
    *,
    every: All = False,
    service: Service = None,
    code: Code = None,
    where: Where = None,
    study: Study = None,
    since: Since = None,
    limit: AtMost = None,
    yes: Yes = False,
    dry_run: DryRun = False,
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
        onrecord dlq replay --all --where cause=3fa9c1d25b7e0a44 --since 1d --limit 5
        onrecord dlq replay --all --yes --reason "the endpoint is back"
        onrecord dlq replay --all --code ungrounded --dry-run
    """
    if bool(letter_ids) == every:
        raise UsageError("name the letters: their ids, or --all")
    if letter_ids and (service or code or where or study or since or limit):
        raise UsageError("--service, --code, --study, --since, --limit and --where go with --all")
    if dry_run:
        rehearse.run_rehearsal(
            letter_ids,
            where,
            every=every,
            asked={"sample": limit or None},
            timeout_s=rehearse.TIMEOUT_S,
            reason=reason,
            json_output=json_output,
            service=service,
            code=code,
            study=study,
            since=since,
        )
        return
    which = parse_filter(where, service=service, code=code, study=study, since=since)
    outcome = (
        _replay_named(letter_ids, reason)
        if letter_ids
        else _replay_open(which, reason, limit, yes=yes)
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


def _replay_named(letter_ids: list[str], reason: str) -> ReplayOutcome:
    from onrecord.replay import replay_by_ids  # noqa: PLC0415 - slow to import

    return ask_control_once(lambda control: replay_by_ids(control, letter_ids), reason)


def _replay_open(
    which: dict[str, str | None], reason: str, limit: int | None, *, yes: bool
) -> ReplayOutcome:
    from onrecord.replay import count_replayable, replay_matching  # noqa: PLC0415 - slow to import

    refuse_unasked("replay", yes=yes)
    number = ask_control_once(lambda control: count_replayable(control, which))
    number = number if limit is None else min(number, limit)
    confirm("Replay", number, "nothing was replayed", yes=yes)
    return ask_control_once(lambda control: replay_matching(control, which, number, limit), reason)


def _names(letters: Iterable[DeadLetter]) -> dict[str, str]:
    """What letters are about, in people's words, as far as the token may read it."""
    return {one.subject: one.title for one in letters if one.subject and one.title}
