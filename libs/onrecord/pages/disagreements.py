"""Notes that oppose each other, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from contracts.notes import Standing
from grounding.opposition import Opposition
from onrecord.pages.notes import format_marks
from onrecord.pages.rendering import (
    format_count,
    format_recording_time,
    shorten_id,
    wrap_paragraph,
)
from read_model.disagreements import DisagreementReport
from read_model.notes import StoredNote
from read_model.standings import UNPROVEN, choose_reading_label

_KINDS: Final = {
    Opposition.OPPOSITE: "opposite words",
    Opposition.NEGATION: "one denies it",
    Opposition.NUMBER: "other numbers",
}
_GAP: Final = "   "


@dataclass(frozen=True, slots=True)
class TopicDisagreements:
    """Question or theme of a study with its notes that oppose each other.

    Attributes:
        kind: ``question`` or ``theme``.
        id: its id.
        text: the question, or the theme's name.
        report: the notes, and how far they were looked for.
    """

    kind: str
    id: str
    text: str
    report: DisagreementReport


def format_disagreements(topics: Sequence[TopicDisagreements], width: int) -> Iterator[Text]:
    """Format notes that oppose each other by topic, each two side by side.

    Args:
        topics: in the order in which they are to stand.
        width: of a line, in columns.
    """
    for topic in topics:
        report = topic.report
        counts = f"{len(report.pairs):,} of " if len(report.pairs) < report.found else ""
        heading = f"{topic.text} ({counts}{format_count(report.found, 'pair')})"
        yield from wrap_paragraph(heading, width, style="bold cyan")
        yield from _format_bounds(report, width)
        yield Text()
        for pair in report.pairs:
            yield Text(f"  {_KINDS[pair.kind]}", style="yellow")
            yield from _format_columns(pair.first, pair.second, width)
            yield Text()


def _format_bounds(report: DisagreementReport, width: int) -> Iterator[Text]:
    """Format what was not compared and why, if something was not."""
    if report.is_complete:
        return
    parts = []
    if report.notes < report.total:
        reasons = (
            (report.hidden, "of studies that show no statements"),
            (report.foreign_language, "not in English"),
            (report.masked, "with a placeholder for a name"),
        )
        why = ", ".join(f"{number:,} {reason}" for number, reason in reasons if number)
        notes = f"{report.notes:,} of {format_count(report.total, 'note')}"
        parts.append(f"{notes} (left out: {why})" if why else notes)
    if report.compared < report.candidates:
        pairs = format_count(report.candidates, "pair")
        parts.append(f"{report.compared:,} of {pairs} that share enough words")
    if report.is_cut:
        parts.append("no pairs that share frequent words only")
    yield from wrap_paragraph(
        f"not all was compared: {'; '.join(parts) or 'time ran out'}", width, style="yellow"
    )


def _format_columns(first: StoredNote, second: StoredNote, width: int) -> Iterator[Text]:
    each = (width - 2 - len(_GAP)) // 2
    columns = [[*_format_note(one, each)] for one in (first, second)]
    for left, right in zip_longest(*columns, fillvalue=Text()):
        filled = left.copy()
        filled.append(" " * max(0, each - cell_len(left.plain)))
        line = Text.assemble("  ", filled, _GAP, right)
        line.rstrip()
        yield line


def _format_note(note: StoredNote, width: int) -> Iterator[Text]:
    """Format a note: the statement above its quotes, or, where it is no finding, below them."""
    if note.statement is not None:
        yield from wrap_paragraph(f"{note.statement} ({shorten_id(note.note_id)})", width)
        yield from format_marks(
            note, width, UNPROVEN if note.standing is Standing.UNPROVEN else "", indent=""
        )
    for quote in note.evidence:
        yield from wrap_paragraph(f"“{quote.quote}”", width, style="italic")
        said = f"{quote.speaker} {format_recording_time(quote.start_ms)}, {note.title}"
        yield from wrap_paragraph(said, width, style="dim")
    if note.model_reading is not None:
        reading = f"{choose_reading_label(note)}: {note.model_reading} ({shorten_id(note.note_id)})"
        yield from format_marks(note, width, reading, indent="")
