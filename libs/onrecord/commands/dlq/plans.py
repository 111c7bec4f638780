"""``onrecord dlq plan``: letters put back by a plan, in steps and at a rate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

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
from onrecord.commands.dlq.selection import (
    Force,
    Where,
    ask_control_once,
    confirm_bulk_change,
    refuse_without_terminal,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError

if TYPE_CHECKING:
    from contracts.replay_plans import ReplayPlan
    from onrecord.control_client import ControlClient

PlanId = Annotated[
    str, typer.Argument(metavar="PLAN", help="A plan's id, or the beginning of it (4 or more).")
]
Rate = Annotated[
    float | None,
    typer.Option(min=0.01, max=1_000_000, help="Letters a second; as fast as it goes without."),
]
Canary = Annotated[
    bool | None,
    typer.Option(
        "--canary/--no-canary",
        help="In steps of 1, 5, 25 and 100 % of the letters; by default for more than 100.",
    ),
]
MaxFailed = Annotated[
    float,
    typer.Option(min=0, max=100, help="Stop when more than so many percent have failed again."),
]
StepWait = Annotated[
    str, typer.Option(help="Longest wait for what became of a step's letters, such as 1h.")
]
Start = Annotated[bool, typer.Option("--start", help="Start it, after asking.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Start it without asking.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until it is over; exit 1 if letters failed again.")
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands of ``dlq plan`` (replay plans) to the group ``dlq``."""
    plan = typer.Typer(
        help="Plans: put many letters back in steps, at a rate, stopping by itself.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    for verb in (create, show, start, pause, resume, cancel, report):
        plan.command()(verb)
    plan.command("list")(list_)
    dlq.add_typer(plan, name="plan")


def create(  # noqa: PLR0913 - one parameter an option
    *,
    where: Where = None,
    rate: Rate = None,
    canary: Canary = None,
    max_failed: MaxFailed = 20.0,
    step_wait: StepWait = "1h",
    model: Model = None,
    prompt_version: PromptVersion = None,
    deadline: Deadline = None,
    personal_data: PersonalDataPolicy = None,
    statements: Statements = None,
    budget: Budget = None,
    fresh: Fresh = False,
    force: Force = False,
    begin: Start = False,
    yes: Yes = False,
    wait: Wait = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Make a replay plan of the open dead letters that match, and show a preview of it.

    Its set is frozen: letters that come later are not in it. It sends nothing until it is started.
    A letter is healed when its message has gone through the stage that failed, not when it is sent.

    A model, prompt version, deadline or policy that is given holds for these messages alone, and
    for what they cause. A policy counts only where it is stricter than the study's.

    Examples of use:

        onrecord dlq plan create --where code=llm_timeout
        onrecord dlq plan create --where cause=3fa9c1d25b7e0a44 --rate 50 --start --wait
        onrecord dlq plan create --where study=bikes --no-canary --yes --reason "the quota is up"
        onrecord dlq plan create --where code=ungrounded --prompt-version notes-3 --start
        onrecord dlq plan create --where code=llm_bad_output --fresh --start
    """
    from onrecord.letter_filters import parse_duration_option, parse_filter_conditions  # noqa: PLC0415 - slow to import
    from onrecord.replay_plans import create_replay_plan  # noqa: PLC0415 - as above

    which = parse_filter_conditions(where or (), datetime.now(UTC))
    wanted = {
        "which": which,
        "rate": rate,
        "canary": canary,
        "force": force,
        "max_failed": max_failed / 100,
        "step_wait_s": int(parse_duration_option("--step-wait", step_wait).total_seconds()),
        "overrides": parse_overrides(
            model=model,
            prompt_version=prompt_version,
            deadline=deadline,
            personal_data=personal_data,
            statements=statements,
            fresh=fresh,
            budget=budget,
        ),
    }
    is_started = begin or yes or wait
    if is_started:
        refuse_without_terminal("replay", yes=yes)
    plan = ask_control_once(lambda control: create_replay_plan(control, wanted), reason)
    if not json_output or not is_started:
        _show(plan, json_output=json_output)
    if not is_started:
        if not json_output:
            err.print(f"onrecord dlq plan start {str(plan.plan_id)[:8]}", markup=False)
        return
    confirm_bulk_change("Replay", plan.letters, "the plan is made, and not started", yes=yes)
    change_and_print_plan(
        str(plan.plan_id), "start", wait=wait, reason=reason, json_output=json_output
    )


def list_(*, limit: Limit = 20, json_output: Json = False) -> None:
    """List the replay plans, the latest first.

    Examples of use:

        onrecord dlq plan list
    """
    from contracts.replay_plans import ReplayPlanPage  # noqa: PLC0415 - slow to import
    from onrecord.pages.replay_plans import format_replay_plans  # noqa: PLC0415 - as above

    page = ask_control_once(
        lambda control: control.get("/v1/plans", ReplayPlanPage, {"limit": limit})
    )
    if json_output:
        print_json(page.model_dump(mode="json"))
    elif page.plans:
        for line in format_replay_plans(page.plans):
            out.print(line)
        if page.next is not None:
            err.print(f"these are the latest {limit:,}; a higher --limit shows more")
    else:
        err.print("no plans: `onrecord dlq plan create` makes one")


def show(plan_id: PlanId, *, json_output: Json = False) -> None:
    """Show a replay plan: its progress, and what it may cost.

    Examples of use:

        onrecord dlq plan show 3fa9
    """
    from onrecord.replay_plans import fetch_replay_plan  # noqa: PLC0415 - slow to import

    plan = ask_control_once(lambda control: fetch_replay_plan(control, plan_id))
    _show(plan, json_output=json_output)


def start(
    plan_id: PlanId, *, wait: Wait = False, reason: Why = "", json_output: Json = False
) -> None:
    """Start a replay plan, which then sends its dead letters step by step.

    Examples of use:

        onrecord dlq plan start 3fa9 --wait
    """
    change_and_print_plan(plan_id, "start", wait=wait, reason=reason, json_output=json_output)


def resume(
    plan_id: PlanId, *, wait: Wait = False, reason: Why = "", json_output: Json = False
) -> None:
    """Resume a paused or stopped replay plan; failures so far count as accepted.

    A plan that stopped says why: `onrecord dlq plan show`. It stops when too many letters fail
    again, and behind a step of which fewer than half of the letters have an outcome in time.

    Examples of use:

        onrecord dlq plan resume 3fa9
    """
    change_and_print_plan(plan_id, "resume", wait=wait, reason=reason, json_output=json_output)


def pause(plan_id: PlanId, *, reason: Why = "", json_output: Json = False) -> None:
    """Pause a replay plan: letters that are being sent still go, the others wait.

    Examples of use:

        onrecord dlq plan pause 3fa9
    """
    change_and_print_plan(plan_id, "pause", reason=reason, json_output=json_output)


def cancel(plan_id: PlanId, *, reason: Why = "", json_output: Json = False) -> None:
    """Cancel a replay plan; letters that were not sent stay open.

    Examples of use:

        onrecord dlq plan cancel 3fa9 --reason "the fix is wrong"
    """
    change_and_print_plan(plan_id, "cancel", reason=reason, json_output=json_output)


def report(
    plan_id: PlanId,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 1_000,
    json_output: Json = False,
) -> None:
    """List the result of each dead letter in a replay plan, in the order of sending.

    Examples of use:

        onrecord dlq plan report 3fa9
        onrecord dlq plan report 3fa9 --limit 100000 --json
    """
    from contracts.replay_plans import MOST_LETTERS_SHOWN, ReplayPlanLetterPage  # noqa: PLC0415 - slow to import
    from onrecord.pages.replay_plans import format_plan_letters  # noqa: PLC0415 - as above
    from onrecord.replay_plans import fetch_replay_plan  # noqa: PLC0415 - as above

    async def ask(control: ControlClient) -> ReplayPlanLetterPage:
        plan = await fetch_replay_plan(control, plan_id)
        path = f"/v1/plans/{plan.plan_id}/letters"
        found = control.pages(path, ReplayPlanLetterPage, limit=MOST_LETTERS_SHOWN, most=limit)
        pages = [one async for one in found]
        letters = tuple(letter for one in pages for letter in one.letters)
        return ReplayPlanLetterPage(letters=letters, next=pages[-1].next)

    page = ask_control_once(ask)
    if json_output:
        print_json(page.model_dump(mode="json"))
        return
    for line in format_plan_letters(page.letters):
        out.print(line)
    if page.next is not None:
        err.print(f"these are the first {limit:,}; a higher --limit shows more")


def _show(plan: ReplayPlan, *, json_output: bool) -> None:
    from onrecord.pages.replay_plans import format_replay_plan  # noqa: PLC0415 - slow to import
    from onrecord.replay_plans import fetch_plan_preview  # noqa: PLC0415 - as above

    preview = ask_control_once(lambda control: fetch_plan_preview(control, plan))
    if json_output:
        print_json(plan.model_dump(mode="json") | {"preview": preview.model_dump(mode="json")})
        return
    for line in format_replay_plan(plan, preview):
        out.print(line)


def change_and_print_plan(
    plan_id: str,
    verb: str,
    *,
    wait: bool = False,
    reason: str = "",
    json_output: bool = False,
) -> None:
    """Start, pause, resume or cancel a replay plan, and print the counts of its letters.

    Args:
        plan_id: its id, or the beginning of it.
        verb: what is done.
        wait: whether to wait until it is over.
        reason: why, for the trail.
        json_output: whether the plan is printed as JSON.

    Raises:
        FailedError: it was waited for, and letters failed again, or it did not finish.
    """
    from onrecord.pages.replay_plans import format_plan_result  # noqa: PLC0415 - slow to import
    from onrecord.replay_plans import change_replay_plan, follow_replay_plan  # noqa: PLC0415 - as above

    plan = ask_control_once(lambda control: change_replay_plan(control, plan_id, verb), reason)
    if wait:
        started = plan
        try:
            plan = ask_control_once(lambda control: follow_replay_plan(control, started))
        except KeyboardInterrupt:
            explain_interrupt(started)
            raise
    if json_output:
        print_json(plan.model_dump(mode="json"))
    else:
        out.print(format_plan_result(plan), markup=False)
    if wait and (plan.state != "finished" or plan.counts.failed_again):
        raise FailedError(plan.state_reason or f"the plan is {plan.state.value}")


def explain_interrupt(plan: ReplayPlan) -> None:
    """Print that a replay plan runs on after Ctrl-C, and how to watch it or to end it."""
    name = str(plan.plan_id)[:8]
    err.print(
        f"the plan goes on: `onrecord dlq plan show {name}` shows how far it is, "
        f"`onrecord dlq plan pause {name}` pauses it, `onrecord dlq plan cancel {name}` ends it",
        markup=False,
    )
