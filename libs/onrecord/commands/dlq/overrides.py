"""Options of ``dlq replay``, ``dlq plan`` and ``dlq rehearse``: what holds for these messages."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onrecord.errors import UsageError

_ALONE = "Options for these messages alone"

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        rich_help_panel=_ALONE,
        help="The model that drafts, by its name in the settings.",
    ),
]
PromptVersion = Annotated[
    str | None,
    typer.Option(
        "--prompt-version",
        metavar="VERSION",
        rich_help_panel=_ALONE,
        help="Version of the prompt for drafts, such as notes-3.",
    ),
]
Deadline = Annotated[
    str | None,
    typer.Option(
        "--deadline",
        metavar="TIME",
        rich_help_panel=_ALONE,
        help="How long a stage may work on one, from 5s to 10m.",
    ),
]
PersonalDataPolicy = Annotated[
    str | None,
    typer.Option(
        "--personal-data",
        metavar="POLICY",
        rich_help_panel=_ALONE,
        help="mask or reject, where that is stricter than the study's policy.",
    ),
]
Statements = Annotated[
    str | None,
    typer.Option(
        "--statements",
        metavar="POLICY",
        rich_help_panel=_ALONE,
        help="proven or quotes, where that is stricter than the study's policy: of quotes, no "
        "judging model is asked.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="USD",
        min=0.0001,
        rich_help_panel=_ALONE,
        help="Most that calls of models for these messages may cost; when it is spent the plan "
        "stops, and what was not sent stays open.",
    ),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        rich_help_panel=_ALONE,
        help="Ask models anew in place of answers that were kept; each is asked and paid for once, "
        "and its new answer is kept.",
    ),
]


def parse_overrides(  # noqa: PLR0913 - one parameter an option
    *,
    model: str | None,
    prompt_version: str | None,
    deadline: str | None,
    personal_data: str | None,
    statements: str | None,
    fresh: bool,
    budget: float | None = None,
) -> dict[str, Any]:
    """Parse the command line options that set a model, deadline and so on for a replay only.

    Raises:
        UsageError: one is not what it has to be.
    """
    from contracts.replay_options import LONGEST_DEADLINE_S, SHORTEST_DEADLINE_S  # noqa: PLC0415 - slow to import
    from contracts.study import PersonalData, StatementPolicy  # noqa: PLC0415 - as above
    from onrecord.letter_filters import (  # noqa: PLC0415 - as above
        parse_duration_option,
        require_known_value,
    )

    found: dict[str, Any] = {
        "model": model,
        "prompt_version": prompt_version,
        "personal_data": personal_data,
        "statements": statements,
    }
    if budget is not None:
        found["budget_usd"] = str(budget)
    if personal_data is not None:
        require_known_value("--personal-data", personal_data, PersonalData)
    if statements is not None:
        require_known_value("--statements", statements, StatementPolicy)
    if deadline is not None:
        seconds = parse_duration_option("--deadline", deadline).total_seconds()
        if not SHORTEST_DEADLINE_S <= seconds <= LONGEST_DEADLINE_S:
            raise UsageError(
                f"--deadline: from {SHORTEST_DEADLINE_S} s to {LONGEST_DEADLINE_S // 60} min; not "
                f"{deadline}"
            )
        found["deadline_s"] = int(seconds)
    if any(value == "" for value in found.values()):
        raise UsageError("an option for these messages alone has no value")
    return {name: value for name, value in found.items() if value is not None} | (
        {"fresh": True} if fresh else {}
    )
