"""Limits on the size of every event field: what database columns and a reader's memory hold.

Nothing that a service has ever stored is larger. What is not bounded here by itself is bounded by
the size of its message.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AwareDatetime, Field

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

MOST_SEGMENTS: Final = 1_000_000
"""Segments or chunks of a transcript, and words of a segment."""

Number = Annotated[int, Field(ge=1, le=LARGEST_INT4)]
"""A position, counted from 1."""

Amount = Annotated[int, Field(ge=0, le=LARGEST_INT4)]
"""How many, or an index counted from 0."""

Tokens = Annotated[int, Field(ge=0, le=LARGEST_EXACT)]
"""How many tokens."""

Name = Annotated[str, Field(max_length=MOST_OF_A_NAME)]
"""A name that others choose."""

Passage = Annotated[str, Field(max_length=MOST_OF_A_PASSAGE)]
"""A piece of a transcript, or a sentence about one."""

Moment = AwareDatetime
"""A moment everybody means the same by: a date-time with its offset from UTC (RFC 3339)."""
