"""QDPX: a project of REFI-QDA 1.5, which NVivo, ATLAS.ti, MAXQDA, QualCoder and others open.

Interviews become sources, themes and questions codes, quotes codings at their exact places, notes
memos. What QualCoder drops silently is avoided: names that occur twice, and two codings of the same
place with the same code. ``docs/exports.md`` says what each becomes.
"""

from __future__ import annotations

import colorsys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from shutil import copyfileobj
from typing import IO, BinaryIO, Final
from uuid import NAMESPACE_URL, UUID, uuid5
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from contracts.notes import Standing
from contracts.study import Study
from exports.characters import remove_xml_illegal_characters
from exports.content import (
    TO_SPACES,
    AddInterview,
    ExportedInterview,
    ExportedStudy,
    locate_quote,
)
from read_model.notes import StoredNote
from read_model.recording_times import format_clock
from read_model.standings import (
    choose_reading_label,
    describe_standing,
    list_decision_lines,
)

_NAMESPACE: Final = "urn:QDA-XML:project:1.0"
_ORIGIN: Final = "onrecord"
_THEME: Final = "theme"
_QUESTION: Final = "question"
_LONGEST_NAME: Final = 80
"""Characters of a memo's name: it begins with the statement or the quote."""


@contextmanager
def open_qdpx(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write a project; positions are counted in Unicode code points, as the standard has it."""
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package,
        tempfile.TemporaryFile() as sources,
        tempfile.TemporaryFile() as memos,
    ):
        project = _Project(study, package, sources, memos)
        yield project.add
        with package.open("project.qde", "w", force_zip64=True) as whole:
            project.write(whole)


@dataclass(slots=True)
class _Selection:
    """Place in a source, with all that is coded there."""

    codes: list[UUID] = field(default_factory=list)
    memos: list[UUID] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)


class _Project:
    def __init__(
        self,
        study: ExportedStudy,
        package: zipfile.ZipFile,
        sources: IO[bytes],
        memos: IO[bytes],
    ) -> None:
        self._study = study
        self._package = package
        self._parts = sources, memos
        self._sources, self._memos = _Xml(sources), _Xml(memos)
        self._names: dict[str, int] = {}
        self._codes = _list_codes(study.study)
        self._user = uuid5(NAMESPACE_URL, "urn:onrecord:user")
        self._made = {
            "creatingUser": str(self._user),
            "creationDateTime": study.exported_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def add(self, interview: ExportedInterview) -> None:
        """Add an interview's text, its codings and its memos."""
        guid = interview.transcript_id
        text, begins = _build_source_text(interview)
        self._package.writestr(f"Sources/{guid}.txt", text.encode())
        selections: defaultdict[tuple[int, int], _Selection] = defaultdict(_Selection)
        texts = {one.number: one.text for one in interview.segments}
        for note in interview.notes:
            self._add_memo(note)
            codes = self._codes_of(note)
            for quote in note.evidence:
                said = texts.get(quote.segment, "")
                # Words that a masked text does not have as they are: the whole segment is coded.
                first, last = locate_quote(quote, said) or (0, len(said))
                begin = begins.get(quote.segment, 0)
                selection = selections[begin + first, begin + last]
                selection.codes += [one for one in codes if one not in selection.codes]
                if note.note_id not in selection.memos:
                    selection.memos.append(note.note_id)
                    selection.descriptions.append(_describe(note))
        self._add_source(interview, selections)

    def _codes_of(self, note: StoredNote) -> list[UUID]:
        keys = [
            *((_THEME, one) for one in note.themes),
            *((_QUESTION, one) for one in note.questions),
        ]
        return [self._codes[key].guid for key in keys if key in self._codes]

    def _add_source(
        self,
        interview: ExportedInterview,
        selections: Mapping[tuple[int, int], _Selection],
    ) -> None:
        guid, xml = interview.transcript_id, self._sources
        name = self._unique_name(interview.title)
        path = f"internal://{guid}.txt"
        with xml.element("TextSource", guid=guid, name=name, plainTextPath=path, **self._made):
            for (first, last), selection in sorted(selections.items()):
                own = uuid5(guid, f"{first}-{last}")
                places = {"startPosition": first, "endPosition": last}
                with xml.element("PlainTextSelection", guid=own, **places, **self._made):
                    xml.text("Description", "\n".join(selection.descriptions))
                    for code in selection.codes:
                        with xml.element("Coding", guid=uuid5(own, code.hex), **self._made):
                            xml.empty("CodeRef", targetGUID=code)
                    for memo in selection.memos:
                        xml.empty("NoteRef", targetGUID=memo)

    def _add_memo(self, note: StoredNote) -> None:
        words = note.statement or note.evidence[0].quote
        name = self._unique_name(
            words if len(words) <= _LONGEST_NAME else f"{words[: _LONGEST_NAME - 1]}…"
        )
        with self._memos.element("Note", guid=note.note_id, name=name, **self._made):
            quotes = [f"“{one.quote}” ({one.speaker})" for one in note.evidence]
            self._memos.text("PlainTextContent", "\n".join([_describe(note), *quotes]))

    def _unique_name(self, name: str) -> str:
        """Return a name that no source or memo has yet: it, or it with a number behind."""
        name = " ".join(name.split()) or "untitled"
        number = self._names[name] = self._names.get(name, 0) + 1
        return name if number == 1 else self._unique_name(f"{name} ({number})")

    def write(self, file: IO[bytes]) -> None:
        """Write the project's XML: users and codes, then the sources and memos of the parts."""
        xml = _Xml(file)
        study = self._study.study
        heads = {"name": study.name, "origin": _ORIGIN, "creatingUserGUID": self._user}
        created = {"creationDateTime": self._made["creationDateTime"]}
        xml.declare()
        with xml.element("Project", xmlns=_NAMESPACE, **heads, **created):
            with xml.element("Users"):
                xml.empty("User", guid=self._user, name=_ORIGIN)
            with xml.element("CodeBook"), xml.element("Codes"):
                for code in self._codes.values():
                    with xml.element(
                        "Code", guid=code.guid, name=code.name, isCodable="true", color=code.color
                    ):
                        xml.text("Description", code.description)
            for name, part in zip(("Sources", "Notes"), self._parts, strict=True):
                if part.tell():
                    with xml.element(name):
                        xml.end_line()
                        part.seek(0)
                        copyfileobj(part, file)


@dataclass(frozen=True, slots=True)
class _Code:
    guid: UUID
    name: str
    description: str
    color: str


def _list_codes(study: Study) -> dict[tuple[str, str], _Code]:
    """Return a code for each theme and question, by kind and id, with names that occur once."""
    asked = [(_THEME, one.id, one.name, one.description) for one in study.themes]
    asked += [(_QUESTION, one.id, one.text, "research question") for one in study.questions]
    names = [name for _, _, name, _ in asked]
    study_guid = uuid5(NAMESPACE_URL, f"urn:onrecord:study:{study.study_id}")
    found: dict[tuple[str, str], _Code] = {}
    for at, (kind, key, name, description) in enumerate(asked):
        unique = name if names.count(name) == 1 else f"{name} ({kind} {key})"
        guid = uuid5(study_guid, f"{kind} {key}")
        found[kind, key] = _Code(guid, unique, description, _color(at, len(asked)))
    return found


def _color(at: int, number: int) -> str:
    red, green, blue = (round(255 * one) for one in colorsys.hls_to_rgb(at / number, 0.6, 0.55))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _build_source_text(interview: ExportedInterview) -> tuple[str, dict[int, int]]:
    """Return an interview as text, and where in it each segment's words begin, by its number."""
    parts: list[str] = []
    begins: dict[int, int] = {}
    at = 0
    for one in interview.segments:
        time = format_clock(one.start_ms)
        head = f"{one.speaker} [{time}]\n" if time else f"{one.speaker}\n"
        begins[one.number] = at + len(head)
        part = f"{head}{one.text}".translate(TO_SPACES) + "\n\n"
        parts.append(part)
        at += len(part)
    return "".join(parts), begins


def _describe(note: StoredNote) -> str:
    """Return a note as a memo: its statement, its standing, and what people decided."""
    return "\n".join([_describe_statement(note), *list_decision_lines(note)])


def _describe_statement(note: StoredNote) -> str:
    standing = f"{note.standing.value}: {describe_standing(note.standing)}"
    if note.statement is not None:
        mark = " [not proven]" if note.standing is Standing.UNPROVEN else ""
        return f"{note.statement}{mark}\n({standing})"
    if note.model_reading is not None:
        return f"{choose_reading_label(note)}: {note.model_reading}\n({standing})"
    return f"({standing})"


class _Xml:
    """Writes XML to a file, element by element."""

    def __init__(self, file: IO[bytes]) -> None:
        self._out = XMLGenerator(file, "utf-8", short_empty_elements=True)

    def declare(self) -> None:
        self._out.startDocument()

    @contextmanager
    def element(self, tag: str, **attributes: object) -> Iterator[None]:
        self._out.startElement(tag, _attributes(attributes.items()))
        yield
        self._out.endElement(tag)
        self.end_line()

    def end_line(self) -> None:
        """Write a line end, and before it what is left of the start of an element."""
        self._out.ignorableWhitespace("\n")

    def text(self, tag: str, content: str) -> None:
        with self.element(tag):
            self._out.characters(remove_xml_illegal_characters(content))

    def empty(self, tag: str, **attributes: object) -> None:
        with self.element(tag, **attributes):
            pass


def _attributes(pairs: Iterable[tuple[str, object]]) -> AttributesImpl[str]:
    return AttributesImpl(
        {name: remove_xml_illegal_characters(str(value)) for name, value in pairs}
    )
