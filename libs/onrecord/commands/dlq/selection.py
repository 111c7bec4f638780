"""Options by which verbs of ``onrecord dlq`` select letters, and how they ask control."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from contracts.errors import ErrorCode
from contracts.topics import PIPELINE
from onrecord.console import err
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

Service = Annotated[str | None, typer.Option(help="Only letters of this service.")]
Code = Annotated[str | None, typer.Option(help="Only this cause, such as llm_timeout.")]
Study = Annotated[str | None, typer.Option(help="Only letters of this study.")]
Since = Annotated[
    str | None, typer.Option(help="Only what failed since then: 30m, 2h, 3d, or a time.")
]
AtMost = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many, in the order of the DLQs.")
]
All = Annotated[bool, typer.Option("--all", help="All open letters, in the order of the DLQs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is done.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Letters, too, that a replay cannot mend as things are."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only letters that match, several times: service, code, cause, study, transcript, "
        "chunk, producer, model, prompt, key, text, attempts>=N, since or before (2h, 3d, or a "
        "time).",
    ),
]


def ask_control_once(question: Callable[[ControlClient], Awaitable[T]], reason: str = "") -> T:
    """Open a client of the control service's API, call a function with it; return the result.

    Args:
        question: asks it.
        reason: why, for the trail.
    """
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question, reason))


def parse_filter(where: list[str] | None, **options: str | None) -> dict[str, str | None]:
    """Parse the conditions and options of ``onrecord dlq`` to the API's filter parameters.

    Args:
        where: conditions such as ``study=bikes``.
        options: of the same names as parameters; None narrows nothing.

    Raises:
        UsageError: one of them is malformed or unknown, or two contradict each other.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its only use

    from onrecord.letter_filters import (  # noqa: PLC0415 - slow to import
        parse_filter_conditions,
        parse_time_or_age,
        require_known_value,
    )

    now = datetime.now(UTC)
    require_known_value("--service", options.get("service"), PIPELINE)
    require_known_value("--code", options.get("code"), ErrorCode)
    if (since := options.get("since")) is not None:
        options["since"] = parse_time_or_age("--since", since, now)
    found = parse_filter_conditions(where or (), now)
    for name, value in options.items():
        if value is not None and found.setdefault(name, value) != value:
            raise UsageError(f"--{name} and --where contradict each other")
    return dict(found)


def refuse_without_terminal(verb: str, *, yes: bool) -> None:
    """Raise ``UsageError`` if a bulk change needs a confirmation, but there is no terminal.

    Args:
        verb: what is to be done, such as ``replay``.
        yes: whether nobody is to be asked.

    Raises:
        UsageError: there is no terminal.
    """
    if not yes and not (err.is_terminal and sys.stdin.isatty()):
        raise UsageError(f"there is no terminal to ask at: add --yes to {verb} them all")


def confirm_bulk_change(verb: str, letters: int, otherwise: str, *, yes: bool) -> None:
    """Ask the user to confirm a change of many dead letters, after showing their number.

    Args:
        verb: what is to be done, such as ``Replay``.
        letters: how many.
        otherwise: what is said if not.
        yes: whether nobody is to be asked.

    Raises:
        FailedError: they are not.
    """
    if yes or not letters:
        return
    if not typer.confirm(f"{verb} {format_count(letters, 'dead letter')}?", err=True):
        raise FailedError(otherwise)
