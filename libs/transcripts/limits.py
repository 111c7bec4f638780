"""How large a transcript may be, in all that makes reading it take memory and time.

The limits are far above any interview: twelve hours of talk have about 110,000 words. They bound
what reading costs; ``docs/limits.md`` lists them beside all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from contracts.characters import estimate_invisible_characters
from transcripts.errors import TooLargeTranscriptError

T = TypeVar("T")

_MIB: Final = 1024 * 1024
_LONGEST_UTF8: Final = 4


@dataclass(frozen=True, slots=True)
class TranscriptLimits:
    """Size limits of a transcript; exceeding one raises ``TooLargeTranscriptError``.

    Attributes:
        utf8_bytes: its text as UTF-8.
        text_characters: of a file of WebVTT, SRT or plain text, in total.
        lines: of such a file.
        json_objects: of a file of JSON, counted by their opening braces.
        invisible_characters: joiners, selectors, marks of direction and the like.
        timed_words: stretches of speech with a time of their own: words, cues.
        characters: of all that is said.
        turns: uninterrupted turns of one speaker, or parts of one that is long.
        speakers: different labels.
    """

    utf8_bytes: int = 20 * _MIB
    text_characters: int = 10_000_000
    lines: int = 80_000
    json_objects: int = 500_000
    invisible_characters: int = 500_000
    timed_words: int = 120_000
    characters: int = 5_000_000
    turns: int = 20_000
    speakers: int = 500


LIMITS: Final = TranscriptLimits()
"""The default limits."""


def check_utf8_size(content: str, most: int) -> None:
    """Raise ``TooLargeTranscriptError`` if a text's UTF-8 encoding exceeds ``most`` bytes.

    Raises:
        TooLargeTranscriptError: it does.
    """
    if len(content) * _LONGEST_UTF8 <= most:
        return
    size = len(content.encode(errors="surrogatepass"))
    if size > most:
        raise TooLargeTranscriptError(
            f"the transcript has {size:,} bytes of text; the limit is {most:,}"
        )


def check_text_length(content: str) -> None:
    """Raise ``TooLargeTranscriptError`` if a text has too many characters or lines.

    Raises:
        TooLargeTranscriptError: it has.
    """
    check_item_count(len(content), LIMITS.text_characters, "characters")
    # CRLF ends one line and is two characters.
    ends = max(content.count("\n"), content.count("\r"))
    check_item_count(ends, LIMITS.lines, "lines")


def check_json_objects(content: str) -> None:
    """Raise ``TooLargeTranscriptError`` if a JSON text, not yet parsed, has too many objects.

    An empty object takes three bytes, and 70 times the memory once it is decoded.

    Raises:
        TooLargeTranscriptError: it has.
    """
    check_item_count(content.count("{"), LIMITS.json_objects, "objects of JSON")


def check_invisible_characters(content: str, *, counted: int = 0) -> int:
    """Raise ``TooLargeTranscriptError`` if a text has too many invisible characters.

    Each is looked at with the character before it, which costs far more than reading a letter.

    Args:
        content: any text.
        counted: how many other parts of the transcript have.

    Returns:
        How many there are now.

    Raises:
        TooLargeTranscriptError: there are too many.
    """
    count = counted + estimate_invisible_characters(content)
    check_item_count(count, LIMITS.invisible_characters, "invisible characters")
    return count


def check_item_count(count: int, most: int, what: str) -> None:
    """Raise ``TooLargeTranscriptError`` if a count is greater than ``most``.

    Args:
        count: how many there are.
        most: how many there may be.
        what: they are, in the plural, such as ``turns``.

    Raises:
        TooLargeTranscriptError: there are more.
    """
    if count > most:
        raise TooLargeTranscriptError(
            f"the transcript has more than {most:,} {what}, which is the limit; "
            "submit it in parts if it is meant so"
        )


def collect_up_to(items: Iterable[T], most: int, what: str) -> list[T]:
    """Collect an iterable into a list; raise ``TooLargeTranscriptError`` beyond ``most`` items.

    Raises:
        TooLargeTranscriptError: there are more than ``most``.
    """
    made = list(islice(items, most + 1))
    check_item_count(len(made), most, what)
    return made
