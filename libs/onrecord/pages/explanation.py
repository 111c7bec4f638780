"""A note's explanation as a page: claim and evidence side by side, then check by check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contracts.notes import CheckFailure, Evidence
from onrecord.pages.check_names import CHECKS
from onrecord.pages.rendering import (
    escape_controls,
    format_recording_time,
    shorten_id,
    wrap_paragraph,
)
from read_model.explanation import CheckResult, NoteExplanation

_STATES: Final = {
    "accepted": ("accepted", "green"),
    "flagged": ("accepted with a flag", "yellow"),
    "masked": ("accepted, personal data masked", "green"),
    "refused": ("refused", "red"),
}

_NOT_ASKED: Final = "\N{EN DASH}"


def format_explanation(note: NoteExplanation, width: int) -> Iterator[RenderableType]:
    """Format the explanation of a note as lines.

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
    yield Text()
    yield _beside(note, width)
    yield Text()
    for one in note.checks:
        yield from _check(one, width)
    if any(_mark(one)[0] == _NOT_ASKED for one in note.checks):
        yield Text()
        yield from wrap_paragraph(
            f"{_NOT_ASKED} was not asked again: it takes a parser, or another model",
            width,
            style="dim",
        )


def _beside(note: NoteExplanation, width: int) -> Table:
    table = Table("claim", "evidence", box=None, width=width, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].ratio, table.columns[1].ratio = 2, 3
    table.add_row(Text(escape_controls(note.statement)), _quotes(note))
    return table


def _quotes(note: NoteExplanation) -> Text:
    lines = [_quote(one) for one in note.evidence]
    lines += [
        f"segment {one.segment}: “{one.first_words} … {one.last_words}” (as the model named it)"
        for one in note.missing
    ]
    return Text(escape_controls("\n".join(lines)) if lines else "none")


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
