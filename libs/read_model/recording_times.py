"""Times within a recording, as people read them."""

from __future__ import annotations


def format_clock(milliseconds: int | None) -> str:
    """Format a time within a recording as ``1:02:03`` or ``02:03``; "" if it is unknown."""
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
