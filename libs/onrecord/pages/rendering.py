"""Text for people: times, ages, wrapped paragraphs, and words that cannot disturb a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.style import Style
from rich.text import Text

WIDEST: Final = 100
"""Longest line in columns: longer ones are hard to read."""

SECOND_MS: Final = 1000
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_ID_TOLD: Final = 8
HEX_WIDTH: Final = 16
ASCII_SHOWN: Final = range(0x20, 0x7F)


def timestamp(milliseconds: int | None) -> str:
    """When something was said: ``[mm:ss]``, ``[h:mm:ss]``, or ``[--:--]`` if nobody knows."""
    if milliseconds is None:
        return "[--:--]"
    minutes, seconds = divmod(milliseconds // SECOND_MS, MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"[{hours}:{minutes:02}:{seconds:02}]" if hours else f"[{minutes:02}:{seconds:02}]"


def duration(seconds: float) -> str:
    """A span of time in its two largest units: ``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
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
    told = f"{seconds // large} {large_name}"
    return f"{told} {rest} {small_name}" if rest else told


def moment(told: str | None) -> str:
    """An ISO 8601 time in UTC, to the second; empty if there is none."""
    if not told:
        return ""
    return datetime.fromisoformat(told).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def count(number: int, one: str, many: str = "") -> str:
    """``1 note``, ``2 notes``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short_id(key: UUID) -> str:
    """The first characters of an id: enough to name it, as verbs take the beginning of one."""
    return str(key)[:_ID_TOLD]


def printable(text: str) -> str:
    """Text without characters that control a terminal: those are written as escapes.

    Line ends and tabs stay. Transcripts and payloads are other people's words.
    """
    return "".join(
        char
        if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"}
        else f"\\x{ord(char):02x}"
        for char in text
    )


def columns(console: Console) -> int:
    """How wide paragraphs are: the terminal, but not too wide; 80 where there is none."""
    return min(console.width, WIDEST)


def paragraph(
    text: str, width: int, *, indent: str = "", first: str | Text | None = None, style: str = ""
) -> Iterator[Text]:
    """Wrap text between words.

    Args:
        text: other people's words; line ends count as spaces.
        width: of whole lines, in columns.
        indent: before each line.
        first: before the first line, in place of ``indent``; of the same width.
        style: for the text, not for what stands before it.
    """
    words = Text(" ".join(printable(text).split()), Style.parse(style))
    lines = words.wrap(_PLAIN, max(20, width - len(indent)))
    for number, line in enumerate(lines):
        line.rstrip()
        before = indent if number or first is None else first
        yield Text.assemble(before, line)


def hex_dump(data: bytes) -> Iterator[str]:
    """Offset, 16 bytes in hex and as ASCII, a line each."""
    for offset in range(0, len(data), HEX_WIDTH):
        row = data[offset : offset + HEX_WIDTH]
        shown = "".join(chr(byte) if byte in ASCII_SHOWN else "." for byte in row)
        yield f"{offset:08x}  {row.hex(' '):<{HEX_WIDTH * 3}} {shown}"


_PLAIN: Final = Console(width=WIDEST, color_system=None)
"""Wrapping measures words, which takes a console; nothing is printed to this one."""


def spent(usd: Decimal | None, *, unpriced: int) -> str:
    """US dollars in a column, to a hundredth of a cent; says where not all of it is known.

    Args:
        usd: what is known; None if nothing is.
        unpriced: how many calls it leaves out, as nobody knows their price.
    """
    if usd is None:
        return "unknown"
    return f"{usd:,.4f} + unknown" if unpriced else f"{usd:,.4f}"
