"""Dead letters with their histories, read from control's API."""

from __future__ import annotations

from contracts.control_api import DeadLetterWithValue
from contracts.letter_history import LetterHistory
from onrecord.control_client import ControlClient, get_letter_path


async def read_letter(
    control: ControlClient, letter_id: str
) -> tuple[DeadLetterWithValue, LetterHistory]:
    """Fetch a dead letter with its message and its history from the control service's API."""
    shown = await control.letter(letter_id)
    path = f"{get_letter_path(str(shown.letter.letter_id))}/history"
    return shown, await control.get(path, LetterHistory)
