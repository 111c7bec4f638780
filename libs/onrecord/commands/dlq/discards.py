"""``onrecord dlq discard``, ``dlq restore`` and ``dlq snooze``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

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
    confirm_bulk_change,
    parse_filter,
    refuse_without_terminal,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count, format_time

Letter = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="A letter's id, or the beginning of it (4 or more)."),
]
Reason = Annotated[str, typer.Option(help="Why nobody needs these messages any more.")]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
Discard = Annotated[
    str | None, typer.Option("--discard", metavar="DISCARD", help="All letters of this discard.")
]
Until = Annotated[str | None, typer.Option(help="For so long, such as 2h or 3d, or until a time.")]
Wake = Annotated[bool, typer.Option("--wake", help="No longer.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands ``discard``, ``restore`` and ``snooze`` to the group ``dlq``."""
    for verb in (discard, restore, snooze):
        dlq.command()(verb)


def discard(  # noqa: PLR0913 - one parameter an option
    letter_id: Letter = None,
    *,
    reason: Reason,
    every: All = False,
    service: Service = None,
    code: Code = None,
    where: Where = None,
    study: Study = None,
    since: Since = None,
    limit: AtMost = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Discard dead letters with a reason: one by its id, or all that match conditions.

    They stay readable; they are no longer open, and the audit counts them as discarded. A discard
    of those that match asks first, with their number, and prints its id, by which `dlq restore`
    undoes it. Snoozed letters stay open.

    Examples of use:

        onrecord dlq discard 3fa9 --reason "test data, sent by mistake"
        onrecord dlq discard --where cause=3fa9c1d25b7e0a44 --study bikes --reason "a test"
        onrecord dlq discard --code undecodable --since 2h --limit 5 --reason "a test" --yes
    """
    from onrecord.bulk_changes import discard_matching_letters  # noqa: PLC0415 - slow to import
    from onrecord.replay import discard_dead_letter  # noqa: PLC0415 - as above

    if not reason.strip():
        raise UsageError("--reason: say why nobody needs these messages any more")
    which = parse_filter(where, service=service, code=code, study=study, since=since)
    _require_one_selection(letter_id, narrowed=bool(which or limit), every=every)
    if letter_id is not None:
        letter = ask_control_once(lambda control: discard_dead_letter(control, letter_id, reason))
        if json_output:
            print_json(letter.model_dump(mode="json"))
        else:
            out.print(f"discarded {letter.letter_id}", markup=False)
        return
    _confirm_many("discard", which, limit, yes=yes)
    done = ask_control_once(lambda control: discard_matching_letters(control, which, reason, limit))
    if json_output:
        print_json({"discard_id": str(done.discard_id), "discarded": done.discarded})
        return
    out.print(f"{format_count(done.discarded, 'dead letter')} discarded", markup=False)
    if done.discarded:
        err.print(f"`onrecord dlq restore --discard {done.discard_id}` undoes it", markup=False)


def restore(
    letter_id: Letter = None,
    *,
    discard: Discard = None,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Open discarded dead letters again: one by its id, or all of one discard.

    Examples of use:

        onrecord dlq restore 3fa9
        onrecord dlq restore --discard 77b0e0c2-5c1f-4f0e-9a53-0d8f4c6f2a10
    """
    from onrecord.bulk_changes import (  # noqa: PLC0415 - slow to import
        parse_discard_id,
        restore_discard,
        restore_letter,
    )

    if (letter_id is None) == (discard is None):
        raise UsageError("name a letter by its id, or a discard by --discard")
    if letter_id is not None:
        letter = ask_control_once(lambda control: restore_letter(control, letter_id), reason)
        if json_output:
            print_json(letter.model_dump(mode="json"))
        else:
            out.print(f"{letter.letter_id} is open again", markup=False)
        return
    discard_id = parse_discard_id(discard or "")
    done = ask_control_once(lambda control: restore_discard(control, discard_id), reason)
    if json_output:
        print_json({"restored": done.restored, "left": done.left})
        return
    out.print(f"{format_count(done.restored, 'dead letter')} open again", markup=False)
    if done.left:
        named = format_count(done.left, "letter was", "letters were")
        err.print(f"{named} not discarded any more, and stay as they are", markup=False)


def snooze(  # noqa: PLR0913 - one parameter an option
    letter_id: Letter = None,
    *,
    until: Until = None,
    wake: Wake = False,
    every: All = False,
    service: Service = None,
    code: Code = None,
    where: Where = None,
    study: Study = None,
    since: Since = None,
    limit: AtMost = None,
    yes: Yes = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Hide open dead letters from lists, causes and bulk replays for a while.

    What is left out is counted. A snoozed letter can be replayed or discarded by its id.

    Examples of use:

        onrecord dlq snooze 3fa9 --until 2h
        onrecord dlq snooze --where cause=3fa9c1d25b7e0a44 --until 2026-05-04T12:30Z --yes
        onrecord dlq snooze --all --wake --yes
    """
    from onrecord.bulk_changes import snooze_letter, snooze_matching_letters  # noqa: PLC0415 - slow to import
    from onrecord.letter_filters import parse_future  # noqa: PLC0415 - as above

    if (until is None) == (not wake):
        raise UsageError("say until when by --until, or --wake")
    snooze_until = None if until is None else parse_future("--until", until, datetime.now(UTC))
    which = parse_filter(where, service=service, code=code, study=study, since=since)
    _require_one_selection(letter_id, narrowed=bool(which or limit), every=every)
    if letter_id is not None:
        letter = ask_control_once(
            lambda control: snooze_letter(control, letter_id, snooze_until), reason
        )
        if json_output:
            print_json(letter.model_dump(mode="json"))
        else:
            out.print(f"{letter.letter_id}: {_describe(snooze_until)}", markup=False)
        return
    _confirm_many("wake" if wake else "snooze", which, limit, yes=yes)
    number = ask_control_once(
        lambda control: snooze_matching_letters(control, which, snooze_until, limit), reason
    )
    if json_output:
        print_json({"snoozed": number, "snooze_until": snooze_until and snooze_until.isoformat()})
    else:
        out.print(f"{format_count(number, 'dead letter')}: {_describe(snooze_until)}", markup=False)


def _require_one_selection(letter_id: str | None, *, narrowed: bool, every: bool) -> None:
    if letter_id is not None and (narrowed or every):
        raise UsageError("name one letter by its id, or several by --where and other options")
    if letter_id is None and not (narrowed or every):
        raise UsageError("name a letter by its id, or several by --where, or --all of them")


def _confirm_many(verb: str, which: dict[str, str | None], limit: int | None, *, yes: bool) -> None:
    """Count what is to be changed, say what stays as it is, and ask.

    Raises:
        FailedError: no letter matches, or the answer is no.
    """
    from onrecord.bulk_changes import count_open_letters  # noqa: PLC0415 - slow to import

    refuse_without_terminal(verb, yes=yes)
    found = ask_control_once(lambda control: count_open_letters(control, which))
    number = found.letters
    if verb == "discard":
        number -= found.snoozed
        if found.snoozed:
            named = format_count(found.snoozed, "letter is", "letters are")
            err.print(f"{named} snoozed, and stay open", markup=False)
    if not number:
        raise FailedError(f"no open letter matches: there is nothing to {verb}")
    if limit is not None:
        number = min(number, limit)
    participle = {"discard": "discarded", "snooze": "snoozed", "wake": "changed"}[verb]
    confirm_bulk_change(verb.capitalize(), number, f"nothing was {participle}", yes=yes)


def _describe(snooze_until: datetime | None) -> str:
    if snooze_until is None:
        return "not snoozed any more"
    return f"snoozed until {format_time(snooze_until)}"
