"""Conditions of ``onrecord dlq`` on letters, such as ``study=bikes``, for control's API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from contracts.control_api import DeadLetterState
from contracts.errors import ErrorCode
from contracts.topics import PIPELINE
from onrecord.errors import UsageError

PARAMETERS: Final[Mapping[str, str]] = {
    "service": "service",
    "code": "code",
    "cause": "cause",
    "study": "study",
    "transcript": "subject",
    "chunk": "subject",
    "producer": "producer",
    "model": "model",
    "prompt": "prompt",
    "key": "key",
    "text": "text",
    "attempts": "min_attempts",
    "since": "since",
    "before": "before",
    "fingerprint": "fingerprint",
}
"""What people name, and the API's parameter for it."""

OPERATORS: Final = {"attempts": ">="}
"""How a condition is written that is no equality."""

_CONDITION: Final = re.compile(r"\s*([A-Za-z_]+)\s*(>=|=|~)\s*(.*?)\s*", re.DOTALL)
_AGE: Final = re.compile(r"([0-9]{1,6})\s*([smhdw])")
_MOST_DIGITS: Final = 20

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_filter_conditions(conditions: Iterable[str], now: datetime) -> dict[str, Any]:
    """Parse conditions such as ``service=guardrail`` to the API's filter of dead letters.

    Args:
        conditions: such as ``service=enrichment``, ``attempts>=3`` or ``since=2h``.
        now: for ages.

    Raises:
        UsageError: a condition is malformed or names something unknown, or two contradict.
    """
    found: dict[str, Any] = {}
    for condition in conditions:
        name, value = _parse(condition, now)
        if found.get(name, value) != value:
            raise UsageError(f"--where: two conditions on {_named(name)}; they all have to hold")
        found[name] = value
    return found


def require_known_value(option: str, value: str | None, known: Iterable[str]) -> None:
    """Raise ``UsageError`` if an option's value is not among the known values.

    Raises:
        UsageError: it is none of them.
    """
    if value is not None and value not in (names := [*map(str, known)]):
        raise UsageError(f"{option} is one of {', '.join(names)}; not {value!r}")


def parse_time_or_age(option: str, text: str, now: datetime) -> str:
    """Parse a time, or an age such as ``2h``, to a timestamp for the API.

    Raises:
        UsageError: it is neither.
    """
    if _AGE.fullmatch(text):
        try:
            return (now - parse_duration_option(option, text)).astimezone(UTC).isoformat()
        except OverflowError:
            raise UsageError(f"{option}: {text} ago is before the year 1") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option}: an age such as 30m, 2h or 3d, or a time such as 2026-05-04T12:30Z; "
            f"not {text!r}"
        ) from None
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def parse_future(option: str, text: str, now: datetime) -> datetime:
    """Parse a future time, or a duration from now such as ``2h``.

    Raises:
        UsageError: it is neither.
    """
    try:
        if _AGE.fullmatch(text):
            return now + parse_duration_option(option, text)
        moment = datetime.fromisoformat(parse_time_or_age(option, text, now))
    except OverflowError:
        raise UsageError(f"{option}: {text} from now is after the year 9999") from None
    if moment <= now:
        raise UsageError(f"{option}: {text} is in the past")
    return moment


def parse_duration_option(option: str, text: str) -> timedelta:
    """Parse a duration such as ``30m`` or ``2d`` to a timedelta.

    Raises:
        UsageError: it is none.
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option}: a duration such as 30m, 2h or 3d; not {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def _parse(condition: str, now: datetime) -> tuple[str, Any]:
    matched = _CONDITION.fullmatch(condition)
    if matched is None:
        raise UsageError(
            f"--where: a condition is NAME=VALUE, such as study=bikes; not {condition!r}"
        )
    name, operator, value = matched[1].lower(), matched[2], matched[3]
    if name not in PARAMETERS:
        close = get_close_matches(name, PARAMETERS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"--where: nothing is called {name!r}: {', '.join(PARAMETERS)}{hint}")
    expected = OPERATORS.get(name, "=")
    if operator != expected and not (name == "text" and operator == "~"):
        raise UsageError(f"--where: {name} takes {expected}, as in {_example(name)}")
    if not value:
        raise UsageError(f"--where: {name} has no value, as in {_example(name)}")
    return PARAMETERS[name], _check(name, value, now)


def _check(name: str, value: str, now: datetime) -> Any:
    match name:
        case "service":
            require_known_value("--where: service", value, PIPELINE)
        case "code":
            require_known_value("--where: code", value, ErrorCode)
        case "attempts" if not value.isascii() or not value.isdigit():
            raise UsageError(f"--where: attempts takes a whole number; not {value!r}")
        case "attempts":
            return int(value[:_MOST_DIGITS])  # what has more is refused as too much all the same
        case "since" | "before":
            return parse_time_or_age(f"--where: {name}", value, now)
    return value


def _named(parameter: str) -> str:
    return "/".join(name for name, one in PARAMETERS.items() if one == parameter)


def _example(name: str) -> str:
    values = {"attempts": "3", "since": "2h", "before": "1d", "service": "enrichment"}
    return f"{name}{OPERATORS.get(name, '=')}{values.get(name, 'x')}"


STATES: Final = (*DeadLetterState, "all")
"""What a list's ``--state`` takes."""
