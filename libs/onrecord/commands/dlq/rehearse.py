"""``onrecord dlq rehearse``: what a replay would end in, by the current code, without effects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

from onrecord.commands.dlq.overrides import (
    Deadline,
    Fresh,
    Model,
    PersonalDataPolicy,
    PromptVersion,
    Statements,
    parse_overrides,
)
from onrecord.commands.dlq.selection import Where, parse_filter
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.rehearsals import LetterRehearsal
    from onrecord.control_client import ControlClient

T = TypeVar("T")

TIMEOUT_S: Final = 3_600.0
"""Longest wait for a rehearsal, in seconds."""

LetterIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Letters, by the beginning of their ids."),
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
All = Annotated[bool, typer.Option("--all", help="All open letters.")]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample", min=1, max=10_000, help="So many of them, from each cause about as many."
    ),
]
Live = Annotated[
    bool, typer.Option("--live", help="Call models where no answer is recorded; takes --budget.")
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", min=0, metavar="USD", help="Of --live: what calls may cost."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0, help="Wait no longer, in seconds.")]
RehearsalId = Annotated[str, typer.Argument(metavar="REHEARSAL", help="A rehearsal's id.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands ``rehearse`` and ``rehearsal`` to the group ``dlq``."""
    dlq.command()(rehearse)
    dlq.command()(rehearsal)


def rehearse(  # noqa: PLR0913 - one parameter an option
    letter_ids: LetterIds = None,
    *,
    every: All = False,
    where: Where = None,
    sample: Sample = None,
    live: Live = False,
    budget: Budget = None,
    model: Model = None,
    prompt_version: PromptVersion = None,
    deadline: Deadline = None,
    personal_data: PersonalDataPolicy = None,
    statements: Statements = None,
    fresh: Fresh = False,
    timeout: Timeout = TIMEOUT_S,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Predict the results of replaying dead letters, without replaying them.

    Each letter goes through the current code of its stage, and nothing comes of it: nothing is
    written, published or committed. Models' answers are those of the cache; where there is none,
    the outcome is unknown, unless --live lets models be called. That spends no more than --budget
    and, where a service stops answering, one call. What a replay would set for these messages
    alone, such as another prompt version, can be given here, too.

    Examples of use:

        onrecord dlq rehearse 3fa9 77b0
        onrecord dlq rehearse --where code=ungrounded --sample 200
        onrecord dlq rehearse --all --live --budget 1.00 --json
        onrecord dlq rehearse --where code=ungrounded --prompt-version notes-3 --live --budget 1
    """
    run_rehearsal(
        letter_ids,
        where,
        every=every,
        asked={
            "sample": sample,
            **_ask_models(live=live, budget=budget),
            "overrides": parse_overrides(
                model=model,
                prompt_version=prompt_version,
                deadline=deadline,
                personal_data=personal_data,
                statements=statements,
                fresh=fresh,
            ),
        },
        timeout_s=timeout,
        reason=reason,
        json_output=json_output,
    )


def rehearsal(rehearsal_id: RehearsalId, *, json_output: Json = False) -> None:
    """Show a rehearsal's predictions, and how many replays since then proved them right.

    Examples of use:

        onrecord dlq rehearsal 7d0c2a4e-1f6b-4c53-9a57-0a4c1f3c8a11
    """
    from onrecord.rehearsing import fetch_rehearsal  # noqa: PLC0415 - slow to import

    _require_id(rehearsal_id)
    _show(_ask(lambda control: fetch_rehearsal(control, rehearsal_id)), json_output=json_output)


def run_rehearsal(  # noqa: PLR0913 - one parameter an option
    letter_ids: list[str] | None,
    where: list[str] | None,
    *,
    every: bool,
    asked: dict[str, Any],
    timeout_s: float,
    reason: str,
    json_output: bool,
    **options: str | None,
) -> None:
    """Rehearse a replay of dead letters, wait until it is done, and print its predictions.

    Args:
        letter_ids: letters, by the beginning of their ids.
        where: conditions, in place of ids.
        every: all open letters that match.
        asked: further fields of the request.
        timeout_s: longest wait, in seconds.
        reason: goes into the trail.
        json_output: whether JSON is printed.
        options: further conditions, by name.

    Raises:
        UsageError: neither letters nor a condition is given, or both.
    """
    which = parse_filter(where, **options)
    narrowed = {name: value for name, value in which.items() if value is not None}
    if letter_ids and (narrowed or every):
        raise UsageError("name letters, or give conditions or --all: not both")
    if not letter_ids and not narrowed and not every:
        raise UsageError("name the letters: their ids, --where, or --all")
    body = {**asked, **narrowed, "letters": letter_ids or None}
    found = _ask(lambda control: _rehearse(control, body, timeout_s), reason)
    _show(found, json_output=json_output)


def _ask_models(*, live: bool, budget: float | None) -> dict[str, Any]:
    from contracts.rehearsals import RehearsalMode  # noqa: PLC0415 - slow to import

    if live and not budget:
        raise UsageError("--live calls models: say with --budget what that may cost, in US dollars")
    if budget is not None and not live:
        raise UsageError("--budget goes with --live; without it, no model is called")
    mode = RehearsalMode.LIVE if live else RehearsalMode.RECORDED
    return {"mode": mode.value, "budget_usd": str(Decimal(str(budget or 0))) if live else None}


async def _rehearse(
    control: ControlClient, body: dict[str, Any], timeout_s: float
) -> LetterRehearsal:
    from onrecord.rehearsing import request_rehearsal, wait_for_rehearsal  # noqa: PLC0415 - slow

    begun = await request_rehearsal(control, body)
    err.print(f"rehearsal {begun.rehearsal_id}: {begun.letters:,} letters", markup=False)
    return await wait_for_rehearsal(control, begun, timeout_s)


def _show(found: LetterRehearsal, *, json_output: bool) -> None:
    from onrecord.pages.rehearsals import format_rehearsal  # noqa: PLC0415 - slow to import
    from onrecord.pages.rendering import get_page_width  # noqa: PLC0415 - as above
    from onrecord.rehearsing import fetch_rehearsed_letters  # noqa: PLC0415 - as above

    letters = _ask(lambda control: fetch_rehearsed_letters(control, str(found.rehearsal_id)))
    if json_output:
        shown = [letter.model_dump(mode="json") for letter in letters]
        print_json({**found.model_dump(mode="json"), "rehearsed_letters": shown})
        return
    for line in format_rehearsal(found, letters, get_page_width(out)):
        out.print(line)


def _require_id(text: str) -> None:
    try:
        UUID(text)
    except ValueError as error:
        raise UsageError(f"REHEARSAL: is no id, such as `dlq rehearse` prints: {text!r}") from error


def _ask(question: Callable[[ControlClient], Awaitable[T]], reason: str = "") -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question, reason))
