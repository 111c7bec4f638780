"""What was read in transcripts, as a table: who speaks, and how much is named and timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from onrecord.submit.preparation import PreparedSubmission
from transcripts.report import ReadingReport

_COLUMNS: Final = ("format", "segments", "speakers", "named", "timed")
_MAX_SPEAKERS: Final = 6
"""Speakers that are named in a line; those who say most come first."""


def format_parsed_interviews(interviews: Sequence[PreparedSubmission]) -> Table:
    """Format parsed interviews as a table: format, speakers' shares of words, times."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold")
    for column in _COLUMNS:
        table.add_column(column)
    for one in interviews:
        name = Text(one.file.path.name)
        if one.reading is None:
            table.add_row(name, Text("not looked at", style="dim"))
            continue
        report = one.reading.report
        table.add_row(
            name,
            report.format.value,
            f"{len(one.reading.segments):,}",
            Text(_speakers(report)),
            _share(1 - report.unnamed_share),
            _share(report.timed_share),
        )
    return table


def _speakers(report: ReadingReport) -> str:
    by_words = sorted(report.speakers, key=lambda one: -one.words)
    shown = [f"{one.label} {one.share:.0%}" for one in by_words[:_MAX_SPEAKERS]]
    more = len(by_words) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _share(share: float) -> Text:
    return Text(f"{share:.0%}", style="" if share == 1 else "yellow")
