"""The formats that notes are exported in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Final

from exports.content import OpenExport


class ExportFormat(StrEnum):
    """Format of an export, named as its files end."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    MARKDOWN = "md"
    DOCX = "docx"
    JSON_LINES = "jsonl"
    HTML = "html"
    QDPX = "qdpx"


@dataclass(frozen=True, slots=True)
class FormatDescription:
    """What a format is for and what it takes.

    Attributes:
        meaning: what it is, for people.
        opener: module and function that write it; imported when it is needed.
        has_segments: whether it contains whole interviews.
        is_by_theme: whether it is ordered by themes, and by interview otherwise.
    """

    meaning: str
    opener: str
    has_segments: bool = False
    is_by_theme: bool = False

    def load(self) -> OpenExport:
        """Return the function that writes the format."""
        module, _, name = self.opener.partition(":")
        function: OpenExport = getattr(import_module(f"exports.{module}"), name)
        return function


FORMATS: Final[Mapping[ExportFormat, FormatDescription]] = {
    ExportFormat.CSV: FormatDescription("a table, a row a quote", "csv_format:open_csv"),
    ExportFormat.XLSX: FormatDescription("the same as a workbook", "xlsx_format:open_xlsx"),
    ExportFormat.PARQUET: FormatDescription(
        "the same, typed, for data tools", "parquet_format:open_parquet"
    ),
    ExportFormat.MARKDOWN: FormatDescription(
        "a document by themes", "markdown_format:open_markdown", is_by_theme=True
    ),
    ExportFormat.DOCX: FormatDescription(
        "the same for Word", "docx_format:open_docx", is_by_theme=True
    ),
    ExportFormat.JSON_LINES: FormatDescription(
        "interviews with their notes, for programs",
        "json_format:open_json_lines",
        has_segments=True,
    ),
    ExportFormat.HTML: FormatDescription(
        "one page with notes beside interviews, which verifies itself",
        "html_format:open_html",
        has_segments=True,
    ),
    ExportFormat.QDPX: FormatDescription(
        "a REFI-QDA project for NVivo, ATLAS.ti, MAXQDA, QualCoder",
        "qdpx_format:open_qdpx",
        has_segments=True,
    ),
}


def guess_format(name: str) -> ExportFormat | None:
    """Return the format that a file's name ends with; None if it ends with none."""
    ending = Path(name).suffix.lower().removeprefix(".")
    return next((one for one in ExportFormat if one.value == ending), None)
