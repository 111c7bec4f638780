"""Messages that wait in retry topics, as a page that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from contracts.terminal import escape_control_characters
from contracts.waiting import WaitingMessage
from onrecord.pages.rendering import format_duration, format_time, wrap_paragraph


def format_waiting_messages(
    messages: Sequence[WaitingMessage], now: datetime, width: int
) -> Iterator[Text]:
    """Format messages that wait in retry topics as a list, with the reason below each.

    Args:
        messages: in the order in which they are to stand.
        now: for how long they still wait.
        width: of a line, in columns.
    """
    if not messages:
        return
    yield Text(f"{'service':<11} {'code':<20} {'due in':>9} tries about", "bold")
    for one in messages:
        about = one.subject or "nothing that is known"
        yield Text(
            escape_control_characters(
                f"{one.service:<11} {one.error_code or '(not said)':<20} "
                f"{_describe_wait(one, now):>9} {one.attempts:>5} {about}"
            )
        )
        yield from wrap_paragraph(_describe(one), width, indent=" " * 12, style="dim")


def _describe_wait(message: WaitingMessage, now: datetime) -> str:
    if message.due_at is None:
        return "now"
    seconds = (message.due_at - now).total_seconds()
    return format_duration(seconds) if seconds > 0 else "now"


def _describe(message: WaitingMessage) -> str:
    parts = [
        message.error_message,
        f"study {message.study_id}" if message.study_id else "",
        f"from {message.producer}" if message.producer else "",
        f"a replay of {str(message.replay_of)[:8]}" if message.replay_of else "",
        f"held until {format_time(message.held_until)}" if message.held_until else "",
        f"{message.topic}, partition {message.partition}, offset {message.offset}",
    ]
    return "; ".join(part for part in parts if part)
