"""Markdown, Word and JSON Lines: what is read back is what was exported."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Final

import docx
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from contracts.notes import Standing
from exports.characters import remove_xml_illegal_characters
from exports.docx_format import open_docx
from exports.json_format import open_json_lines
from exports.markdown_format import escape_markdown, open_markdown
from read_model.standings import READING_LABEL, UNPROVEN
from support.made_up_exports import STUDY, export, hostile_interview, plain_interview

THEMES: Final = STUDY.study.themes
IN_THEMES: Final = (
    replace(hostile_interview(), theme=THEMES[0]),
    replace(plain_interview(2), theme=THEMES[0]),
    replace(plain_interview(2), theme=THEMES[1]),
)


def as_shown(text: str) -> str:
    """A text as Markdown shows it: in one line."""
    return " ".join(text.split())


@given(st.text(min_size=1).filter(lambda text: as_shown(text) != ""))
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    (paragraph,) = [
        token for token in MarkdownIt("commonmark").parse(escape_markdown(text)) if token.children
    ]
    assert paragraph.children is not None
    assert {one.type for one in paragraph.children} <= {"text", "text_special"}
    shown = "".join(one.content for one in paragraph.children)
    assert shown == as_shown(text).replace("\x00", "\ufffd")


def test_markdown_is_ordered_by_themes_and_marks_what_is_not_proven() -> None:
    page = export(open_markdown, IN_THEMES).decode()
    tokens = MarkdownIt("commonmark").parse(page)
    headings = [
        (tokens[at - 1].tag, "".join(one.content for one in token.children or ()))
        for at, token in enumerate(tokens)
        if tokens[at - 1].type == "heading_open"
    ]
    assert headings[0] == ("h1", STUDY.study.name)
    assert [one for one in headings if one[0] == "h2"] == [("h2", "Price"), ("h2", "Trust")]
    assert escape_markdown(READING_LABEL) in page
    inline = [one for token in tokens for one in token.children or ()]
    assert {one.type for one in [*tokens, *inline]}.isdisjoint(
        {"html_block", "html_inline", "link"}
    )


def test_word_has_the_notes_below_their_themes() -> None:
    document = docx.Document(BytesIO(export(open_docx, IN_THEMES)))
    assert document.core_properties.title == STUDY.study.name
    texts = [(one.style.name, one.text) for one in document.paragraphs if one.style is not None]
    assert [text for style, text in texts if style == "Heading 1"] == ["Price", "Trust"]
    quotes = [text for style, text in texts if style == "Quote"]
    wanted = [
        f"“{remove_xml_illegal_characters(quote.quote)}”"
        for one in IN_THEMES
        for note in one.notes
        for quote in note.evidence
    ]
    assert [as_shown(one) for one in quotes] == [as_shown(one) for one in wanted]


def test_an_unproven_statement_is_no_finding_unless_it_is_asked_for() -> None:
    interview = plain_interview(notes=3)
    reading = interview.notes[2]
    asked = replace(reading, statement=reading.model_reading, model_reading=None)
    assert asked.standing is Standing.UNPROVEN
    for note, first in ((reading, reading.evidence[0].quote), (asked, asked.statement)):
        one = replace(interview, notes=[note], theme=THEMES[0])
        document = docx.Document(BytesIO(export(open_docx, [one])))
        below = [one.text for one in document.paragraphs]
        below = below[below.index(interview.title) + 1 :]
        assert first is not None
        assert first in below[0]
        assert any(READING_LABEL in line or line == UNPROVEN for line in below)


def test_json_lines_have_a_study_then_interviews_with_all_that_there_is() -> None:
    interviews = hostile_interview(), plain_interview(2)
    head, *lines = map(json.loads, export(open_json_lines, interviews).decode().splitlines())
    assert (head["kind"], head["study"]["study_id"]) == ("study", "made-up")
    assert [one["title"] for one in lines] == [one.title for one in interviews]
    for line, interview in zip(lines, interviews, strict=True):
        assert [one["text"] for one in line["segments"]] == [one.text for one in interview.segments]
        assert line["notes"] == json.loads(
            json.dumps([one.as_json() for one in interview.notes], default=str)
        )
