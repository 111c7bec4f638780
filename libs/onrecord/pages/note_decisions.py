"""People's decisions about notes as lines that a researcher reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from contracts.note_decisions import (
    DecidedNoteStatus,
    DecidedNoteSummary,
    NoteDecision,
    NoteDecisionKind,
    NoteDecisions,
)
from onrecord.pages.rendering import shorten_id, wrap_paragraph
from read_model.notes import StoredNote
from read_model.standings import TURNS_CHANGED, WITHHELD, list_decision_lines

STATUSES: Final = {
    DecidedNoteStatus.HELD: "held",
    DecidedNoteStatus.KEPT: "no note of the model has the evidence: the person's note is shown "
    "on it",
    DecidedNoteStatus.REWORDED: "the note that was accepted says something else now: it is not "
    "accepted any more",
    DecidedNoteStatus.UNNOTED: "the evidence is there, and no note has it",
    DecidedNoteStatus.WAITING: "the chunk that has the evidence has no notes yet",
    DecidedNoteStatus.LOST: "the evidence is no longer in the transcript",
    DecidedNoteStatus.WITHHELD: "the study's policy on personal data is stricter since: what a "
    "person wrote is not shown",
    DecidedNoteStatus.FAILED: "what was decided could not be computed for this revision",
}
"""What became of decisions, in words for people."""


def format_decisions_about(note: StoredNote, width: int, indent: str = "      ") -> Iterator[Text]:
    """Format what people decided about a note, below it."""
    for line in list_decision_lines(note):
        yield from wrap_paragraph(line, width, indent=indent, style="cyan")
    if note.decided is not None and note.decided.status == DecidedNoteStatus.REWORDED:
        line = STATUSES[DecidedNoteStatus.REWORDED]
        yield from wrap_paragraph(line, width, indent=indent, style="yellow")


def format_decisions(found: NoteDecisions, width: int) -> Iterator[Text]:
    """Format all decisions about a note, with what became of them."""
    named = shorten_id(found.note_id or found.origin_id)
    if not found.decisions:
        yield from wrap_paragraph(f"{named}: nobody has decided about this note", width)
        return
    yield from wrap_paragraph(f"{named}: {STATUSES[found.status]}", width, style="bold")
    if found.turns_changed:
        yield from wrap_paragraph(TURNS_CHANGED, width, indent="  ", style="yellow")
    for one in found.decisions:
        yield from _decision(one, width)


def _decision(one: NoteDecision, width: int) -> Iterator[Text]:
    what = "withdrew" if one.kind is NoteDecisionKind.WITHDRAWN else one.kind.value
    number = "" if one.withdraws is None else f" {one.withdraws}"
    line = f"{one.number}. {one.decided_at:%Y-%m-%d %H:%M} {one.decided_by}: {what}{number}"
    if one.withdrawn_by is not None:
        line += f" (withdrawn by {one.withdrawn_by})"
    yield from wrap_paragraph(line, width, indent="    ", first="  ")
    details = []
    if one.kind is NoteDecisionKind.EDITED and one.statement is not None:
        details.append(f"{one.statement} ({one.standing})")
    if one.kind is NoteDecisionKind.REFILED:
        details.append(f"themes: {', '.join(one.themes)}")
        details.append(f"questions: {', '.join(one.questions) or 'none'}")
    details += [text for text in (one.comment, one.reason) if text]
    if one.is_withheld:
        details.append(WITHHELD)
    for text in details:
        yield from wrap_paragraph(text, width, indent="     ", style="dim")


def format_decided_note(one: DecidedNoteSummary, width: int) -> Iterator[Text]:
    """Format a note that people decided about, with what became of it."""
    named = shorten_id(one.note_id or one.origin_id)
    kinds = ", ".join(kind.value for kind in one.kinds) or "nothing that counts"
    head = f"{one.statement or ''} ({named}, {one.title})".strip()
    yield from wrap_paragraph(head, width, indent="    ", first="  • ")
    yield from wrap_paragraph(
        f"{kinds}; last by {one.decided_by}, {one.decided_at:%Y-%m-%d %H:%M}",
        width,
        indent="      ",
        style="dim",
    )
    style = "" if one.status in {DecidedNoteStatus.HELD, DecidedNoteStatus.KEPT} else "yellow"
    yield from wrap_paragraph(STATUSES[one.status], width, indent="      ", style=style)
    if one.status is DecidedNoteStatus.LOST:
        for quote in one.quotes:
            yield from wrap_paragraph(f"“{quote}”", width, indent="      ", style="italic")
