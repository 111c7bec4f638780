"""A study's matrix as tables that fit a terminal, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TextIO

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from contracts.terminal import escape_control_characters
from exports.csv_format import escape_formula
from onrecord.pages.rendering import format_count, wrap_paragraph
from read_model.matrix import MatrixCell, MatrixInterview, MatrixTopic, MatrixTopicKind

TITLE_WIDTH: Final = 30
"""Columns of an interview's title; a longer one is cut."""

_NONE: Final = "·"
_NOT_ASKED: Final = "-"
_UNREAD: Final = "…"
_KEY: Final = (
    f"3: findings, 2?: not proven, 3+2?: both, {_NONE}: none, {_UNREAD}: none yet, as not all of "
    f"the interview is read, {_NOT_ASKED}: not asked for"
)
_EXPIRED: Final = f"{_UNREAD}: also of interviews whose notes are gone, as their time is over"


@dataclass(frozen=True, slots=True)
class TopicTotal:
    """Theme or question with the numbers of its notes in all interviews of a matrix.

    Attributes:
        topic: the theme or question.
        findings: notes whose statement something vouches for.
        unproven: notes whose statement nothing vouches for.
        interviews: in how many interviews.
        asked: how many interviews were asked for it.
        unread: how many of those are not read whole, so that more may come.
        expired: of how many of those the notes are gone, as the study keeps them for a time.
    """

    topic: MatrixTopic
    findings: int
    unproven: int
    interviews: int
    asked: int
    unread: int
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Matrix:
    """Interviews of a study with their notes by topic.

    Attributes:
        study_id: the study.
        by: whether topics are themes or questions.
        topics: all of the study, in its order.
        interviews: by title.
        has_more: whether there are others behind them.
    """

    study_id: str
    by: MatrixTopicKind
    topics: Sequence[MatrixTopic]
    interviews: Sequence[MatrixInterview]
    has_more: bool

    def list_totals(self) -> list[TopicTotal]:
        """Return the sum of each topic's cells, in the study's order."""
        cells: dict[str, list[MatrixCell]] = {one.id: [] for one in self.topics}
        for interview in self.interviews:
            for cell in interview.cells:
                cells.setdefault(cell.topic, []).append(cell)
        return [self._compute_total(topic, cells[topic.id]) for topic in self.topics]

    def _compute_total(self, topic: MatrixTopic, cells: Sequence[MatrixCell]) -> TopicTotal:
        asked = [one for one in self.interviews if topic.id not in one.not_asked]
        return TopicTotal(
            topic,
            findings=sum(one.findings for one in cells),
            unproven=sum(one.unproven for one in cells),
            interviews=len(cells),
            asked=len(asked),
            unread=sum(one.stored < one.chunks for one in asked),
            expired=sum(one.has_expired for one in asked),
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "study_id": self.study_id,
            "by": self.by,
            "topics": [
                {
                    **asdict(one.topic),
                    "findings": one.findings,
                    "unproven": one.unproven,
                    "interviews": one.interviews,
                    "asked": one.asked,
                    "unread": one.unread,
                    "expired": one.expired,
                }
                for one in self.list_totals()
            ],
            "interviews": [asdict(one) for one in self.interviews],
            "has_more": self.has_more,
        }


def format_matrix(matrix: Matrix, width: int) -> Iterator[Text]:
    """Format a matrix: a line an interview, a column a topic; several tables if one is too wide.

    Args:
        matrix: what to show.
        width: of a line, in columns.
    """
    totals = matrix.list_totals()
    columns = [_format_column(number, one, matrix) for number, one in enumerate(totals, 1)]
    everything = f"first {len(matrix.interviews):,}" if matrix.has_more else "all"
    titles = ["", *(one.title for one in matrix.interviews), everything]
    names = [_fit(escape_control_characters(" ".join(one.split()))) for one in titles]
    for begin, end in _split_columns(columns, width):
        for place, name in enumerate(names):
            cells = "".join(column[place] for column in columns[begin:end])
            is_edge = place in {0, len(names) - 1}
            yield Text(f"{name}{cells}".rstrip(), style="bold" if is_edge else "")
        yield Text()
    for number, total in enumerate(totals, 1):
        yield from _format_topic(number, total, matrix, width)
    if columns:
        yield from wrap_paragraph(_KEY, width, style="dim")
        if any(one.has_expired for one in matrix.interviews):
            yield from wrap_paragraph(_EXPIRED, width, style="yellow")


