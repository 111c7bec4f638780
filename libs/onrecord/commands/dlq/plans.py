"""``onrecord dlq plan``: letters put back by a plan, in steps and at a rate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from onrecord.commands.dlq.overrides import (
    Deadline,
    Model,
    PersonalDataPolicy,
    PromptVersion,
    Statements,
    parse_overrides,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.replay_plans import ReplayPlan
    from onrecord.control_client import ControlClient

T = TypeVar("T")

POLL_S = 1.0
"""Seconds between two looks at a plan that is waited for."""

SHORTEST_PREFIX = 4
"""Characters of a plan's id that people have to give at least."""

PlanId = Annotated[
    str, typer.Argument(metavar="PLAN", help="A plan's id, or the beginning of it (4 or more).")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only letters that match, several times: service, code, cause, study, transcript, "
        "chunk, producer, key, text, attempts>=N, since or before (2h, 3d, or a time).",
    ),
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
    """Add the commands to ``dlq``."""
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
    begin: Start = False,
    yes: Yes = False,
    wait: Wait = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Make a plan of the open letters that match, and show what it would do.

    Its set is frozen: letters that come later are not in it. It sends nothing until it is started.
    A letter is healed when its message has gone through the stage that failed, not when it is sent.

    A model, prompt version, deadline or policy that is given holds for these messages alone, and
    for what they cause. A policy counts only where it is stricter than the study's.

    Examples of use:

        onrecord dlq plan create --where code=llm_timeout
        onrecord dlq plan create --where cause=3fa9c1d25b7e0a44 --rate 50 --start --wait
        onrecord dlq plan create --where study=bikes --no-canary --yes --reason "the quota is up"
        onrecord dlq plan create --where code=ungrounded --prompt-version notes-3 --start
    """
    from onrecord.letter_filters import parse_duration_option, parse_filter_conditions  # noqa: PLC0415 - slow to import

    which = parse_filter_conditions(where or (), datetime.now(UTC))
    wanted = {
        "which": which,
        "rate": rate,
        "canary": canary,
        "max_failed": max_failed / 100,
        "step_wait_s": int(parse_duration_option("--step-wait", step_wait).total_seconds()),
        "overrides": parse_overrides(
            model=model,
            prompt_version=prompt_version,
            deadline=deadline,
            personal_data=personal_data,
            statements=statements,
        ),
    }
    is_started = begin or yes or wait
    if is_started and not yes and not (err.is_terminal and sys.stdin.isatty()):
        raise UsageError("there is no terminal to ask at: add --yes to start it")
    plan = _ask(lambda control: _create(control, wanted), reason)
    if not json_output or not is_started:
        _show(plan, json_output=json_output)
    if not is_started:
        if not json_output:
            err.print(f"onrecord dlq plan start {str(plan.plan_id)[:8]}", markup=False)
        return
    if not yes and not typer.confirm(f"Put back {plan.letters:,} letters?", err=True):
        raise FailedError("the plan is made, and not started")
    plan = _ask(lambda control: _change(control, str(plan.plan_id), "start"), reason)
    _finish(plan, wait=wait, json_output=json_output)


def list_(*, limit: Limit = 20, json_output: Json = False) -> None:
    """List plans, the latest first.

    Examples of use:

        onrecord dlq plan list
    """
    from contracts.replay_plans import ReplayPlanPage  # noqa: PLC0415 - slow to import
    from onrecord.pages.replay_plans import format_plans  # noqa: PLC0415 - as above

    found = _ask(lambda control: control.get("/v1/plans", {"limit": limit}))
    page = ReplayPlanPage.model_validate(found)
    if json_output:
        print_json(page.model_dump(mode="json"))
    elif page.plans:
        for line in format_plans(page.plans):
            out.print(line)
    else:
        err.print("no plans: `onrecord dlq plan create` makes one")


def show(plan_id: PlanId, *, json_output: Json = False) -> None:
    """Show a plan, how far it is, and what it may cost.

    Examples of use:

        onrecord dlq plan show 3fa9
    """
    _show(_ask(lambda control: _read(control, plan_id)), json_output=json_output)


def start(
    plan_id: PlanId, *, wait: Wait = False, reason: Why = "", json_output: Json = False
) -> None:
    """Start a plan.

    Examples of use:

        onrecord dlq plan start 3fa9 --wait
    """
    plan = _ask(lambda control: _change(control, plan_id, "start"), reason)
    _finish(plan, wait=wait, json_output=json_output)


def resume(
    plan_id: PlanId, *, wait: Wait = False, reason: Why = "", json_output: Json = False
) -> None:
    """Resume a plan that was paused, or that stopped; what has failed until now is accepted.

    A plan that stopped says why: `onrecord dlq plan show`. It stops when too many letters fail
    again, and behind a step of which fewer than half of the letters have an outcome in time.

    Examples of use:

        onrecord dlq plan resume 3fa9
    """
    plan = _ask(lambda control: _resume(control, plan_id), reason)
    _finish(plan, wait=wait, json_output=json_output)


def pause(plan_id: PlanId, *, reason: Why = "", json_output: Json = False) -> None:
    """Pause a plan; what is being sent is sent, and the rest waits.

    Examples of use:

        onrecord dlq plan pause 3fa9
    """
    plan = _ask(lambda control: _change(control, plan_id, "pause"), reason)
    _finish(plan, wait=False, json_output=json_output)


def cancel(plan_id: PlanId, *, reason: Why = "", json_output: Json = False) -> None:
    """Cancel a plan; letters that were not sent stay open.

    Examples of use:

        onrecord dlq plan cancel 3fa9 --reason "the fix is wrong"
    """
    plan = _ask(lambda control: _change(control, plan_id, "cancel"), reason)
    _finish(plan, wait=False, json_output=json_output)


def report(
    plan_id: PlanId,
    *,
    begin: Annotated[int, typer.Option(min=0, help="First letter, from 0.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1_000,
    json_output: Json = False,
) -> None:
    """List what became of each letter of a plan, in the order in which they are sent.

    Examples of use:

        onrecord dlq plan report 3fa9
        onrecord dlq plan report 3fa9 --begin 1000 --json
    """
    from contracts.replay_plans import ReplayPlanLetterPage  # noqa: PLC0415 - slow to import
    from onrecord.pages.replay_plans import format_plan_letters  # noqa: PLC0415 - as above

    async def ask(control: ControlClient) -> ReplayPlanLetterPage:
        plan = await _read(control, plan_id)
        path = f"/v1/plans/{plan.plan_id}/letters"
        found = await control.get(path, {"begin": begin, "limit": limit})
        return ReplayPlanLetterPage.model_validate(found)

    page = _ask(ask)
    if json_output:
        print_json(page.model_dump(mode="json"))
        return
    for line in format_plan_letters(page.letters):
        out.print(line)
    if page.next is not None:
        err.print(f"there are more: --begin {page.next}")


async def _create(control: ControlClient, wanted: Mapping[str, object]) -> ReplayPlan:
    from contracts.replay_plans import ReplayPlan  # noqa: PLC0415 - slow to import

    return ReplayPlan.model_validate(await control.send("POST", "/v1/plans", json=wanted))


async def _read(control: ControlClient, plan_id: str) -> ReplayPlan:
    from contracts.replay_plans import ReplayPlan  # noqa: PLC0415 - slow to import

    found = await _find(control, plan_id)
    return ReplayPlan.model_validate(await control.get(f"/v1/plans/{found}"))


async def _change(control: ControlClient, plan_id: str, verb: str) -> ReplayPlan:
    from contracts.replay_plans import ReplayPlan  # noqa: PLC0415 - slow to import

    found = await _find(control, plan_id)
    return ReplayPlan.model_validate(await control.send("POST", f"/v1/plans/{found}/{verb}"))


async def _resume(control: ControlClient, plan_id: str) -> ReplayPlan:
    """Resume a plan as it is now; if the request is sent again, a stop since is not accepted."""
    from contracts.replay_plans import ReplayPlan  # noqa: PLC0415 - slow to import

    plan = await _read(control, plan_id)
    resumed = await control.send(
        "POST",
        f"/v1/plans/{plan.plan_id}/resume",
        headers={"If-Match": f'"{plan.version}"'},
    )
    return ReplayPlan.model_validate(resumed)


async def _find(control: ControlClient, plan_id: str) -> UUID:
    """The id that begins with what is given."""
    from contracts.replay_plans import MOST_PLANS, ReplayPlanPage  # noqa: PLC0415 - slow to import

    try:
        return UUID(plan_id)
    except ValueError:
        pass
    asked = plan_id.strip().lower()
    if len(asked) < SHORTEST_PREFIX:
        raise UsageError("PLAN: an id, or at least its first 4 characters")
    page = ReplayPlanPage.model_validate(await control.get("/v1/plans", {"limit": MOST_PLANS}))
    found = [one.plan_id for one in page.plans if str(one.plan_id).startswith(asked)]
    if len(found) != 1:
        problem = "more than one plan's id begins" if found else "no plan's id begins"
        raise UsageError(f"{problem} with {plan_id!r}: `onrecord dlq plan list` names them")
    return found[0]


def _show(plan: ReplayPlan, *, json_output: bool) -> None:
    from contracts.replay_plans import ReplayPlanPreview  # noqa: PLC0415 - slow to import
    from onrecord.pages.replay_plans import format_plan  # noqa: PLC0415 - as above

    path = f"/v1/plans/{plan.plan_id}/preview"
    preview = ReplayPlanPreview.model_validate(_ask(lambda control: control.get(path)))
    if json_output:
        print_json(plan.model_dump(mode="json") | {"preview": preview.model_dump(mode="json")})
        return
    for line in format_plan(plan, preview):
        out.print(line)


def _finish(plan: ReplayPlan, *, wait: bool, json_output: bool) -> None:
    """Wait for a plan if that is asked for, and say what became of its letters."""
    from onrecord.pages.replay_plans import format_result  # noqa: PLC0415 - slow to import

    if wait:
        plan = _ask(lambda control: _wait(control, plan))
    if json_output:
        print_json(plan.model_dump(mode="json"))
    else:
        out.print(format_result(plan), markup=False)
    if wait and (plan.state != "finished" or plan.counts.failed_again):
        raise FailedError(plan.state_reason or f"the plan is {plan.state.value}")


async def _wait(control: ControlClient, plan: ReplayPlan) -> ReplayPlan:
    """Follow a plan until it runs no more; an interrupt leaves it running."""
    from rich.progress import Progress  # noqa: PLC0415 - slow to import

    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("replaying", total=plan.letters)
        while plan.state == "running":
            await asyncio.sleep(POLL_S)
            plan = await _read(control, str(plan.plan_id))
            progress.update(
                bar,
                completed=plan.letters - plan.counts.waiting,
                description=f"step {plan.step} of {len(plan.steps)}: "
                f"{plan.counts.resolved:,} healed, {plan.counts.failed_again:,} died again",
            )
    return plan


def _ask(question: Callable[[ControlClient], Awaitable[T]], reason: str = "") -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question, reason))
