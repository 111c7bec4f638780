"""Text for people: times, ages, wrapped paragraphs, and words that cannot disturb a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.style import Style
from rich.text import Text

from contracts.terminal import escape_control_characters
from read_model.recording_times import format_clock

WIDEST: Final = 100
"""Longest line in columns: longer ones are hard to read."""

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_SHORT_ID_CHARACTERS: Final = 8
HEX_WIDTH: Final = 16
ASCII_SHOWN: Final = range(0x20, 0x7F)


def format_recording_time(milliseconds: int | None) -> str:
    """Format a time within a recording as ``[mm:ss]``; ``[--:--]`` if it is unknown."""
    return f"[{format_clock(milliseconds) or '--:--'}]"


def format_duration(seconds: float) -> str:
    """Format a duration in its two largest units: ``45 s``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def _two(seconds: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = seconds % large // small
    text = f"{seconds // large} {large_name}"
    return f"{text} {rest} {small_name}" if rest else text


def format_time(moment: datetime | None) -> str:
    """Format a time in UTC to the second; "" if there is none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_count(number: int, one: str, many: str = "") -> str:
    """Format a number with its noun in the singular or plural: ``1 note``, ``2 notes``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shorten_id(key: UUID) -> str:
    """Shorten an id to its first characters, which commands accept in its place."""
    return str(key)[:_SHORT_ID_CHARACTERS]


def get_page_width(console: Console) -> int:
    """Return the width of paragraphs in columns: the terminal's, or 80 if it is unknown."""
    return min(console.width, WIDEST)


def wrap_paragraph(
    text: str, width: int, *, indent: str = "", first: str | Text | None = None, style: str = ""
) -> Iterator[Text]:
    """Wrap a plain text into lines of at most ``width`` columns.

    Args:
        text: other people's words; line ends count as spaces.
        width: of whole lines, in columns.
        indent: before each line.
        first: before the first line, in place of ``indent``; of the same width.
        style: for the text, not for what stands before it.
    """
    words = Text(" ".join(escape_control_characters(text).split()), Style.parse(style))
    yield from wrap_text(words, width, indent=indent, first=first)


def wrap_text(
    words: Text, width: int, *, indent: str = "", first: str | Text | None = None
) -> Iterator[Text]:
    """Wrap a text with Rich styles into lines of at most ``width`` columns."""
    lines = words.wrap(_PLAIN, max(20, width - len(indent)))
    for number, line in enumerate(lines):
        line.rstrip()
        before = indent if number or first is None else first
        yield Text.assemble(before, line)


def format_hex_dump(data: bytes) -> Iterator[str]:
    """Format bytes as a hex dump: lines of offset, 16 bytes in hex, and ASCII."""
    for offset in range(0, len(data), HEX_WIDTH):
        row = data[offset : offset + HEX_WIDTH]
        shown = "".join(chr(byte) if byte in ASCII_SHOWN else "." for byte in row)
        yield f"{offset:08x}  {row.hex(' '):<{HEX_WIDTH * 3}} {shown}"


_PLAIN: Final = Console(width=WIDEST, color_system=None)
"""Wrapping measures words, which takes a console; nothing is printed to this one."""


def format_spend(usd: Decimal | None, *, unpriced: int) -> str:
    """Format a cost in US dollars, with a mark if it excludes calls of unknown price.

    Args:
        usd: what is known; None if nothing is.
        unpriced: how many calls it leaves out, as nobody knows their price.
    """
    if usd is None:
        return "unknown"
    return f"{usd:,.4f} + unknown" if unpriced else f"{usd:,.4f}"