def write_matrix_csv(matrix: Matrix, file: TextIO) -> None:
    """Write a matrix as CSV: a row an interview, two columns a topic.

    Args:
        matrix: what to write.
        file: where to; no cell of it is computed by a spreadsheet.
    """
    rows = csv.writer(file, lineterminator="\r\n")
    kinds = ("findings", "unproven")
    heads = [f"{topic.id}: {kind}" for topic in matrix.topics for kind in kinds]
    rows.writerow([_cell(one) for one in ("title", "transcript_id", "chunks", "stored", *heads)])
    for interview in matrix.interviews:
        found = {one.topic: one for one in interview.cells}
        numbers: list[int | None] = []
        for topic in matrix.topics:
            cell = found.get(topic.id)
            # Nothing where it was not asked for, or not read whole: that is no 0.
            is_known = topic.id not in interview.not_asked and interview.is_known
            none = 0 if is_known else None
            numbers += (
                (none, none) if cell is None else (cell.findings or none, cell.unproven or none)
            )
        known = (interview.transcript_id, interview.chunks, interview.stored)
        rows.writerow([_cell(interview.title), *known, *numbers])


def _cell(text: str) -> str:
    return escape_formula(escape_control_characters(text))


def _format_column(number: int, total: TopicTotal, matrix: Matrix) -> list[str]:
    """Format a topic's column: its number, a cell for each interview, and the sum."""
    topic = total.topic.id
    cells = [_format_cell(topic, one) for one in matrix.interviews]
    column = [str(number), *cells, _format_total(total)]
    wide = max(map(cell_len, column))
    return [f"  {one:>{wide}}" for one in column]


def _format_cell(topic: str, interview: MatrixInterview) -> str:
    for cell in interview.cells:
        if cell.topic == topic:
            return _format_numbers(cell.findings, cell.unproven)
    if topic in interview.not_asked:
        return _NOT_ASKED
    return _NONE if interview.is_known else _UNREAD


def _format_total(total: TopicTotal) -> str:
    """Format a topic's sum; an empty one proves as little as the cells do."""
    if total.findings or total.unproven:
        return _format_numbers(total.findings, total.unproven)
    if total.unread or total.expired:
        return _UNREAD
    return _NONE if total.asked else _NOT_ASKED


def _format_numbers(findings: int, unproven: int) -> str:
    numbers = (f"{findings}" if findings else "", f"{unproven}?" if unproven else "")
    return "+".join(filter(None, numbers))


def _split_columns(columns: Sequence[Sequence[str]], width: int) -> Iterator[tuple[int, int]]:
    """Yield the columns of each table: as many as fit beside the titles."""
    begin, used = 0, TITLE_WIDTH
    for at, column in enumerate(columns):
        if at > begin and used + len(column[0]) > width:
            yield begin, at
            begin, used = at, TITLE_WIDTH
        used += len(column[0])
    if columns:
        yield begin, len(columns)


def _fit(title: str) -> str:
    """Cut or fill a title to its width."""
    if cell_len(title) <= TITLE_WIDTH:
        return set_cell_size(title, TITLE_WIDTH)
    return set_cell_size(f"{set_cell_size(title, TITLE_WIDTH - 1).rstrip()}…", TITLE_WIDTH)


def _format_topic(number: int, total: TopicTotal, matrix: Matrix, width: int) -> Iterator[Text]:
    first = f"{number:>3}  "
    said = f"{total.topic.text} ({total.topic.id}): {_describe_total(total, matrix)}"
    yield from wrap_paragraph(said, width, indent=" " * len(first), first=first)


def _describe_total(total: TopicTotal, matrix: Matrix) -> str:
    of_all = format_count(len(matrix.interviews), "interview")
    among = f"the first {of_all}" if matrix.has_more else of_all
    if total.interviews:
        counts = f"{format_count(total.findings, 'finding')} and {total.unproven:,} not proven"
        return f"{counts}, in {total.interviews:,} of {among}"
    if total.unread:
        are = "is" if total.unread == 1 else "are"
        return f"no notes yet, {format_count(total.unread, 'interview')} {are} not read whole"
    if total.expired:
        have = "has" if total.expired == 1 else "have"
        expired = format_count(total.expired, "interview")
        return f"no notes, and {expired} {have} none any more, as their time is over"
    if matrix.interviews and not total.asked:
        return "no interview was asked for it"
    return f"no notes in {among}" if matrix.has_more else "no notes"
