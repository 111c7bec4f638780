"""Workbooks of Excel (XLSX) as rows of text, with times as clocks.

By hand: of a workbook nothing is needed but the cells of one sheet.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from transcripts.xml_documents import parse_xml

_NS: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d{1,4})\.xml")
_COLUMN: Final = re.compile(r"([A-Z]{1,3})\d")
_TIME_FORMATS: Final = frozenset({18, 19, 20, 21, 45, 46, 47})
"""Built-in number formats that show a time (ECMA-376 part 1, 18.8.30)."""
_TIME_CODE: Final = re.compile(r"[hH]|m:?s|\[m")
_QUOTED: Final = re.compile(r'"[^"]*"|\\.')
_LETTERS: Final = 26
_MS_A_DAY: Final = 86_400_000
_MOST_COLUMNS: Final = 1_000


def read_xlsx_rows(archive: zipfile.ZipFile) -> list[list[str]]:
    """Read the non-blank rows of an Excel workbook's sheet with the most text, all equally wide.

    Args:
        archive: the workbook; its size is checked already.

    Raises:
        MalformedTranscriptError: a part of it is no XML.
    """
    shared = list(_shared_strings(archive))
    time_styles = _time_styles(archive)
    names = sorted(
        (name for name in archive.namelist() if _SHEET.fullmatch(name)),
        key=lambda name: int(_SHEET.sub(r"\1", name)),
    )
    sheets = [list(_rows(_parse(archive, name), shared, time_styles)) for name in names]
    rows = max(sheets, key=_text_length, default=[])
    # A workbook does not store the empty cells at the end of a row.
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _text_length(rows: Sequence[Sequence[str]]) -> int:
    return sum(len(cell) for row in rows for cell in row)


def _parse(archive: zipfile.ZipFile, name: str) -> Element:
    return parse_xml(archive.read(name).decode("utf-8-sig"))


def _shared_strings(archive: zipfile.ZipFile) -> Iterator[str]:
    if "xl/sharedStrings.xml" in archive.namelist():
        for one in _parse(archive, "xl/sharedStrings.xml").iter(f"{_NS}si"):
            yield _text(one)


def _text(element: Element) -> str:
    phonetic = {text for run in element.iter(f"{_NS}rPh") for text in run.iter(f"{_NS}t")}
    said = "".join(one.text or "" for one in element.iter(f"{_NS}t") if one not in phonetic)
    return " ".join(said.split())


def _time_styles(archive: zipfile.ZipFile) -> set[int]:
    """Numbers of the cell styles that show a time."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    root = _parse(archive, "xl/styles.xml")
    formats = set(_TIME_FORMATS)
    for one in root.iter(f"{_NS}numFmt"):
        if _TIME_CODE.search(_QUOTED.sub("", one.get("formatCode", ""))):
            formats.add(int(one.get("numFmtId", "-1")))
    styles = root.find(f"{_NS}cellXfs")
    return {
        position
        for position, one in enumerate(styles if styles is not None else ())
        if int(one.get("numFmtId", "-1")) in formats
    }


def _rows(sheet: Element, shared: Sequence[str], time_styles: set[int]) -> Iterator[list[str]]:
    for row in sheet.iter(f"{_NS}row"):
        cells: list[str] = []
        for cell in row.iter(f"{_NS}c"):
            place = _column(cell.get("r", ""), len(cells))
            cells += [""] * (place - len(cells))
            cells.append(_value(cell, shared, time_styles))
        while cells and not cells[-1]:  # stored for its colour or border
            cells.pop()
        if cells:
            yield cells


def _column(reference: str, default: int) -> int:
    match = _COLUMN.match(reference)
    if match is None:
        return default
    place = 0
    for letter in match[1]:
        place = place * _LETTERS + ord(letter) - ord("A") + 1
    return max(default, min(place - 1, _MOST_COLUMNS))


def _value(cell: Element, shared: Sequence[str], time_styles: set[int]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_NS}v") or ""
    if kind == "s":
        return shared[int(value)] if value.isdecimal() and int(value) < len(shared) else ""
    if kind == "inlineStr":
        return _text(cell)
    if kind == "n" and int(cell.get("s", "0")) in time_styles:
        return _clock(value)
    return " ".join(value.split())


def _clock(days: str) -> str:
    """A time as Excel has it, a fraction of a day, as a clock."""
    try:
        ms = round(float(days) * _MS_A_DAY)
    except ValueError:
        return days
    seconds, ms = divmod(ms, 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" + (f".{ms:03}" if ms else "")
