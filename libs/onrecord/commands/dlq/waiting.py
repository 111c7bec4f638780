"""``onrecord dlq waiting``: messages that wait in retry topics to be tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from onrecord.commands.dlq.selection import Code, Service, Study, ask_control_once, parse_filter
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, get_page_width

CONDITIONS: Final = (
    "service",
    "code",
    "study",
    "subject",
    "producer",
    "text",
    "min_attempts",
)
"""The API's parameters that narrow what waits."""

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only messages that match, several times: service, code, study, transcript, chunk, "
        "producer, text, attempts>=N.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the soonest first.")]


Held = Annotated[
    bool | None, typer.Option("--held/--not-held", help="Only what is held, or what is not.")
]


def register(dlq: typer.Typer) -> None:
    """Add the command ``waiting`` to the group ``dlq``."""
    dlq.command()(waiting)


def waiting(  # noqa: PLR0913 - one parameter an option
    *,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    held: Held = None,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List messages that wait in retry topics, with the reason and the time of the next try.

    They are no dead letters: each is tried again by itself when its time comes. `onrecord waiting`
    releases, holds and gives them up.

    Examples of use:

        onrecord dlq waiting
        onrecord dlq waiting --service enrichment --code llm_timeout
        onrecord dlq waiting --where "attempts>=3" --json
    """
    from contracts.waiting import WaitingPage  # noqa: PLC0415 - slow to import
    from onrecord.pages.waiting import format_waiting_messages  # noqa: PLC0415 - as above

    params = parse_waiting_filter(where, service=service, code=code, study=study, held=held)
    page = ask_control_once(
        lambda control: control.get("/v1/waiting", WaitingPage, {**params, "limit": limit})
    )
    if json_output:
        print_json(page.model_dump(mode="json"))
        return
    for line in format_waiting_messages(page.messages, datetime.now(UTC), get_page_width(out)):
        out.print(line)
    if not page.messages:
        err.print("nothing waits in the retry topics")
    else:
        counts = ", ".join(f"{name} {number:,}" for name, number in page.by_service.items())
        err.print(f"{format_count(page.matching, 'message')} wait: {counts}", markup=False)
    if page.is_partial:
        err.print("there are more in the topics than one request reads: --service narrows")


def parse_waiting_filter(
    where: list[str] | None, *, held: bool | None, **options: str | None
) -> dict[str, Any]:
    """Parse conditions and options to the API's filter of messages that wait to be retried.

    Args:
        where: conditions such as ``study=bikes``.
        held: whether only what an operator holds, or does not; None: both.
        options: of the same names as parameters; None narrows nothing.

    Raises:
        UsageError: one of them is malformed or unknown, or is of letters alone.
    """
    params: dict[str, Any] = parse_filter(where, **options)
    if other := [name for name in params if name not in CONDITIONS]:
        raise UsageError(f"--where: {', '.join(other)} is known of letters alone")
    return params if held is None else params | {"held": held}
