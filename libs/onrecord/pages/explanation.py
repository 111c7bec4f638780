"""A note's explanation as a page: claim and evidence side by side, then check by check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contracts.notes import CheckFailure, Evidence, Standing
from contracts.terminal import escape_control_characters
from onrecord.pages.check_names import CHECKS
from onrecord.pages.rendering import format_recording_time, shorten_id, wrap_paragraph
from onrecord.pages.standing import format_standing
from read_model.explanation import CheckResult, NoteExplanation
from read_model.standings import build_reading_label

_STATES: Final = {
    "accepted": ("accepted", "green"),
    "flagged": ("accepted with a flag", "yellow"),
    "masked": ("accepted, personal data masked", "green"),
    "refused": ("refused", "red"),
}

_NOT_ASKED: Final = "\N{EN DASH}"


def format_explanation(note: NoteExplanation, width: int) -> Iterator[RenderableType]:
    """Format a note's explanation for the terminal: evidence, statement and check results.

    Args:
        note: what is explained.
        width: of a line, in columns.
    """
    state, style = _STATES[note.state]
    if note.state == "masked" and any(one.then for one in note.checks):
        state, style = "accepted with a flag, personal data masked", "yellow"
    yield Text.assemble(f"{shorten_id(note.id)}: ", (state, f"bold {style}"))
    origin = note.origin
    yield from wrap_paragraph(
        f"{origin.title}, chunk {origin.chunk_index} of {origin.chunk_count}, draft "
        f"{origin.attempt} by {origin.model} ({origin.prompt_version})",
        width,
        style="dim",
    )
    if note.same_as is not None:
        yield from wrap_paragraph(
            f"says the same as note {shorten_id(note.same_as)}, which is shown", width
        )
    failures = [one.then for one in note.checks if one.then is not None]
    yield from format_standing(note.standing, note.vouchers, failures, width)
    yield Text()
    yield _beside(note, width)
    yield Text()
    # Those that it failed first: of most notes they are few among many.
    for one in sorted(note.checks, key=lambda one: (one.then is None, one.today is None)):
        yield from _check(one, width)
    if any(_mark(one)[0] == _NOT_ASKED for one in note.checks):
        yield Text()
        yield from wrap_paragraph(
            f"{_NOT_ASKED} was not asked again: it takes a parser, or another model",
            width,
            style="dim",
        )


def _beside(note: NoteExplanation, width: int) -> Table:
    """Format the claim beside its evidence; the evidence first where the claim is no finding."""
    columns = [("evidence", 3, _quotes(note)), (_claim_heading(note), 2, _claim(note))]
    if note.is_statement_shown or note.standing is Standing.REFUTED:
        columns.reverse()
    table = Table(box=None, width=width, pad_edge=False, padding=(0, 2, 0, 0))
    for heading, ratio, _ in columns:
        table.add_column(heading, ratio=ratio)
    table.add_row(*(text for _, _, text in columns))
    return table


def _claim_heading(note: NoteExplanation) -> str:
    return build_reading_label(note.edited_by) if note.standing is Standing.UNPROVEN else "claim"


def _claim(note: NoteExplanation) -> Text:
    return Text(escape_control_characters(note.statement))


def _quotes(note: NoteExplanation) -> Text:
    lines = [_quote(one) for one in note.evidence]
    lines += [
        f"segment {one.segment}: “{one.first_words} … {one.last_words}” (as the model named it)"
        for one in note.missing
    ]
    return Text(escape_control_characters("\n".join(lines)) if lines else "none")


def _quote(one: Evidence) -> str:
    return (
        f"{one.speaker} {format_recording_time(one.start_ms)}, segment {one.segment}: “{one.quote}”"
    )


def _check(one: CheckResult, width: int) -> Iterator[Text]:
    failure = one.then or one.today
    mark, style = _mark(one)
    yield from wrap_paragraph(
        one.rule or CHECKS.get(one.check, one.check),
        width,
        indent=" " * 4,
        first=Text.assemble((f"  {mark} ", style), (f"{one.check}: ", "bold")),
    )
    if failure is not None:
        yield from _failure(failure, width)
    if (one.then is None) != (one.today is None):
        said = "passes" if one.today is None else "would not pass"
        yield from wrap_paragraph(
            f"it {said} today: the checks have changed since", width, indent=" " * 6
        )


def _mark(one: CheckResult) -> tuple[str, str]:
    """A check that failed then, one that is passed, and one that is not asked here."""
    if one.then:
        return "✗", "red"
    return ("✓", "green") if one.is_asked else (_NOT_ASKED, "dim")


def _failure(failure: CheckFailure, width: int) -> Iterator[Text]:
    yield from wrap_paragraph(failure.reason, width, indent=" " * 6, style="yellow")
    for name, passage in (("claim", failure.claim), ("evidence", failure.evidence)):
        if passage:
            yield from wrap_paragraph(f"{name}: “{passage}”", width, indent=" " * 6, style="dim")
