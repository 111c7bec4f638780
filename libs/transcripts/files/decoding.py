"""From the bytes of a file to its text: encodings, office documents, and what is no text at all."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from transcripts.errors import (
    EmptyTranscriptError,
    MalformedTranscriptError,
    TooLargeTranscriptError,
    UnknownFormatError,
)
from transcripts.files.alphabets import guess_alphabet_encoding
from transcripts.files.spreadsheets import read_xlsx_rows
from transcripts.files.word_documents import iter_docx_lines
from transcripts.xml_documents import parse_xml

_MIB: Final = 1024 * 1024
_LARGEST_UNPACKED: Final = 200 * _MIB
"""Bytes of a document once it is unpacked; more is `too_large`, before any is unpacked."""

_MOST_MEMBERS: Final = 20_000
"""Files in a document that is an archive; more is `too_large`."""

_BOMS: Final = (
    # UTF-32 first: its little-endian mark begins like that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Magic numbers, as file(1) and the formats' specifications have them.
_RECORDINGS: Final = (
    (re.compile(rb"ID3|\xff[\xfb\xf3\xf2\xfa]"), "an MP3"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "a WAV"),
    (re.compile(rb"fLaC"), "a FLAC"),
    (re.compile(rb"OggS"), "an Ogg"),
    (re.compile(rb"....ftyp", re.DOTALL), "an MP4 or M4A"),
    (re.compile(rb"\x1aE\xdf\xa3"), "a WebM or Matroska"),
    (re.compile(rb"FORM....AIF", re.DOTALL), "an AIFF"),
    (re.compile(rb"#!AMR"), "an AMR"),
)
_PICTURES: Final = (
    (re.compile(rb"\x89PNG"), "a PNG"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG"),
    (re.compile(rb"GIF8"), "a GIF"),
)
_OTHERS: Final = (
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Word, Excel or Outlook file: save it as .docx"),
    (re.compile(rb"\x1f\x8b"), "a gzip archive: unpack it first"),
    (re.compile(rb"7z\xbc\xaf|Rar!"), "an archive: unpack it first"),
    (re.compile(rb"SQLite format 3"), "a database: export the transcript from its tool"),
)
_GUESSED_FROM: Final = 64 * 1024
_TEXT_SHARE: Final = 0.9
_FEWEST_BLANKS: Final = 0.05
_MOST_ACCENTS: Final = 0.25  # of a Western text; one of another script has more
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")
_WESTERN: Final = frozenset(
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœšžßðþÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒŠŽÐÞŸ"
    "\u2018\u2019\u201c\u201d\u201a\u201e\u2013\u2014\u2026\u2022\u20ac\u00a3\u00b0\u00ab\u00bb\u00bf\u00a1\u00a0"
)
_WESTERN_ENCODINGS: Final = ("cp1252", "iso8859_15", "mac_roman", "cp850")
# A capital within a word, or a quotation mark that a letter of DOS's code page became.
_CAPITAL_WITHIN: Final = re.compile(
    r"[a-zà-öø-ÿ][À-ÖØ-Þ\u0178]|[a-zß-ÿ][\u201a\u201d\u201e][a-zß-ÿ]"
)
# Windows-1252's letters at the places of those with carons, rings and double acutes.
_CZECH_AS_WESTERN: Final = frozenset("øìèùòØÌÈÙÒ")
_NEVER_CENTRAL: Final = frozenset("àåæêçñãÀÅÆÊÇÑÃ")
_ICELANDIC: Final = frozenset("þðýÞÐÝ")
_NORDIC: Final = frozenset("áíóúæÁÍÓÚÆ")


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """Text decoded from a file, with the encoding and the assumptions that were made.

    Attributes:
        text: what is in it, line ends as they are, without a byte order mark.
        encoding: the encoding it was decoded from, or the kind of document.
        notices: what was assumed, in sentences for people.
    """

    text: str
    encoding: str
    notices: tuple[str, ...] = ()


def decode_file(data: bytes) -> DecodedFile:
    """Decode a file's bytes to text, from any encoding or from a Word or Excel document.

    Args:
        data: the file's bytes.

    Raises:
        EmptyTranscriptError: the file is empty.
        UnknownFormatError: it is a recording, a picture, an archive, or bytes that are no text.
        MalformedTranscriptError: an office document is damaged or locked, or text breaks off.
        TooLargeTranscriptError: a document unpacks to more than 200 MiB.
    """
    if not data:
        raise EmptyTranscriptError("the file is empty")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return DecodedFile(_strictly(data[len(bom) :], encoding, len(bom)), encoding)
    _refuse_what_is_no_text(data)
    for magic, kind, read in _DOCUMENTS:
        if data.startswith(magic) and (text := read(data)) is not None:
            return DecodedFile(text, kind)
    return _decoded(data)


def _refuse_what_is_no_text(data: bytes) -> None:
    for pattern, name in _RECORDINGS:
        if pattern.match(data):
            raise UnknownFormatError(f"this is {name} recording: transcribe it first")
    for pattern, name in _PICTURES:
        if pattern.match(data):
            raise UnknownFormatError(f"this is {name} picture: a transcript is text")
    for pattern, name in _OTHERS:
        if pattern.match(data):
            raise UnknownFormatError(f"this is {name}")


# Encodings


def _strictly(data: bytes, encoding: str, offset: int = 0) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedTranscriptError(
            f"not valid {encoding.upper().removesuffix('-LE').removesuffix('-BE')} at byte "
            f"{offset + error.start:,}: save the file as UTF-8"
        ) from None


def _decoded(data: bytes) -> DecodedFile:
    if (wide := _unmarked_utf16(data)) is not None:
        return DecodedFile(
            _strictly(data, wide),
            wide,
            (f"the file has no byte order mark and was decoded as {wide.upper()}",),
        )
    try:
        return DecodedFile(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _guessed(data, error)


def _unmarked_utf16(data: bytes) -> str | None:
    beginning = data[:400]
    if len(beginning) < 4 or len(data) % 2:  # noqa: PLR2004 - two characters
        return None
    even, odd = beginning[0::2], beginning[1::2]
    if odd.count(0) > _TEXT_SHARE * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if even.count(0) > _TEXT_SHARE * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return _utf16_of_other_scripts(data)


def _utf16_of_other_scripts(data: bytes) -> str | None:
    """UTF-16 of an alphabet, of which blanks and marks have a zero byte, and letters one other."""
    beginning = data[:4_000]
    for encoding, zeros, others in (
        ("utf-16-le", beginning[1::2], beginning[0::2]),
        ("utf-16-be", beginning[0::2], beginning[1::2]),
    ):
        blanks = zeros.count(0)
        if others.count(0) or blanks < _FEWEST_BLANKS * len(zeros):
            continue
        common = sum(count for _, count in Counter(zeros).most_common(3))
        if common > _TEXT_SHARE * len(zeros):
            return encoding
    return None


def _guessed(data: bytes, error: UnicodeDecodeError) -> DecodedFile:
    if error.reason == "unexpected end of data" and error.start >= len(data) - 3:
        raise MalformedTranscriptError(
            f"the file breaks off within a character at byte {error.start:,}: it was not saved or "
            "copied whole"
        )
    encoding = _western(data) or guess_alphabet_encoding(data) or _detected(data)
    if encoding is None:
        raise UnknownFormatError(
            f"not text in any encoding that is known (not UTF-8 at byte {error.start:,}): save the "
            "file as UTF-8"
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise MalformedTranscriptError(
            f"not valid UTF-8 at byte {error.start:,}: save the file as UTF-8"
        ) from None
    if _CONTROLS.search(text, 0, _GUESSED_FROM):
        raise UnknownFormatError("the bytes are no text: save the file as UTF-8")
    notice = (
        f"the file is not UTF-8; its encoding was guessed as {encoding}: look at names and "
        "accents, or save it as UTF-8"
    )
    return DecodedFile(text, encoding, (notice,))


def _western(data: bytes) -> str | None:
    """The encoding in which all that is not ASCII is a letter or mark of Western Europe."""
    for encoding in _WESTERN_ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        others = {one for one in text if not one.isascii()}
        mostly_ascii = sum(not one.isascii() for one in text) <= _MOST_ACCENTS * len(text)
        if mostly_ascii and others <= _WESTERN and not _CAPITAL_WITHIN.search(text):
            # Turkish has other letters where Icelandic has thorn, eth and y acute.
            turkish = others & _ICELANDIC and not others & _NORDIC
            return "cp1254" if turkish else _central(others, encoding)
    return None


def _central(others: set[str], encoding: str) -> str:
    """Windows-1250 where the letters are those of Czech, Slovak or Hungarian in its place."""
    czech = others & _CZECH_AS_WESTERN and others & set("áíýÁÍÝ")
    hungarian = others & set("õûÕÛ") and others & set("öüáÖÜÁ")
    western = others & _NEVER_CENTRAL
    return "cp1250" if (czech or hungarian) and not western else encoding


def _detected(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - most files are UTF-8

    best = from_bytes(data[:_GUESSED_FROM]).best()
    return best.encoding if best is not None else None


# Documents


def _unpacked(data: bytes) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise MalformedTranscriptError("the document is damaged: save it again") from None
    members = archive.infolist()
    size = sum(one.file_size for one in members)
    if size > _LARGEST_UNPACKED or len(members) > _MOST_MEMBERS:
        raise TooLargeTranscriptError(
            f"the document unpacks to {size:,} bytes; the limit is {_LARGEST_UNPACKED:,}"
        )
    return archive


def _read_zip(data: bytes) -> str | None:
    archive = _unpacked(data)
    names = set(archive.namelist())
    if "word/document.xml" in names:
        return _with_errors(_read_docx, data)
    if "content.xml" in names and "mimetype" in names:
        return _with_errors(_read_odt, data)
    if "xl/workbook.xml" in names:
        rows = _with_errors(lambda _: "\n".join(map("\t".join, read_xlsx_rows(archive))), data)
        if not rows.strip():
            raise EmptyTranscriptError("the workbook is empty")
        return rows
    raise UnknownFormatError("this is a ZIP archive or another office file: save it as .docx")


def _with_errors(read: Callable[[bytes], str], data: bytes) -> str:
    try:
        return read(data)
    except (EmptyTranscriptError, UnknownFormatError, MalformedTranscriptError):
        raise
    except Exception as error:  # noqa: BLE001 - the libraries raise whatever they meet
        raise MalformedTranscriptError(
            f"the document cannot be read ({type(error).__name__}): save it again, or as text"
        ) from None


def _read_docx(data: bytes) -> str:
    import docx  # noqa: PLC0415 - loaded when the first document comes

    return "\n".join(iter_docx_lines(docx.Document(io.BytesIO(data))))


def _read_odt(data: bytes) -> str:
    # By hand: the kept library for OpenDocument, odfpy, is published as source only.
    content = _unpacked(data).read("content.xml").decode("utf-8")
    root = parse_xml(content)
    paragraphs = (one for one in root.iter() if one.tag in _ODT_PARAGRAPHS)
    return "\n".join("".join(_odt_text(one)) for one in paragraphs)


def _odt_text(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        yield _ODT_BLANKS.get(child.tag, "")
        yield from _odt_text(child)
        yield child.tail or ""


_RTF_CELL: Final = re.compile(r"\\(?:nest)?cell(?![a-z\d])\s?")


def _read_rtf(data: bytes) -> str:
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415 - loaded when the first document comes

    def read(raw: bytes) -> str:
        # The library ends cells with `|`, which somebody may have written.
        return str(rtf_to_text(_RTF_CELL.sub(r"\\tab ", raw.decode("latin-1"))))

    return _with_errors(read, data)


def _read_pdf(data: bytes) -> str:
    from pypdf import PdfReader  # noqa: PLC0415 - loaded when the first document comes

    def read(raw: bytes) -> str:
        reader = PdfReader(io.BytesIO(raw))
        return "\n".join(page.extract_text() for page in reader.pages)

    text = _with_errors(read, data)
    if not text.strip():
        raise UnknownFormatError(
            "this PDF holds no text, perhaps pictures of it: export it as text"
        )
    return text


_ODT_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ODT_PARAGRAPHS: Final = frozenset({f"{_ODT_TEXT}p", f"{_ODT_TEXT}h"})
_ODT_BLANKS: Final = {
    f"{_ODT_TEXT}s": " ",
    f"{_ODT_TEXT}tab": "\t",
    f"{_ODT_TEXT}line-break": "\n",
}

_DOCUMENTS: Final[tuple[tuple[bytes, str, Callable[[bytes], str | None]], ...]] = (
    (b"PK\x03\x04", "office document", _read_zip),
    (b"{\\rtf", "RTF", _read_rtf),
    (b"%PDF-", "PDF", _read_pdf),
)
