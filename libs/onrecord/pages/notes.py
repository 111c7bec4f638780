"""Notes, refused notes and coverage as pages that a researcher reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.text import Text

from contracts.notes import Standing
from onrecord.pages.check_names import CHECKS
from onrecord.pages.note_decisions import format_decisions_about
from onrecord.pages.rendering import format_count, format_recording_time, shorten_id, wrap_paragraph
from read_model.coverage import CoverageStatus, QuestionCoverage, StudyCoverage
from read_model.notes import RefusedNote, StoredNote, StoredQuote
from read_model.queries import StudyWithInterviewCount
from read_model.standings import UNPROVEN, choose_reading_label
from read_model.transcripts import TranscriptSegment

if TYPE_CHECKING:
    from onrecord.turns import SurroundingTurns

LABELS: Final = {
    CoverageStatus.ANSWERED: ("answered", "green"),
    CoverageStatus.ANSWERED_EARLIER: ("earlier only", "yellow"),
    CoverageStatus.NOT_ADDRESSED: ("not addressed", "yellow"),
    CoverageStatus.UNKNOWN: ("unknown", "red"),
}
LABEL_WIDTH: Final = 15


@dataclass(frozen=True, slots=True)
class NoteLayout:
    """How a list of notes is laid out.

    Attributes:
        width: of a line, in columns.
        theme: show only this theme's heading.
        totals: how many notes there are by study and theme, where not all are shown.
        turns: those to show around the quotes; None: none.
    """

    width: int
    theme: str | None = None
    totals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    turns: SurroundingTurns | None = None


def format_notes(
    notes: Sequence[StoredNote],
    studies: Mapping[str, StudyWithInterviewCount],
    layout: NoteLayout,
) -> Iterator[Text]:
    """Format notes by theme, in the study's order; a note with two themes appears twice.

    Args:
        notes: in the order in which they are to stand.
        studies: by id; all that the notes are of.
        layout: how.
    """
    several = len({note.study_id for note in notes}) > 1
    for study_id, of_study in groupby(notes, key=lambda note: note.study_id):
        group = list(of_study)
        study = studies[study_id].study
        if several:
            heading = f"{study.name} ({study_id})"
            yield from wrap_paragraph(heading, layout.width, style="bold underline")
            yield Text()
        for one in study.themes:
            under = [note for note in group if one.id in note.themes]
            if under and layout.theme in {None, one.id}:
                total = layout.totals.get((study_id, one.id), len(under))
                yield from _section(one.name, under, total, layout)


def _section(
    name: str, notes: Sequence[StoredNote], total: int, layout: NoteLayout
) -> Iterator[Text]:
    shown = f"{len(notes):,} of " if len(notes) < total else ""
    heading = f"{name} ({shown}{format_count(total, 'note')})"
    yield from wrap_paragraph(heading, layout.width, style="bold cyan")
    yield Text()
    for note in notes:
        yield from _note(note, layout.width)
        if layout.turns is not None:
            yield from _turns(note, layout.turns.find(note), layout.width)
        yield Text()


def _turns(note: StoredNote, turns: Sequence[TranscriptSegment], width: int) -> Iterator[Text]:
    """Format the turns around a note's quotes; an arrow stands before those that it quotes."""
    quoted = {quote.segment for quote in note.evidence}
    before: int | None = None
    for turn in turns:
        if before is not None and turn.number > before + 1:
            yield Text("        …", style="dim")
        before = turn.number
        said = f"{format_recording_time(turn.start_ms)} {turn.speaker}: {turn.text}"
        is_quoted = turn.number in quoted
        first = "      ▸ " if is_quoted else "        "
        style = "" if is_quoted else "dim"
        yield from wrap_paragraph(said, width, indent="        ", first=first, style=style)


def _note(note: StoredNote, width: int) -> Iterator[Text]:
    """Format a note: the statement above its quotes, or, where it is no finding, below them."""
    first, *others = note.evidence
    is_unproven = note.standing is Standing.UNPROVEN
    if note.statement is not None:
        yield from _first_line(note.statement, note, width)
        yield from format_marks(note, width, UNPROVEN if is_unproven else "")
        yield from _quote(first, note.title, width)
    else:
        yield from _first_line(f"“{first.quote}”", note, width)
        yield from _source(first, note.title, width)
    for quote in others:
        yield from _quote(quote, note.title, width)
    if note.model_reading is not None:
        label = choose_reading_label(note)
        yield from format_marks(note, width, f"{label}: {note.model_reading}")
    yield from format_decisions_about(note, width)


def _first_line(text: str, note: StoredNote, width: int) -> Iterator[Text]:
    line = f"{text} ({shorten_id(note.note_id)})"
    yield from wrap_paragraph(line, width, indent="    ", first="  • ")


