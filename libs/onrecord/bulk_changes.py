"""Discards, restores and snoozes of dead letters through control's API, in portions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from contracts.control_api import DeadLetter, ReplayableLetterCounts
from contracts.letter_changes import DiscardResult, RestoreResult, SnoozeResult
from onrecord.control_client import ControlClient, get_letter_path
from onrecord.errors import UsageError

AT_A_TIME: Final = 10_000
"""Letters of one request."""


def parse_discard_id(text: str) -> UUID:
    """Parse the UUID of an earlier discard of dead letters.

    Raises:
        UsageError: it is none.
    """
    try:
        return UUID(text.strip())
    except ValueError:
        raise UsageError(f"--discard: the whole id of a discard, a UUID; not {text!r}") from None


async def count_open_letters(
    control: ControlClient, which: Mapping[str, str | None]
) -> ReplayableLetterCounts:
    """Count the open dead letters that match a filter."""
    return await control.get("/v1/letters/replayable", ReplayableLetterCounts, which)


async def discard_matching_letters(
    control: ControlClient, which: Mapping[str, str | None], reason: str, most: int | None
) -> DiscardResult:
    """Discard open dead letters that match a filter; return their number and the discard's id.

    Args:
        control: discards them.
        which: the API's parameters that narrow the letters.
        reason: why.
        most: at most so many; all of them if None.
    """
    # Its id is known before the first request, so that a lost answer does not lose it.
    body: dict[str, Any] = {**_given(which), "reason": reason, "discard_id": str(uuid4())}
    number = 0
    while True:
        limit = AT_A_TIME if most is None else min(most - number, AT_A_TIME)
        done = await control.send(
            "POST", "/v1/letters/discard", DiscardResult, json=body | {"limit": limit}
        )
        number += done.discarded
        if not done.is_more or number == most:
            return done.model_copy(update={"discarded": number})
        body |= {"until": done.until.isoformat(), "after": done.after}


async def restore_discard(control: ControlClient, discard_id: UUID) -> RestoreResult:
    """Undo a discard of dead letters by its id; return how many are open again."""
    first: RestoreResult | None = None
    number = 0
    while True:
        body = {"discard_id": str(discard_id), "limit": AT_A_TIME}
        done = await control.send("POST", "/v1/letters/restore", RestoreResult, json=body)
        first = first or done
        number += done.restored
        if not done.is_more:
            return first.model_copy(update={"restored": number})


async def restore_letter(control: ControlClient, letter_id: str) -> DeadLetter:
    """Open one discarded dead letter again.

    Raises:
        DeadLetterClosedError: it is not discarded.
    """
    path = f"{get_letter_path(letter_id)}/restore"
    return await control.send("POST", path, DeadLetter)


async def snooze_letter(
    control: ControlClient, letter_id: str, snooze_until: datetime | None
) -> DeadLetter:
    """Hide an open dead letter from lists until a time; None shows it again.

    Raises:
        DeadLetterClosedError: it is not open.
    """
    body = {"snooze_until": snooze_until and snooze_until.isoformat()}
    path = f"{get_letter_path(letter_id)}/snooze"
    return await control.send("POST", path, DeadLetter, json=body)


async def snooze_matching_letters(
    control: ControlClient,
    which: Mapping[str, str | None],
    snooze_until: datetime | None,
    most: int | None,
) -> int:
    """Snooze open letters that match, or no longer (None); return how many were changed."""
    body: dict[str, Any] = {
        **_given(which),
        "snooze_until": snooze_until and snooze_until.isoformat(),
    }
    number = 0
    while True:
        limit = AT_A_TIME if most is None else min(most - number, AT_A_TIME)
        done = await control.send(
            "POST", "/v1/letters/snooze", SnoozeResult, json=body | {"limit": limit}
        )
        number += done.snoozed
        if not done.is_more or number == most:
            return number
        body |= {"until": done.until.isoformat(), "after": done.after}


def _given(which: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in which.items() if value is not None}
