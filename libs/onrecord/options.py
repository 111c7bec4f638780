"""Option types and validation that several verbs share."""

from __future__ import annotations

import math

import typer


def validate_seconds(seconds: float) -> float:
    """Validate an option's number of seconds: finite and not negative; return it.

    Raises:
        typer.BadParameter: it is infinite or no number, so that a wait would never end.
    """
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no number of seconds")
    return seconds