def format_marks(note: StoredNote, width: int, mark: str, indent: str = "      ") -> Iterator[Text]:
    """Format what a reader has to know of a statement: its mark, if there is one, and flags.

    Args:
        note: whose flags are shown.
        width: of a line, in columns.
        mark: what is said of its statement; "": nothing.
        indent: what each line begins with.
    """
    flags = (f"flagged: {CHECKS.get(one['check'], one['check'])}" for one in note.flags)
    for line in (mark, *flags) if mark else flags:
        yield from wrap_paragraph(line, width, indent=indent, style="yellow")


def _source(quote: StoredQuote, title: str, width: int) -> Iterator[Text]:
    said = f"{quote.speaker} {format_recording_time(quote.start_ms)}, {title}"
    yield from wrap_paragraph(said, width, indent="      ", style="dim")


def _quote(quote: StoredQuote, title: str, width: int) -> Iterator[Text]:
    yield from _source(quote, title, width)
    yield from wrap_paragraph(f"“{quote.quote}”", width, indent="      ", style="italic")


def format_refused_notes(notes: Sequence[RefusedNote], width: int) -> Iterator[Text]:
    """Format rejected notes by interview, each with the checks that it failed."""
    interview: Callable[[RefusedNote], tuple[str, str]] = lambda note: (  # noqa: E731 - a key
        note.title,
        str(note.transcript_id),
    )
    for (title, _), group in groupby(notes, key=interview):
        yield from wrap_paragraph(title, width, style="bold cyan")
        yield Text()
        for note in group:
            line = f"{note.draft['statement']} ({shorten_id(note.rejected_id)})"
            yield from wrap_paragraph(line, width, indent="    ", first="  ✗ ")
            for failure in note.failures:
                check = CHECKS.get(failure["check"], failure["check"])
                why = f"{check}: {failure['reason']}"
                yield from wrap_paragraph(why, width, indent="      ", style="dim")
            yield Text()


def format_coverage(found: StudyCoverage, width: int) -> Iterator[Text]:
    """Format a study's coverage: which of its questions and themes have notes."""
    yield from wrap_paragraph(
        f"{found.name} ({format_count(found.interviews, 'interview')})", width
    )
    for heading, topics in (("Questions", found.questions), ("Themes", found.themes)):
        if topics:
            yield Text()
            yield Text(heading, style="bold cyan")
            for topic in topics:
                yield from _topic(topic, width)
    if found.unreadable_submissions:
        yield Text()
        yield from wrap_paragraph(
            f"{format_count(found.unreadable_submissions, 'record')} on the topic of submissions "
            f"{'is' if found.unreadable_submissions == 1 else 'are'} no interview: "
            "`onrecord dlq list --service ingestion` shows what was set aside",
            width,
            style="dim",
        )
    if found.unread_submissions is None:
        yield Text()
        yield from wrap_paragraph(
            "whether submissions are yet to be read, which may change this, is unknown: your token "
            "does not read all studies",
            width,
            style="yellow",
        )
    if found.unread_submissions:
        yield Text()
        yield from wrap_paragraph(
            f"{format_count(found.unread_submissions, 'submission')} of this or another study "
            "could not be read yet, and may change this: "
            "see `onrecord dlq list --service ingestion`",
            width,
            style="yellow",
        )


def _topic(topic: QuestionCoverage, width: int) -> Iterator[Text]:
    label, style = LABELS[topic.finding]
    first = Text.assemble("  ", (f"{label:<{LABEL_WIDTH}}", style))
    indent = " " * len(first)
    yield from wrap_paragraph(topic.text, width, indent=indent, first=first)
    yield from wrap_paragraph(_reason(topic), width, indent=indent, style="dim")


def _reason(topic: QuestionCoverage) -> str:
    missing = ", ".join(
        f"{format_count(number, 'chunk')} {what}"
        for number, what in (
            (topic.dead, "dead"),
            (topic.discarded, "discarded"),
            (topic.waiting, "waiting"),
            (topic.expired, "read, whose notes are gone as their time is over"),
            (topic.not_asked, "of interviews whose study, as submitted, does not have it"),
        )
        if number
    )
    if topic.finding is CoverageStatus.ANSWERED_EARLIER:
        earlier = f"{format_count(topic.earlier_notes, 'note')} from an earlier revision of "
        return (
            f"every chunk was read ({topic.read:,}) without a note about it, but there "
            f"{'is' if topic.earlier_notes == 1 else 'are'} {earlier}"
            f"{format_count(topic.earlier_interviews, 'interview')}"
        )
    if topic.finding is CoverageStatus.NOT_ADDRESSED:
        return f"every chunk was read ({topic.read:,})"
    if topic.finding is CoverageStatus.UNKNOWN:
        return missing
    line = f"{format_count(topic.notes, 'note')} from {format_count(topic.interviews, 'interview')}"
    return f"{line}; {missing}" if missing else line
