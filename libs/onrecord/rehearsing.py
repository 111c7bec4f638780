"""Rehearsals of replays, as the command line asks for them and waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from contracts.rehearsals import (
    LetterRehearsal,
    RehearsalState,
    RehearsedLetter,
    RehearsedLetterPage,
)
from onrecord.errors import FailedError

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

POLL_S: Final = 0.5
"""Seconds between two looks at how far a rehearsal is."""

PAGE: Final = 1_000
"""Letters that are asked for at once."""


async def request_rehearsal(control: ControlClient, asked: Mapping[str, Any]) -> LetterRehearsal:
    """Ask control's API to begin a rehearsal (simulated replay) of dead letters.

    Args:
        control: the API.
        asked: the body of the request; None leaves a field out.
    """
    body = {name: value for name, value in asked.items() if value is not None}
    return await control.send("POST", "/v1/rehearsals", LetterRehearsal, json=body)


async def fetch_rehearsal(control: ControlClient, rehearsal_id: str) -> LetterRehearsal:
    """Fetch a rehearsal's progress and predictions from control's API."""
    return await control.get(f"/v1/rehearsals/{rehearsal_id}", LetterRehearsal)


async def wait_for_rehearsal(
    control: ControlClient, found: LetterRehearsal, timeout_s: float
) -> LetterRehearsal:
    """Wait until a rehearsal (simulated replay) is done, and return it.

    Raises:
        FailedError: it is not in time; it goes on.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    while found.state is RehearsalState.RUNNING:
        if asyncio.get_running_loop().time() > deadline:
            raise FailedError(
                f"{found.rehearsed:,} of {found.letters:,} letters are rehearsed; it goes on: "
                f"`onrecord dlq rehearsal {found.rehearsal_id}`"
            )
        await asyncio.sleep(POLL_S)
        found = await fetch_rehearsal(control, str(found.rehearsal_id))
    return found


async def fetch_rehearsed_letters(
    control: ControlClient, rehearsal_id: str
) -> list[RehearsedLetter]:
    """Fetch all dead letters of a rehearsal, with their predictions, from control's API."""
    path = f"/v1/rehearsals/{rehearsal_id}/letters"
    pages = control.pages(path, RehearsedLetterPage, limit=PAGE)
    return [letter async for page in pages for letter in page.letters]
