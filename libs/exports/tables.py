"""An export as a table: one row a quote, with its note's columns repeated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from exports.content import ExportedInterview, ExportedStudy
from read_model.notes import NoteMarks
from read_model.recording_times import format_clock

Cell: TypeAlias = str | int | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """Column of the table: its name, the type of its values and its meaning."""

    name: str
    type: type
    meaning: str


COLUMNS: Final = (
    Column("note_id", str, "The note; a note with two quotes has two rows."),
    Column("interview", str, "The interview's title."),
    Column("statement", str, "What the note states, where the study shows it as a finding."),
    Column("model_reading", str, "What a model reads into the quotes; not proven."),
    Column("quote", str, "The words as they were said, or masked."),
    Column("speaker", str, "Who said them."),
    Column("start", str, "When in the recording, as hours, minutes and seconds."),
    Column("themes", str, "The themes' names, separated by semicolons."),
    Column("questions", str, "The research questions, separated by semicolons."),
    Column("standing", str, "What vouches for the statement: verbatim, proven, confirmed or none."),
    Column("accepted_by", str, "Who accepted what it states; empty: nobody."),
    Column("edited_by", str, "Who wrote the statement; empty: the model did."),
    Column("model_statement", str, "Of an edited note, what the model had stated."),
    Column("model_standing", str, "Of an edited note, what vouched for that."),
    Column("refiled_by", str, "Who chose its themes and questions; empty: the model did."),
    Column("model_themes", str, "Of a re-filed note, the names of the model's themes."),
    Column("hidden_by", str, "Who hid it; empty: nobody."),
    Column(
        "comments", str, "What people wrote about it, each with a name, separated by semicolons."
    ),
    Column("decided_at", datetime, "When people last decided about it; empty: they did not."),
    Column("role", str, "The speaker's role, such as participant."),
    Column("start_ms", int, "When the segment begins, in milliseconds from the recording's start."),
    Column("end_ms", int, "When it ends, likewise."),
    Column("segment", int, "The segment's number in the interview, from 1."),
    Column("first_character", int, "Where the quote begins in the stored segment, from 0."),
    Column("characters", int, "How long the quote is in the stored segment."),
    Column("is_masked", str, "yes if personal data has placeholders, else no."),
    Column("theme_ids", str, "The themes' ids, separated by semicolons."),
    Column("question_ids", str, "The questions' ids, separated by semicolons."),
    Column("transcript_id", str, "The interview's id."),
    Column("revision", int, "The interview's revision."),
    Column("model", str, "The model that drafted the note."),
    Column("prompt_version", str, "The prompt that it was drafted with."),
    Column("created_at", datetime, "When the note was drafted."),
)
"""The columns in their order: first what people read."""


def iter_rows(study: ExportedStudy, interview: ExportedInterview) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of an interview's notes, each with a cell per column of ``COLUMNS``."""
    for note in interview.notes:
        themes = "; ".join(study.theme_names.get(one, one) for one in note.themes)
        questions = "; ".join(study.question_texts.get(one, one) for one in note.questions)
        decided = _list_decisions(study, note.decided)
        for quote in note.evidence:
            yield (
                str(note.note_id),
                interview.title,
                note.statement,
                note.model_reading,
                quote.quote,
                quote.speaker,
                format_clock(quote.start_ms),
                themes,
                questions,
                note.standing.value,
                *decided,
                quote.role,
                quote.start_ms,
                quote.end_ms,
                quote.segment,
                quote.start,
                quote.length,
                "yes" if quote.is_masked else "no",
                "; ".join(note.themes),
                "; ".join(note.questions),
                str(interview.transcript_id),
                interview.revision,
                note.model,
                note.prompt_version,
                note.created_at,
            )


def _list_decisions(study: ExportedStudy, marks: NoteMarks | None) -> tuple[Cell, ...]:
    """Return the cells of what people decided about a note."""
    if marks is None:
        return (None,) * 9
    done = (marks.accepted, marks.edited, marks.refiled, marks.hidden)
    accepted, edited, refiled, hidden = (None if mark is None else mark.by for mark in done)
    themes = marks.model_themes or ()
    times = [mark.at for mark in (*done, *marks.comments) if mark is not None]
    return (
        accepted,
        edited,
        marks.model_statement,
        marks.model_standing,
        refiled,
        "; ".join(study.theme_names.get(one, one) for one in themes) or None,
        hidden,
        "; ".join(f"{one.by}: {one.remark}" for one in marks.comments) or None,
        max(times, default=None),
    )
