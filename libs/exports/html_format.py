"""HTML: one file that needs no network, with the notes beside the transcripts and a check of both.

The browser compares every quote with the transcript in the file, and every part of the file with
its SHA-256. Who may have changed hashes as well compares the file's digest, which the page shows,
with the one that ``onrecord export`` printed.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, BinaryIO, Final

from contracts.notes import Standing
from exports.content import AddInterview, ExportedInterview, ExportedStudy, locate_quote
from read_model.notes import StoredNote, StoredQuote
from read_model.standings import (
    UNPROVEN,
    choose_reading_label,
    describe_standing,
    list_decision_lines,
)

_FOLDER: Final = Path(__file__).parent / "page"
_ESCAPES: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""So that nothing in JSON ends its element; to a parser of JSON they are the same."""


@contextmanager
def open_html(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write the page, an interview at a time; its policy names script and style by their hashes."""
    hashes: list[str] = []
    script, style = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("page.js", "page.css")
    )
    policy = (
        f"default-src 'none'; script-src {_name_by_hash(script)}; "
        f"style-src {_name_by_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    frame = (_FOLDER / "page.html").read_text(encoding="utf-8")
    begin, end = frame.split("<!-- data -->")
    title = escape(study.study.name)
    file.write(_fill(begin, title=title, policy=escape(policy), style=style))

    def write(kind: str, title: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
        digest = sha256(text.encode()).hexdigest()
        hashes.append(digest)
        file.write(
            f'<script type="application/json" data-kind="{kind}" data-title="{escape(title)}" '
            f'data-sha256="{digest}">{text}</script>\n'.encode()
        )

    def add(interview: ExportedInterview) -> None:
        write("interview", interview.title, _interview(interview))

    write("study", study.study.name, _study(study))
    yield add
    digest = sha256("".join(hashes).encode()).hexdigest()
    file.write(_fill(end, digest=digest, script=script))


def read_digest(page: bytes) -> str:
    """Return the digest in the last part of a page, in hex.

    Args:
        page: the page, or its end.
    """
    mark = b'data-digest="'
    at = page.rindex(mark) + len(mark)
    return page[at : page.index(b'"', at)].decode()


def _fill(frame: str, **values: str) -> bytes:
    """Fill in a frame's places, such as ``{{ title }}``; what is filled in has no places."""
    return re.sub(r"\{\{ (\w+) \}\}", lambda place: values[place[1]], frame).encode()


def _name_by_hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def _study(study: ExportedStudy) -> dict[str, Any]:
    return {
        "name": study.study.name,
        "exported_at": study.exported_at.isoformat(timespec="seconds"),
        "themes": [{"id": one.id, "name": one.name} for one in study.study.themes],
        "questions": [{"id": one.id, "name": one.text} for one in study.study.questions],
        "standings": {
            one.value: describe_standing(one) for one in Standing if one is not Standing.REFUTED
        },
        "unproven": UNPROVEN,
    }


def _interview(interview: ExportedInterview) -> dict[str, Any]:
    texts = {one.number: one.text for one in interview.segments}
    return {
        "id": str(interview.transcript_id),
        "revision": interview.revision,
        "title": interview.title,
        "segments": [asdict(one) for one in interview.segments],
        "notes": [_note(one, texts) for one in interview.notes],
    }


def _note(note: StoredNote, texts: dict[int, str]) -> dict[str, Any]:
    return {
        "id": str(note.note_id),
        "statement": note.statement,
        "reading": note.model_reading,
        "reading_label": None if note.model_reading is None else choose_reading_label(note),
        "decided": list_decision_lines(note),
        "standing": note.standing.value,
        "themes": note.themes,
        "questions": note.questions,
        "vouchers": note.vouchers,
        "quotes": [_quote(one, texts) for one in note.evidence],
    }


def _quote(quote: StoredQuote, texts: dict[int, str]) -> dict[str, Any]:
    place = locate_quote(quote, texts.get(quote.segment, ""))
    return {
        "segment": quote.segment,
        "words": quote.quote,
        # In code points; null where masking has changed the words of one and not of the other.
        "first": None if place is None else place[0],
        "last": None if place is None else place[1],
        "masked": quote.is_masked,
        "speaker": quote.speaker,
        "ms": quote.start_ms,
    }
