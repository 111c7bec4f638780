"""A study as it is exported, made up, with other people's words that want to be more than words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final
from uuid import UUID, uuid5

from contracts.notes import Standing
from contracts.study import Question, Study, Theme
from exports.content import AddInterview, ExportedInterview, ExportedStudy
from read_model.notes import StoredNote, StoredQuote
from read_model.transcripts import TranscriptSegment

NAMESPACE: Final = UUID(int=7)
HOSTILE: Final = (
    '=HYPERLINK("http://example.org")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "</script><script>alert(1)",
    "<!--<script>",
    "{{ digest }} {{ style }}",
    "]]>&amp;\x00\x1b[31m\ufffe",
    "a\u2028b\u2029c\x85d",
    "**bold** [link](http://example.org) <img src=x>",
    "🙂🙃 é \u202eright to left",
    "# 1. - > | `",
)
"""Statements, quotes, names and titles that spreadsheets, browsers or parsers may take for more."""

STUDY: Final = ExportedStudy(
    Study(
        study_id="made-up",
        name="Rents & <b>repairs</b>",
        themes=(
            Theme(id="price", name="Price"),
            Theme(id="same", name="Trust"),
            Theme(id="again", name="Trust"),
        ),
        questions=(Question(id="price", text="Why did they leave?"),),
    ),
    datetime(2026, 11, 1, 12, tzinfo=UTC),
)


def made_up_segment(number: int, text: str, **changes: Any) -> TranscriptSegment:
    """A segment of a speaker whose name is hostile now and then."""
    speaker = changes.pop("speaker", f"Speaker {number % 3}")
    fields: dict[str, Any] = {
        "role": "participant",
        "is_masked": False,
        "start_ms": number * 1_000,
        "end_ms": None,
    }
    return TranscriptSegment(number, speaker, text=text, **{**fields, **changes})


def made_up_quote(segment: TranscriptSegment, words: str, **changes: Any) -> StoredQuote:
    """A quote from a segment that has its words."""
    fields: dict[str, Any] = {
        "segment": segment.number,
        "start": segment.text.index(words),
        "length": len(words),
        "quote": words,
        "is_masked": segment.is_masked,
        "speaker": segment.speaker,
        "role": segment.role,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
    }
    return StoredQuote(**{**fields, **changes})


def made_up_note(name: str, *quotes: StoredQuote, **changes: Any) -> StoredNote:
    """A proven note; its id follows from its name."""
    fields: dict[str, Any] = {
        "note_id": uuid5(NAMESPACE, name),
        "statement": name,
        "model_reading": None,
        "standing": Standing.PROVEN,
        "vouchers": ({"kind": "rule", "name": "aligned", "detail": "Each word."},),
        "study_id": "made-up",
        "transcript_id": UUID(int=1),
        "revision": 1,
        "title": "Interview 1",
        "chunk_id": UUID(int=2),
        "themes": ("price",),
        "questions": ("price",),
        "evidence": quotes,
        "model": "simulator",
        "prompt_version": "notes-3",
        "created_at": datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
    }
    return StoredNote(**{**fields, **changes})


def hostile_interview() -> ExportedInterview:
    """An interview in which every text is hostile."""
    segments = [
        made_up_segment(at, f"Well, {text} and so on.", speaker=text)
        for at, text in enumerate(HOSTILE, 1)
    ]
    notes = [
        made_up_note(text, made_up_quote(segment, text), title=HOSTILE[5])
        for text, segment in zip(HOSTILE, segments, strict=True)
    ]
    return ExportedInterview(UUID(int=1), 1, HOSTILE[5], notes, segments)


def plain_interview(number: int = 1, *, notes: int = 3, title: str = "") -> ExportedInterview:
    """An interview with a note of each standing, over and over."""
    identity, title = UUID(int=number), title or f"Interview {number}"
    segments = [
        made_up_segment(at, f"In year {at} we paid {at * 10} pounds 🙂 for the flat.")
        for at in range(1, notes + 1)
    ]
    made: list[StoredNote] = []
    for at, segment in enumerate(segments):
        words = f"They paid {segment.number * 10} pounds in interview {number}."
        changes: dict[str, Any] = {"transcript_id": identity, "title": title}
        if at % 3 == 2:
            changes |= {"statement": None, "model_reading": words, "vouchers": ()}
            changes["standing"] = Standing.UNPROVEN
        else:
            changes["standing"] = (Standing.PROVEN, Standing.VERBATIM)[at % 3]
        quote = made_up_quote(segment, f"we paid {segment.number * 10} pounds 🙂")
        made.append(made_up_note(words, quote, **changes))
    return ExportedInterview(identity, 1, title, made, segments)


def export(
    opener: Callable[[ExportedStudy, BytesIO], AbstractContextManager[AddInterview]],
    interviews: Iterable[ExportedInterview],
    study: ExportedStudy = STUDY,
) -> bytes:
    """Return an export of interviews."""
    file = BytesIO()
    with opener(study, file) as add:
        for one in interviews:
            add(one)
    return file.getvalue()
