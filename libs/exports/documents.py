"""Notes as documents have them: the finding or the words first, then who said them and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.notes import Standing
from exports.content import ExportedStudy
from read_model.notes import StoredNote, StoredQuote
from read_model.recording_times import format_clock
from read_model.standings import (
    UNPROVEN,
    choose_reading_label,
    describe_standing,
    list_decision_lines,
)


@dataclass(frozen=True, slots=True)
class DocumentNote:
    """Note as paragraphs of a document.

    Attributes:
        finding: the statement, where it is shown as a finding; else None.
        quotes: the words, each with its source.
        remarks: what stands below in small print: the model's reading, doubts, questions, and what
            people decided.
    """

    finding: str | None
    quotes: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


def build_document_note(study: ExportedStudy, note: StoredNote) -> DocumentNote:
    """Arrange a note so that a statement that is not proven never looks like a finding."""
    quotes = tuple((one.quote, _source(one)) for one in note.evidence)
    return DocumentNote(note.statement, quotes, tuple(_remarks(study, note)))


def list_meanings() -> list[tuple[str, str]]:
    """Return the standings that a note can have, each with its meaning, for a document's front."""
    standings = (one for one in Standing if one is not Standing.REFUTED)
    return [(one.value, describe_standing(one)) for one in standings]


def _source(quote: StoredQuote) -> str:
    parts = [quote.speaker, format_clock(quote.start_ms), f"segment {quote.segment}"]
    return ", ".join(filter(None, parts)) + (", masked" if quote.is_masked else "")


def _remarks(study: ExportedStudy, note: StoredNote) -> Iterator[str]:
    if note.model_reading is not None:
        yield f"{choose_reading_label(note)}: {note.model_reading}"
    if note.statement is not None:
        is_unproven = note.standing is Standing.UNPROVEN
        yield UNPROVEN if is_unproven else f"{note.standing.value}"
    for one in note.questions:
        yield f"on the question: {study.question_texts.get(one, one)}"
    yield from list_decision_lines(note)
