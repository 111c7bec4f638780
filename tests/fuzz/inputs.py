"""Inputs made of every format's sample by chance: cut, doubled, swapped, filled with odd values."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import docx

from transcripts.registry import FORMATS

Make = Callable[[random.Random], bytes]

LONGEST: Final = 64 * 1024
"""Bytes of an input."""

_FRAGMENTS: Final = (
    "WEBVTT", "\n", "\n\n", "\r\n", "\r", "-->", " --> ", "00:01.000", "0:0:1.5", "00:00:02,000",
    "99:99", "<v Ann>", "</v>", "<i>", "<", ">", "&amp;", "&#x200b;", "&", "Ann: ", "[Ben] ", "- ",
    "Ben  0:03", "(00:01)", "[00:02]", "#00:00:05-8#", "NOTE", "1", "\ufeff", "\u0301", "\x00", "é",
    "{", "}", "[", "]", ",", '"', ":", "\t", "|", ";", "\f", "\u2028", "\u202e", "Page 2 of 3",
    "Q ", "A. ", "**", "> ", "## ", "\U0001f600", "9" * 40, "a" * 500, "e\u0301" * 40, " " * 300,
    "\n" * 300, "(" * 200, "Speaker 1: x\n" * 50,
)  # fmt: skip
_SCALARS: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1e308, 10**30, "", "0", "1.5s", "PT1S", "\u200b", "Ann", [], {}, [[]],
    {"seconds": "x"}, ["a"], float("nan"), "2026-03-04T14:00:01Z", "9" * 50, "x" * 1_000,
)  # fmt: skip
_MOST_CHANGES: Final = 6


def text_inputs(sample: str) -> Make:
    """What makes texts of a format's sample."""
    return lambda chance: _mutate_text(sample, chance).encode("utf-8", "surrogatepass")


def json_inputs(sample: str) -> Make:
    """What makes JSON of a format's sample: of its values, and now and then of its text."""

    def make(chance: random.Random) -> bytes:
        if chance.random() < 0.2:
            return text_inputs(sample)(chance)
        document = json.loads(sample)
        for _ in range(chance.randint(1, _MOST_CHANGES)):
            document = _mutate_value(document, chance)
        return json.dumps(document).encode()

    return make


def byte_inputs(sample: bytes) -> Make:
    """What makes bytes of a document's bytes."""

    def make(chance: random.Random) -> bytes:
        data = bytearray(sample)
        for _ in range(chance.randint(1, _MOST_CHANGES)):
            at = chance.randrange(len(data) + 1)
            end = min(len(data), at + chance.choice((1, 1, 4, 64, 1_024)))
            data[at:end] = chance.choice((b"", data[at:end] * 2, chance.randbytes(end - at), b"\0"))
        return bytes(data[:LONGEST])

    return make


def sources() -> Mapping[str, Make]:
    """What makes inputs, by the name of the format or of the kind of document."""
    talk = "Odile: How?\n\nRavi: With a ladder.\n"
    texts = {
        one.name.value: (json_inputs if one.json else text_inputs)(one.sample) for one in FORMATS
    }
    documents = {
        "docx": _docx(talk),
        "odt": _odt(talk),
        "rtf": (r"{\rtf1\ansi " + talk.replace("\n", r"\par ") + "}").encode(),
        "pdf": _pdf(talk),
        "utf-16": talk.encode("utf-16"),
        "utf-16 without a mark": talk.encode("utf-16-le"),
        "cp1252": "Zoë: Wie schön.\n\nJürgen: Ja.".encode("cp1252"),
        "shift-jis": "聞き手:蜂は。\n大山:九年。".encode("shift-jis"),
    }
    return texts | {name: byte_inputs(data) for name, data in documents.items()}


def inputs(make: Make, number: int, seed: int) -> Iterator[bytes]:
    """That many inputs; the same ones for the same seed."""
    for position in range(number):
        yield make(random.Random(seed * 1_000_003 + position))


def _mutate_text(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, _MOST_CHANGES)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((1, 1, 3, 20, 200)))
        stretch = text[at:end]
        filling = chance.choice(("", stretch * 2, stretch[::-1], *_fragments(chance)))
        text = text[:at] + filling + text[end if chance.random() < 0.5 else at :]
        if chance.random() < 0.05:
            text *= chance.randint(2, 20)
        text = text[: LONGEST // 4]
    return text


def _fragments(chance: random.Random) -> tuple[str, str, str, str]:
    one, two, three = (chance.choice(_FRAGMENTS) for _ in range(3))
    return one, two + three, chr(chance.randrange(0xD7FF)), chance.choice(_FRAGMENTS) * 3


def _mutate_value(value: Any, chance: random.Random) -> Any:
    """The value with one place in it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        return _mutate_object(value, chance)
    if isinstance(value, list) and value and chance.random() < 0.9:
        return _mutate_list(value, chance)
    if isinstance(value, str) and chance.random() < 0.5:
        return _mutate_text(value, chance)
    return chance.choice(_SCALARS)


def _mutate_object(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    key = chance.choice(list(value))
    match chance.randrange(5):
        case 0:
            return {name: one for name, one in value.items() if name != key}
        case 1:
            return value | {chance.choice(list(value)): value[key]}
        case _:
            return value | {key: _mutate_value(value[key], chance)}


def _mutate_list(value: list[Any], chance: random.Random) -> list[Any]:
    at = chance.randrange(len(value))
    match chance.randrange(5):
        case 0:
            return value[:at] + value[at + 1 :]
        case 1:
            return value * chance.randint(2, 5)
        case 2:
            return [*value, chance.choice(_SCALARS)]
        case _:
            return [*value[:at], _mutate_value(value[at], chance), *value[at + 1 :]]


def _docx(text: str) -> bytes:
    document = docx.Document()
    for line in text.splitlines():
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return _without_times(out.getvalue())


def _without_times(archive: bytes) -> bytes:
    """The archive as if its files were of 1980: a seed makes the same inputs at any time."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w") as made:
        for one in source.infolist():
            made.writestr(zipfile.ZipInfo(one.filename), source.read(one))
    return out.getvalue()


def _odt(text: str) -> bytes:
    namespace = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    body = "".join(f"<t:p>{line}</t:p>" for line in text.splitlines())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f'<d xmlns:t="{namespace}">{body}</d>')
    return _without_times(out.getvalue())


def _pdf(text: str) -> bytes:
    shown = "".join(f"({line}) Tj 0 -14 Td " for line in text.splitlines() if line)
    stream = f"BT /F1 12 Tf 50 700 Td {shown}ET"
    return (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
        f"4 0 obj<</Length {len(stream)}>>stream\n{stream}\nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
        "trailer<</Root 1 0 R>>\n%%EOF"
    ).encode()
