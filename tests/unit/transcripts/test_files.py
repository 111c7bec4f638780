"""From bytes to text: encodings, office documents, and files that hold no text."""

# ruff: noqa: E501, RUF001 - samples of many scripts, a line each

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml

from transcripts import (
    EmptyTranscriptError,
    MalformedTranscriptError,
    TooLargeTranscriptError,
    UnknownFormatError,
)
from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

TEXT = "Odile: How did it begin?\nRavi: With a borrowed ladder, née échelle.\n"
TURNS = [("Odile", "How did it begin?"), ("Ravi", "With a borrowed ladder, née échelle.")]
LONG = {
    "cp1252": "Odile: Où est l’échelle, s’il vous plaît?\nRavi: Elle est à côté du marché, près du café.\n",
    "cp1251": "Одиль: Как всё началось и кто пришёл первым?\nРави: Всё началось с лестницы соседа.\n",
    "shift_jis": "オディール: どのように始まりましたか。\nラヴィ: 隣の人から梯子を借りました。\n",
    "gb18030": "采访者：你们是怎么开始的？第一个来的人是谁？\n受访者：我们先向邻居借了一把梯子。\n",
}  # fmt: skip


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_reads_unicode_with_and_without_a_mark(encoding: str) -> None:
    assert said(read(decode_file(TEXT.encode(encoding)).text)) == TURNS


@pytest.mark.parametrize("encoding", LONG)
def test_guesses_other_encodings_and_says_so(encoding: str) -> None:
    found = decode_file((LONG[encoding] * 10).encode(encoding))
    assert found.text == LONG[encoding] * 10
    assert "guessed as" in found.notices[0]


def test_reads_documents_of_word() -> None:
    document = docx.Document()
    for line in TEXT.splitlines():
        document.add_paragraph(line)
    data = io.BytesIO()
    document.save(data)
    assert said(read(decode_file(data.getvalue()).text)) == TURNS


def test_reads_tables_of_word() -> None:
    document = docx.Document()
    table = document.add_table(rows=0, cols=2)
    for line in [*TEXT.splitlines(), "Odile: And who came?"]:
        cells = table.add_row().cells
        cells[0].text, cells[1].text = line.split(": ", 1)
    data = io.BytesIO()
    document.save(data)
    assert said(read(decode_file(data.getvalue()).text)) == [*TURNS, ("Odile", "And who came?")]


def test_reads_open_documents() -> None:
    names = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    names += 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    paragraphs = "".join(f"<text:p>{line}</text:p>" for line in TEXT.splitlines())
    content = f"<office:document-content {names}><office:body>{paragraphs}</office:body></office:document-content>"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f'<?xml version="1.0"?>{content}'.encode())
    assert said(read(decode_file(data.getvalue()).text)) == TURNS


def test_reads_rich_text() -> None:
    rtf = r"{\rtf1\ansi{\b Odile:} How did it begin?\par{\b Ravi:} With a ladder.\par}"
    assert said(read(decode_file(rtf.encode()).text)) == [
        ("Odile", "How did it begin?"),
        ("Ravi", "With a ladder."),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ID3\x04rest", "an MP3 recording: transcribe it first"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a WAV recording"),
        (b"\x00\x00\x00\x20ftypM4A ", "an MP4 or M4A recording"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"\xd0\xcf\x11\xe0rest", "save it as .docx"),
        (b"\x1f\x8brest", "unpack it first"),
        (b"%PDF-1.4\n%%EOF\n", "cannot be read|holds no text"),
    ],
)
def test_names_what_is_no_text(data: bytes, reason: str) -> None:
    with pytest.raises((UnknownFormatError, MalformedTranscriptError), match=reason):
        decode_file(data)


def test_refuses_an_empty_file_and_one_that_breaks_off() -> None:
    with pytest.raises(EmptyTranscriptError):
        decode_file(b"")
    with pytest.raises(MalformedTranscriptError, match="breaks off"):
        decode_file(TEXT.encode()[: TEXT.encode().index("é".encode()) + 1])


def test_refuses_a_document_that_unpacks_to_too_much() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (201 * 1024 * 1024))
    with pytest.raises(TooLargeTranscriptError, match="unpacks to"):
        decode_file(data.getvalue())


def test_refuses_a_damaged_document() -> None:
    with pytest.raises(MalformedTranscriptError, match="damaged"):
        decode_file(b"PK\x03\x04 and nothing more")


def test_what_was_inserted_in_word_is_read_and_what_was_deleted_is_not() -> None:
    document = docx.Document()
    for text in ("Ida: Did you sign?", "Otto: I did. Date: May 3.", "Ida: Why?"):
        document.add_paragraph(text)
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    run = '<w:r><w:t xml:space="preserve"> {}</w:t></w:r>'
    changes = (
        f'<w:del xmlns:w="{word}" w:id="1" w:author="x"><w:r><w:delText> No.</w:delText></w:r></w:del>',
        f'<w:ins xmlns:w="{word}" w:id="2" w:author="x">{run.format("Or the 4th.")}</w:ins>',
        f'<w:sdt xmlns:w="{word}"><w:sdtPr/><w:sdtContent>{run.format("Or so.")}</w:sdtContent></w:sdt>',
    )
    for change in changes:
        document.paragraphs[1]._p.append(parse_xml(change))
    held = io.BytesIO()
    document.save(held)
    content = decode_file(held.getvalue()).text
    assert said(read(content))[1] == ("Otto", "I did. Date: May 3. Or the 4th. Or so.")
