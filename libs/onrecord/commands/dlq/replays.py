"""``onrecord dlq replay``: named letters at once, many by a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onrecord.commands.dlq import rehearse
from onrecord.commands.dlq.overrides import (
    Budget,
    Deadline,
    Fresh,
    Model,
    PersonalDataPolicy,
    PromptVersion,
    Statements,
    parse_overrides,
)
from onrecord.commands.dlq.plans import Rate, explain_interrupt
from onrecord.commands.dlq.selection import (
    All,
    AtMost,
    Code,
    Force,
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
from onrecord.pages.rendering import format_count

if TYPE_CHECKING:
    from contracts.control_api import ReplayableLetterCounts
    from contracts.replay_plans import ReplayPlan
    from onrecord.control_client import ControlClient

LetterIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Letters, by the beginning of their ids."),
]
Canary = Annotated[
    bool,
    typer.Option("--canary", help="With --all: in steps of 1, 5, 25 and 100 % of the letters."),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="With --all: until what became of them is known; exit 1 if some failed again.",
    ),
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only say what it would end in, as `dlq rehearse` does."),
]


def register(dlq: typer.Typer) -> None:
    """Add the command ``replay`` to the group ``dlq``."""
    dlq.command()(replay)


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
    rate: Rate = None,
    canary: Canary = False,
    wait: Wait = False,
    force: Force = False,
    model: Model = None,
    prompt_version: PromptVersion = None,
    deadline: Deadline = None,
    personal_data: PersonalDataPolicy = None,
    statements: Statements = None,
    budget: Budget = None,
    fresh: Fresh = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Replay dead letters, byte for byte, to the services that failed on them.

    Exit 1 if one could not be put back. Replaying is safe to repeat: notes are stored once.
    With --all or --where they go back by a plan, which is shown before it is started: its set is
    frozen, so letters that come later are not in it, and it goes on if this command is interrupted.
    Letters of causes that no replay mends, such as undecodable or revision_conflict, are left out
    and counted; --code CAUSE or an id puts them back all the same. What cannot succeed as things
    are is refused with the reason, such as notes that are stored already or a revision that is
    withdrawn, superseded or in conflict with another; --force puts it back.
    A model, prompt version, deadline or policy that is given holds for these messages alone, and
    for what they cause; letters that are named go back by a plan then, too.

    Examples of use:

        onrecord dlq replay 3fa9 77b0
        onrecord dlq replay --all --service enrichment --code llm_timeout
        onrecord dlq replay --where cause=3fa9c1d25b7e0a44 --since 1d --limit 5 --wait
        onrecord dlq replay --all --yes --reason "the endpoint is back"
        onrecord dlq replay --all --code ungrounded --dry-run
        onrecord dlq replay 3fa9 77b0 --prompt-version notes-3 --fresh
    """
    every = every or (where is not None and not letter_ids)
    if bool(letter_ids) == every:
        raise UsageError("name the letters: their ids, or --all")
    if letter_ids and (service or code or where or study or since or limit):
        raise UsageError("--service, --code, --study, --since, --limit and --where go with --all")
    if letter_ids and (rate or canary or wait):
        raise UsageError("--rate, --canary and --wait go with --all")
    overrides = parse_overrides(
        model=model,
        prompt_version=prompt_version,
        deadline=deadline,
        personal_data=personal_data,
        statements=statements,
        fresh=fresh,
        budget=budget,
    )
    if dry_run:
        rehearse.run_rehearsal(
            letter_ids,
            where,
            every=every,
            asked={"sample": limit or None, "overrides": overrides},
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
    if letter_ids:
        if overrides:
            named = ask_control_once(lambda control: _find_ids(control, letter_ids))
            wanted: dict[str, Any] = {
                "which": {"letter_ids": named},
                "canary": False,
                "force": force,
                "overrides": overrides,
            }
            plan = _run_plan(wanted, reason, yes=True, wait=False)
            _print_result(plan, wait=False, json_output=json_output)
        else:
            _replay_named(letter_ids, reason, force=force, json_output=json_output)
        return
    refuse_without_terminal("replay", yes=yes)
    wanted = {
        "which": {name: value for name, value in which.items() if value is not None},
        "canary": canary,
        "limit": limit,
        "rate": rate,
        "force": force,
        "overrides": overrides,
    }
    selected = ask_control_once(lambda control: _count(control, which))
    if not selected.replayable and not (force and selected.letters):
        _print_nothing(selected, json_output=json_output)
        return
    plan = _run_plan(wanted, reason, yes=yes, wait=wait)
    _print_result(plan, wait=wait, json_output=json_output)


async def _count(control: ControlClient, which: dict[str, str | None]) -> ReplayableLetterCounts:
    from onrecord.bulk_changes import count_open_letters  # noqa: PLC0415 - slow to import

    return await count_open_letters(control, which)


async def _find_ids(control: ControlClient, letter_ids: list[str]) -> list[str]:
    """Return the ids of letters that are named by the beginnings of them, each once."""
    found = [str((await control.letter(one)).letter.letter_id) for one in letter_ids]
    return list(dict.fromkeys(found))


def _replay_named(letter_ids: list[str], reason: str, *, force: bool, json_output: bool) -> None:
    from onrecord.replay import replay_by_ids  # noqa: PLC0415 - slow to import

    outcome = ask_control_once(
        lambda control: replay_by_ids(control, letter_ids, force=force), reason
    )
    if json_output:
        print_json({"replayed": outcome.replayed, "failed": outcome.failed})
    elif outcome.replayed or not outcome.failed:
        out.print(f"{format_count(len(outcome.replayed), 'dead letter')} put back")
    if outcome.failed:
        raise outcome.error()


def _print_nothing(selected: ReplayableLetterCounts, *, json_output: bool) -> None:
    from onrecord.replay import explain_letters_left_out  # noqa: PLC0415 - slow to import

    if json_output:
        print_json({"plan_id": None, "letters": 0, "left_out": selected.left_out})
    else:
        out.print("0 dead letters put back")
    for notice in explain_letters_left_out(selected.left_out):
        err.print(notice, markup=False)


def _run_plan(wanted: dict[str, Any], reason: str, *, yes: bool, wait: bool) -> ReplayPlan:
    """Make a plan, show it unless nobody is asked, start it and follow it."""
    from onrecord.pages.replay_plans import format_replay_plan  # noqa: PLC0415 - slow to import
    from onrecord.replay_plans import (  # noqa: PLC0415 - as above
        change_replay_plan,
        create_replay_plan,
        fetch_plan_preview,
        follow_replay_plan,
    )

    plan = ask_control_once(lambda control: create_replay_plan(control, wanted), reason)
    name = str(plan.plan_id)
    if not yes:
        preview = ask_control_once(lambda control: fetch_plan_preview(control, plan))
        for line in format_replay_plan(plan, preview):
            err.print(line)
        try:
            confirm_bulk_change("Replay", plan.letters, "nothing was replayed", yes=yes)
        except (FailedError, typer.Abort):
            ask_control_once(lambda control: change_replay_plan(control, name, "cancel"), reason)
            raise
    started = ask_control_once(lambda control: change_replay_plan(control, name, "start"), reason)
    try:
        return ask_control_once(
            lambda control: follow_replay_plan(control, started, until_sent=not wait), reason
        )
    except KeyboardInterrupt:
        explain_interrupt(started)
        raise


def _print_result(plan: ReplayPlan, *, wait: bool, json_output: bool) -> None:
    """Print what became of a plan's letters.

    Raises:
        FailedError: some could not be put back, the plan was stopped, or letters failed again.
    """
    from onrecord.pages.replay_plans import format_plan_result  # noqa: PLC0415 - slow to import
    from onrecord.replay import explain_letters_left_out  # noqa: PLC0415 - as above
    from onrecord.replay_plans import count_sent_letters, is_fully_sent  # noqa: PLC0415 - as above

    name = str(plan.plan_id)[:8]
    if json_output:
        print_json(plan.model_dump(mode="json"))
    else:
        out.print(f"{format_count(count_sent_letters(plan), 'dead letter')} put back")
        if wait:
            out.print(format_plan_result(plan), markup=False)
    for notice in explain_letters_left_out(plan.left_out):
        err.print(notice, markup=False)
    if not wait:
        err.print(f"what becomes of them: `onrecord dlq plan show {name}`", markup=False)
    if not is_fully_sent(plan):
        raise FailedError(f"plan {name} is {plan.state}: {plan.state_reason or 'not all is sent'}")
    if plan.counts.not_sent:
        why = ", ".join(f"{number:,} {reason}" for reason, number in plan.not_sent.items())
        raise FailedError(f"{format_count(plan.counts.not_sent, 'letter')} not put back: {why}")
    if wait and plan.counts.failed_again:
        raise FailedError(f"{format_count(plan.counts.failed_again, 'letter')} failed again")
