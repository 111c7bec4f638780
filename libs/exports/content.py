"""What an export contains, as the API returned it: masked, and with the standings it decided on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import BinaryIO, TypeAlias
from uuid import UUID

from contracts.study import Study, Theme
from read_model.notes import StoredNote, StoredQuote
from read_model.transcripts import TranscriptSegment

TO_SPACES = str.maketrans("\r\u2028\u2029\x85\x0b\x0c", "      ")
"""Line ends that readers of text files disagree about. Each stays one character, so that positions
stay right."""


@dataclass(frozen=True)
class ExportedStudy:
    """Study whose notes are exported.

    Attributes:
        study: its themes, questions and policies.
        exported_at: when, with an offset.
        is_exact: whether words and names are exact where the study masks them.
    """

    study: Study
    exported_at: datetime
    is_exact: bool = False

    @cached_property
    def theme_names(self) -> Mapping[str, str]:
        """The themes' names by their ids."""
        return {one.id: one.name for one in self.study.themes}

    @cached_property
    def question_texts(self) -> Mapping[str, str]:
        """The questions as they are asked, by their ids."""
        return {one.id: one.text for one in self.study.questions}


@dataclass(frozen=True, slots=True)
class ExportedInterview:
    """Interview with its notes, in the order of the talk.

    Attributes:
        revision: the one that the notes are of.
        segments: what was said; empty in formats that have the notes alone.
        theme: the one that all of the notes have, in formats that are ordered by themes; else None.
    """

    transcript_id: UUID
    revision: int
    title: str
    notes: Sequence[StoredNote]
    segments: Sequence[TranscriptSegment] = ()
    theme: Theme | None = None


AddInterview: TypeAlias = Callable[[ExportedInterview], None]
"""Writes the next interview."""

OpenExport: TypeAlias = Callable[[ExportedStudy, BinaryIO], AbstractContextManager[AddInterview]]
"""Writes an export to a file that is open for writing in binary; it is complete when the context
ends without an error. One interview at a time is in memory."""


def locate_quote(quote: StoredQuote, text: str) -> tuple[int, int] | None:
    """Return where a quote stands in its segment's text, as the export has both.

    Where it is masked, placeholders change the places, so that the nearest one counts.

    Args:
        quote: the quote.
        text: the segment's text.

    Returns:
        The first character and the one behind the last, counted in Unicode code points; None if the
        text does not have these words.
    """
    end = quote.start + quote.length
    if text[quote.start : end] == quote.quote:
        return quote.start, end
    if not quote.quote:
        return None
    found = min(
        _find_all(text, quote.quote), key=lambda start: abs(start - quote.start), default=None
    )
    return None if found is None else (found, found + len(quote.quote))


def _find_all(text: str, words: str) -> Iterator[int]:
    at = text.find(words)
    while at >= 0:
        yield at
        at = text.find(words, at + 1)


class HeadingTracker:
    """Decides which headings stand before the next interview, in formats ordered by themes."""

    def __init__(self) -> None:
        self._theme: str | None = None

    def begins_theme(self, interview: ExportedInterview) -> Theme | None:
        """Return the interview's theme if it is not that of the one before, else None."""
        theme = interview.theme
        if theme is None or theme.id == self._theme:
            return None
        self._theme = theme.id
        return theme
