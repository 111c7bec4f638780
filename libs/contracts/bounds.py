"""Limits on the size of every event field: what database columns and a reader's memory hold.

Nothing that a service has ever stored is larger. What is not bounded here by itself is bounded by
the size of its message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

LARGEST_INT4: Final = 2**31 - 1
"""The largest value of PostgreSQL's ``integer``."""

LARGEST_EXACT: Final = 2**53 - 1
"""The largest integer that every reader of JSON keeps exact (RFC 8259, section 6)."""

MOST_CHARACTERS: Final = 64 * 1024 * 1024
"""Characters of a file's text; messages are bounded in bytes well below that."""

MOST_OF_A_PASSAGE: Final = 1024 * 1024
"""Characters of one turn, of a quote, or of a sentence about them."""

MOST_OF_A_NAME: Final = 1_000
"""Characters of a name that others choose, such as a model's."""

MOST_OF_A_CHUNK: Final = 10_000
"""Entries of a list that a model writes, or that is made of what it wrote."""

MOST_SPEAKERS: Final = 10_000
"""Speakers of an interview; reading refuses far fewer."""

MOST_REASONS: Final = 100
"""Causes for which parts of one interview were set aside."""

MOST_SEGMENTS: Final = 1_000_000
"""Segments or chunks of a transcript, and words of a segment."""

Number = Annotated[int, Field(ge=1, le=LARGEST_INT4)]
"""A position, counted from 1."""

Amount = Annotated[int, Field(ge=0, le=LARGEST_INT4)]
"""How many, or an index counted from 0."""

Tokens = Annotated[int, Field(ge=0, le=LARGEST_EXACT)]
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
    if not is_within_calendar(moment):
        raise PydanticCustomError(
            MOMENT_OUT_OF_RANGE,
            f"has to be between the years {EARLIEST.year} and {LATEST.year} in UTC",
        )
    return moment


def is_within_calendar(moment: datetime) -> bool:
    """Return whether a time is within the years that both Python and PostgreSQL can hold."""
    return EARLIEST <= moment <= LATEST  # unlike a conversion to UTC, this cannot overflow


STORABLE: Final = AfterValidator(_refuse_nul)
"""Makes of a type of text one that PostgreSQL can store: without U+0000. Half surrogate pairs are
refused by pydantic itself."""

Name = Annotated[str, Field(max_length=MOST_OF_A_NAME), STORABLE]
"""A name that others choose."""

Passage = Annotated[str, Field(max_length=MOST_OF_A_PASSAGE), STORABLE]
"""A piece of a transcript, or a sentence about one."""


def _refuse_beyond_passage(index: int) -> int:
    # Not in the JSON schema, where it would be a breaking change; no quote begins there anyway.
    if index > MOST_OF_A_PASSAGE:
        raise PydanticKnownError("less_than_equal", {"le": MOST_OF_A_PASSAGE})
    return index


CharacterIndex = Annotated[Amount, AfterValidator(_refuse_beyond_passage)]
"""Index of a character in a passage, from 0; PostgreSQL counts from 1, in an ``integer``."""

Title = Annotated[str, Field(max_length=500), STORABLE]
"""What people call an interview."""

Moment = Annotated[AwareDatetime, AfterValidator(_refuse_edges_of_calendar)]
"""A moment everybody means the same by: a date-time with its offset from UTC (RFC 3339)."""
