"""Limits on the size of every event field: what database columns and a reader's memory hold.

Nothing that a service has ever stored is larger. What is not bounded here by itself is bounded by
the size of its message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

MAX_INT4: Final = 2**31 - 1
"""The largest value of PostgreSQL's ``integer``."""

MAX_EXACT_INTEGER: Final = 2**53 - 1
"""The largest integer that every reader of JSON keeps exact (RFC 8259, section 6)."""

MAX_FILE_CHARACTERS: Final = 64 * 1024 * 1024
"""Characters of a file's text; messages are bounded in bytes well below that."""

MAX_PASSAGE_CHARACTERS: Final = 1024 * 1024
"""Characters of one turn, of a quote, or of a sentence about them."""

MAX_NAME_CHARACTERS: Final = 1_000
"""Characters of a name that others choose, such as a model's."""

MAX_CHUNK_ENTRIES: Final = 10_000
"""Entries of a list that a model writes, or that is made of what it wrote."""

MAX_SPEAKERS: Final = 10_000
"""Speakers of an interview; reading refuses far fewer."""

MAX_REASONS: Final = 100
"""Causes for which parts of one interview were set aside."""

MAX_SEGMENTS: Final = 1_000_000
"""Segments or chunks of a transcript, and words of a segment."""

Number = Annotated[int, Field(ge=1, le=MAX_INT4)]
"""A position, counted from 1."""

Amount = Annotated[int, Field(ge=0, le=MAX_INT4)]
"""How many, or an index counted from 0."""

Tokens = Annotated[int, Field(ge=0, le=MAX_EXACT_INTEGER)]
"""How many tokens."""

NUL_CHARACTER: Final = "nul_character"
"""Error type of a text with U+0000."""

MOMENT_OUT_OF_RANGE: Final = "moment_out_of_range"
"""Error type of a moment before ``EARLIEST`` or after ``LATEST``."""

EARLIEST: Final = datetime(2, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 12, 31, tzinfo=UTC)
"""Bounds of a moment: a year within what PostgreSQL, Python and JavaScript convert to any time
zone. 9999-12-31T23:59-14:00 is in the year 10000 for the database, which Python cannot write."""


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError(NUL_CHARACTER, "may not contain the character U+0000 (NUL)")
    return text


def _refuse_edges_of_calendar(moment: datetime) -> datetime:
    if not is_representable_time(moment):
        raise PydanticCustomError(
            MOMENT_OUT_OF_RANGE,
            f"has to be between the years {EARLIEST.year} and {LATEST.year} in UTC",
        )
    return moment


def is_representable_time(moment: datetime) -> bool:
    """Return whether a time is within the range that both Python and PostgreSQL can store."""
    return EARLIEST <= moment <= LATEST  # unlike a conversion to UTC, this cannot overflow


STORABLE: Final = AfterValidator(_refuse_nul)
"""Makes of a type of text one that PostgreSQL can store: without U+0000. Half surrogate pairs are
refused by pydantic itself."""

Name = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS), STORABLE]
"""A name that others choose."""

Passage = Annotated[str, Field(max_length=MAX_PASSAGE_CHARACTERS), STORABLE]
"""A piece of a transcript, or a sentence about one."""


def _refuse_beyond_passage(index: int) -> int:
    # Not in the JSON schema, where it would be a breaking change; no quote begins there anyway.
    if index > MAX_PASSAGE_CHARACTERS:
        raise PydanticKnownError("less_than_equal", {"le": MAX_PASSAGE_CHARACTERS})
    return index


CharacterIndex = Annotated[Amount, AfterValidator(_refuse_beyond_passage)]
"""Index of a character in a passage, from 0; PostgreSQL counts from 1, in an ``integer``."""

Title = Annotated[str, Field(max_length=500), STORABLE]
"""What people call an interview."""

Moment = Annotated[AwareDatetime, AfterValidator(_refuse_edges_of_calendar)]
"""A moment everybody means the same by: a date-time with its offset from UTC (RFC 3339)."""
