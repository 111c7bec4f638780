"""QDPX, read back by a reader made from the standard's schema, and by QualCoder's rules."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pyrefiqda.models import Project
from xsdata_pydantic.bindings import XmlParser

from exports.content import ExportedInterview, locate_quote
from exports.qdpx_format import open_qdpx
from support.made_up_exports import (
    STUDY,
    export,
    hostile_interview,
    made_up_note,
    made_up_quote,
    made_up_segment,
    plain_interview,
)

LINE_ENDS: Final = re.compile(r"\r\n|\r")


def read(content: bytes) -> tuple[Any, Mapping[str, str]]:
    """Return the project and the sources' texts, by guid."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        project = XmlParser().from_bytes(package.read("project.qde"), Project)
    return project, read_sources(content)


def read_sources(content: bytes) -> dict[str, str]:
    """Read as QualCoder does: as UTF-8 in text mode, in which all line ends become ``\\n``."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        names = [one for one in package.namelist() if one.startswith("Sources/")]
        return {
            Path(one).stem: LINE_ENDS.sub("\n", package.read(one).decode("utf-8")) for one in names
        }


def coded(project: Any, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each coding as the code's name and the words at its place."""
    codes = {one.guid: one.name for one in project.code_book.codes.code}
    return [
        (codes[coding.code_ref.target_guid], text[one.start_position : one.end_position])
        for source in project.sources.text_source
        for text in [texts[source.guid]]
        for one in source.plain_text_selection
        for coding in one.coding
    ]


def test_every_quote_is_coded_with_its_themes_and_questions_at_its_place() -> None:
    interviews = [hostile_interview(), plain_interview(2, notes=30)]
    project, texts = read(export(open_qdpx, interviews))
    found = coded(project, texts)
    wanted = [
        (code, flat(quote.quote))
        for interview in interviews
        for note in interview.notes
        for quote in note.evidence
        for code in ("Price", "Why did they leave?")
    ]
    assert sorted((code, flat(words)) for code, words in found) == sorted(wanted)
    memos = {one.guid: one for one in project.notes.note}
    assert memos.keys() == {str(note.note_id) for one in interviews for note in one.notes}


def flat(text: str) -> str:
    return " ".join(text.split())


def test_nothing_has_a_name_that_occurs_before() -> None:
    interviews = [plain_interview(at, title="The same") for at in (1, 2, 3)]
    project, _ = read(export(open_qdpx, interviews))
    codes = [one.name for one in project.code_book.codes.code]
    assert codes == ["Price", "Trust (theme same)", "Trust (theme again)", "Why did they leave?"]
    names = [one.name for one in project.sources.text_source]
    assert names == ["The same", "The same (2)", "The same (3)"]
    memos = [one.name for one in project.notes.note]
    assert len({*memos}) == len(memos) == 9


def test_a_place_is_selected_once_with_all_that_was_noted_there() -> None:
    segment = made_up_segment(1, "We pay too much, we pay too much.")
    quote = made_up_quote(segment, "We pay too much")
    notes = [
        made_up_note("One", quote, themes=("price",), questions=()),
        made_up_note("Two", quote, themes=("price", "same"), questions=()),
    ]
    interview = ExportedInterview(UUID(int=1), 1, "Interview 1", notes, [segment])
    project, texts = read(export(open_qdpx, [interview]))
    (selection,) = project.sources.text_source[0].plain_text_selection
    assert sorted(code for code, _ in coded(project, texts)) == ["Price", "Trust (theme same)"]
    assert len(selection.note_ref) == 2
    assert "One" in selection.description
    assert "Two" in selection.description


def test_a_project_without_notes_is_one() -> None:
    project, texts = read(export(open_qdpx, [replace(plain_interview(), notes=())]))
    assert len(texts) == 1
    assert project.notes is None
    assert project.name == STUDY.study.name


@given(st.lists(st.tuples(st.text(), st.text(), st.text(min_size=1)), min_size=1, max_size=4))
def test_places_are_exact_whatever_was_said(parts: list[tuple[str, str, str]]) -> None:
    segments = [
        made_up_segment(at, before + words + after)
        for at, (before, after, words) in enumerate(parts, 1)
    ]
    notes = [
        made_up_note(str(at), made_up_quote(segment, words, start=len(before)))
        for at, (segment, (before, _, words)) in enumerate(zip(segments, parts, strict=True))
    ]
    content = export(open_qdpx, [ExportedInterview(UUID(int=1), 1, "One", notes, segments)])
    (text,) = read_sources(content).values()
    places = set(_places(content))
    for segment, (before, _, words) in zip(segments, parts, strict=True):
        assert segment.text[len(before) :].startswith(words)
        assert any(same(text[first:last], words) for first, last in places)


def same(found: str, words: str) -> bool:
    """Whether words are the same but for line ends, of which tools make others."""
    return len(found) == len(words) and found.split() == words.split()


def _places(content: bytes) -> Iterable[tuple[int, int]]:
    with zipfile.ZipFile(BytesIO(content)) as package:
        project = package.read("project.qde").decode()
    for first, last in re.findall(r'startPosition="(\d+)" endPosition="(\d+)"', project):
        yield int(first), int(last)


def test_masked_words_are_found_where_they_are_nearest() -> None:
    segment = made_up_segment(1, "[NAME] told [NAME] that [NAME] left.", is_masked=True)
    quote = made_up_quote(segment, "[NAME]", start=23, length=5)
    assert locate_quote(quote, segment.text) == (24, 30)
    assert locate_quote(replace(quote, quote="Ann"), segment.text) is None
    assert locate_quote(replace(quote, quote=""), segment.text) is None
