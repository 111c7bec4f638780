"""A table of turns within a document, between others that tell of the call: read for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.tables.columns import TurnColumns, find_turn_columns

_FEWEST_ROWS: Final = 3
_MOST_WORDS: Final = 0.5


def read_inner_table(rows: list[Row], notices: Notices) -> list[Row]:
    """Rows of a table that names columns of speakers and of what was said, as turns in lines.

    What stands around it in the document is left out, if it is the smaller part, and reported.

    Args:
        rows: a file's lines with their numbers; cells are parted by tabs.
        notices: takes which lines were left out.
    """
    found = _find_table(rows)
    if found is None:
        return rows
    begin, end, columns = found
    table = rows[begin + 1 : end]
    words = sum(len(row.split()) for _, row in rows)
    if sum(len(row.split()) for _, row in table) < _MOST_WORDS * words:
        return rows
    around = [number for number, row in [*rows[:begin], *rows[end:]] if row.strip()]
    if around:
        notices.add(Repair.SUMMARY, len(around), line=around[0])
    return [(number, _as_turn(row.split("\t"), columns)) for number, row in table]


def _find_table(rows: Sequence[Row]) -> tuple[int, int, TurnColumns] | None:
    """Where the first table with such columns begins and ends, and its columns."""
    for begin, (_, row) in enumerate(rows):
        columns = find_turn_columns(row.split("\t")) if "\t" in row else None
        if columns is None:
            continue
        count = row.count("\t")
        end = begin + 1
        while end < len(rows) and rows[end][1].count("\t") == count:
            end += 1
        if end - begin > _FEWEST_ROWS:
            return begin, end, columns
    return None


def _as_turn(cells: Sequence[str], columns: TurnColumns) -> str:
    speaker, said = cells[columns.speaker].strip(), cells[columns.text].strip()
    time = cells[columns.start].strip() if columns.start is not None else ""
    stamp = parse_leading_timestamp(time)
    clock = f"[{time}] " if stamp is not None and not stamp.rest.strip() else ""
    return f"{clock}{speaker.rstrip(':')}: {said}" if speaker else f"{clock}{said}"
