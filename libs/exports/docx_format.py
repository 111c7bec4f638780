"""DOCX: a document by themes, for colleagues."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from docx import Document
from docx.shared import Pt
from docx.text.run import Run
from lxml import etree

from exports.characters import remove_xml_illegal_characters
from exports.content import AddInterview, ExportedInterview, ExportedStudy, HeadingTracker
from exports.documents import build_document_note, list_meanings

_BODY: Final = "word/document.xml"


@dataclass(frozen=True, slots=True)
class _Look:
    """Style of a paragraph by its name in Word, and the font of its text."""

    style: str | None = None
    points: int | None = None
    is_bold: bool = False
    is_italic: bool = False


_SMALL: Final = _Look(points=9)
_REMARK: Final = _Look(points=9, is_italic=True)
_FINDING: Final = _Look(is_bold=True)
_QUOTE: Final = _Look("Quote")
_THEME: Final = _Look("Heading 1")
_INTERVIEW: Final = _Look("Heading 2")


@contextmanager
def open_docx(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write a Word document, an interview's paragraphs at a time, so that memory is bounded."""
    pages = _Pages(study)
    headings = HeadingTracker()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        first = pages.take_paragraphs()
        begin, end = pages.copy_frame(package)
        with package.open(_BODY, "w", force_zip64=True) as body:
            body.write(begin + first)

            def add(interview: ExportedInterview) -> None:
                if theme := headings.begins_theme(interview):
                    pages.add(theme.name, _THEME)
                pages.add_interview(interview)
                body.write(pages.take_paragraphs())

            yield add
            body.write(end)


class _Pages:
    """A document of python-docx, whose paragraphs are taken out as soon as they are made.

    Each is a copy of one that python-docx made, as it looks for a style through all of them.
    """

    def __init__(self, study: ExportedStudy) -> None:
        self._study = study
        self._document: Any = Document()
        self._originals: dict[_Look, Any] = {}
        self._document.core_properties.title = remove_xml_illegal_characters(study.study.name)
        self._document.core_properties.author = "onrecord"
        self._document.core_properties.created = study.exported_at
        self.add(study.study.name, _Look("Title"))
        self.add(f"Exported {study.exported_at:%Y-%m-%d %H:%M %Z}.", _SMALL)
        for name, meaning in list_meanings():
            self.add(f"{name}: {meaning}", _Look("List Bullet", _SMALL.points))

    def copy_frame(self, package: zipfile.ZipFile) -> tuple[bytes, bytes]:
        """Copy all but the body; return what stands before the body's paragraphs, and behind."""
        empty = io.BytesIO()
        self._document.save(empty)
        with zipfile.ZipFile(empty) as frame:
            for item in frame.infolist():
                if item.filename != _BODY:
                    package.writestr(item, frame.read(item))
            before, mark, behind = frame.read(_BODY).partition(b"<w:body>")
        return before + mark, behind

    def add_interview(self, interview: ExportedInterview) -> None:
        self.add(interview.title, _INTERVIEW)
        for one in interview.notes:
            note = build_document_note(self._study, one)
            if note.finding is not None:
                self.add(note.finding, _FINDING)
            for words, source in note.quotes:
                self.add(f"“{words}”", _QUOTE)
                self.add(f"— {source}", _SMALL)
            for remark in note.remarks:
                self.add(remark, _REMARK)

    def add(self, text: str, look: _Look) -> None:
        """Add a paragraph."""
        original = self._originals.get(look)
        if original is None:
            original = self._originals[look] = self._make_original(look)
        paragraph = deepcopy(original)
        Run(paragraph.r_lst[0], self._document).text = remove_xml_illegal_characters(text)
        self._document.element.body.insert_element_before(paragraph, "w:sectPr")

    def take_paragraphs(self) -> bytes:
        """Take all paragraphs out of the document, as XML."""
        body = self._document.element.body
        paragraphs = list(body.p_lst)
        for one in paragraphs:
            body.remove(one)
        return b"".join(etree.tostring(one) for one in paragraphs)

    def _make_original(self, look: _Look) -> Any:
        run = self._document.add_paragraph(style=look.style).add_run()
        run.font.size = None if look.points is None else Pt(look.points)
        run.bold, run.italic = look.is_bold or None, look.is_italic or None
        body = self._document.element.body
        original = body.p_lst[-1]
        body.remove(original)
        return original
