"""Waits for dead letters that others have claimed and not sent yet, so that none overtakes them."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from contracts.control_api import DeadLetterFilter
from contracts.topics import PIPELINE
from control.domain import LettersInHandError
from control.letters.store import DeadLetterStore
from control.replays.sender import DeadLetterSender

IN_HAND_S: Final = 15.0
"""Longest that a replay of many waits for letters that others are sending, in seconds; as long as
it waits for the broker (``ACKNOWLEDGED_WITHIN_S``)."""

LOOK_S: Final = 0.5
"""Seconds between two looks whether others still send letters."""


async def wait_for_letters_in_hand(
    store: DeadLetterStore, sender: DeadLetterSender, which: DeadLetterFilter, within_s: float
) -> None:
    """Wait until the letters are sent or open again that others have claimed before now.

    Args:
        store: knows which letters are being replayed.
        sender: gives up letters that were sent to a topic which is gone.
        which: narrows by any of its fields but the state.
        within_s: longest wait, in seconds.

    Raises:
        LettersInHandError: they take longer.
        KafkaUnavailableError, DatabaseUnavailableError: try again later.
    """
    until = time.monotonic() + within_s
    if (latest := await store.find_latest_claim(which)) is None:
        return
    while await store.find_latest_claim(which, until=latest) is not None:
        if time.monotonic() >= until:
            raise LettersInHandError(
                "letters that come before these are still being sent; nothing is sent behind "
                "them: try again, or narrow the filter"
            )
        await sender.find_missing_topics(PIPELINE)
        await asyncio.sleep(min(LOOK_S, within_s))
