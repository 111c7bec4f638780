"""Causes of dead letters as pages that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from contracts.control_api import DeadLetterState
from contracts.letter_causes import CauseBackground, CauseTrend, LetterCause
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import (
    format_count,
    format_duration,
    format_spend,
    format_time,
    wrap_paragraph,
)
from onrecord.runbook import format_runbook_entry

_BARS: Final = " ▁▂▃▄▅▆▇█"
_TRENDS: Final = {
    CauseTrend.NEW: "bold red",
    CauseTrend.RISING: "red",
    CauseTrend.STEADY: "yellow",
    CauseTrend.FALLING: "green",
    CauseTrend.QUIET: "dim",
}
_INDENT: Final = " " * 18

STUDIES_SHOWN: Final = 3
"""Studies that a line of the list names."""


def format_dead_letter_causes(
    causes: Sequence[LetterCause], now: datetime, width: int
) -> Iterator[Text]:
    """Format causes of dead letters as a list: how many, since when, and what to do.

    Args:
        causes: in the order in which they are to stand.
        now: for their ages.
        width: of a line, in columns.
    """
    yield Text(f"{'cause':<17} {'service':<11} {'code':<18} {'open':>7} {'24 h':>7} trend", "bold")
    for cause in causes:
        yield Text.assemble(
            (f"{cause.cause_id:<17}", "cyan"),
            f" {escape_control_characters(cause.service):<11}",
            f" {escape_control_characters(cause.error_code):<18}",
            f" {cause.letters[DeadLetterState.OPEN]:>7,} {sum(cause.by_hour):>7,} ",
            (cause.trend, _TRENDS[cause.trend]),
        )
        yield from wrap_paragraph(_summary(cause), width, indent=_INDENT)
        yield from wrap_paragraph(_line(cause, now), width, indent=_INDENT, style="dim")


def format_dead_letter_cause(cause: LetterCause, now: datetime, width: int) -> Iterator[Text]:
    """Format one cause of dead letters: counts by state and hour, studies, and what to do.

    Args:
        cause: as control has it.
        now: for its age and its mute.
        width: of a line, in columns.
    """
    first = f"Cause {cause.cause_id}: {cause.service}, {cause.error_code} ({cause.error_type})"
    yield from wrap_paragraph(first, width, style="bold cyan")
    yield from wrap_paragraph(_summary(cause), width, indent="  ")
    states = ", ".join(f"{number:,} {state}" for state, number in cause.letters.items() if number)
    facts = [
        ("letters", states or "none"),
        ("snoozed", f"{cause.snoozed:,} of the open ones" if cause.snoozed else ""),
        ("first", _when(cause.first_failed_at, now)),
        ("latest", _when(cause.last_failed_at, now)),
        (
            "24 hours",
            f"[{draw_bar_chart_row(cause.by_hour)}] {sum(cause.by_hour):,} letters, {cause.trend}",
        ),
        ("studies", _studies(cause, len(cause.studies))),
        ("assigned to", cause.assignee),
        ("remark", cause.remark),
        ("muted until", format_time(cause.muted_until) if _is_muted(cause, now) else ""),
        (
            "a replay",
            "can help" if cause.replay_helps else "mends nothing: the message is at fault",
        ),
        ("an example", f"onrecord dlq show {str(cause.example)[:8]}"),
        ("its letters", f"onrecord dlq list --where cause={cause.cause_id}"),
        *format_runbook_entry(cause.error_code),
    ]
    for name, value in facts:
        if value:
            yield from wrap_paragraph(value, width, indent=" " * 15, first=f"  {name:<13}")


def format_cause_background(background: CauseBackground, width: int) -> Iterator[Text]:
    """Format the background of a dead letter cause: model calls' cost, and earlier changes.

    Args:
        background: as control has it.
        width: of a line, in columns.
    """
    spend = format_spend(background.cost_usd, unpriced=background.unpriced)
    calls = format_count(background.calls, "call")
    within = format_duration(background.window_s)
    facts = [("spend lost", f"USD {spend} in {calls}" if background.calls else "")]
    facts += [
        ("new before it", f"{one.kind} {one.value}, {format_time(one.at)}")
        for one in background.changes
    ] or [("new before it", f"nothing that is recorded, within {within}")]
    for name, value in facts:
        if value:
            yield from wrap_paragraph(value, width, indent=" " * 17, first=f"  {name:<15}")


def draw_bar_chart_row(numbers: Sequence[int]) -> str:
    """Draw numbers as a row of bars, the largest one full; a blank is 0."""
    most = max(numbers, default=0)
    if not most:
        return " " * len(numbers)
    return "".join(_BARS[-(-number * (len(_BARS) - 1) // most)] for number in numbers)


def _summary(cause: LetterCause) -> str:
    return cause.summary or cause.error_type or "without a message"


def _line(cause: LetterCause, now: datetime) -> str:
    ago = format_duration(max((now - cause.last_failed_at).total_seconds(), 0))
    parts = [f"latest {ago} ago", _studies(cause, STUDIES_SHOWN)]
    if not cause.replay_helps:
        parts.append("a replay mends nothing")
    if cause.snoozed:
        parts.append(f"{cause.snoozed:,} of the open ones snoozed")
    if cause.assignee:
        parts.append(f"{cause.assignee} looks after it")
    if cause.remark:
        parts.append(f"“{cause.remark}”")
    if _is_muted(cause, now):
        parts.append(f"muted until {format_time(cause.muted_until)}")
    return "; ".join(part for part in parts if part)


def _studies(cause: LetterCause, most: int) -> str:
    named = [one for one in cause.studies if one.study_id]
    if not named:
        return "of no known study" if cause.study_count else ""
    shown = ", ".join(f"{one.study_id} {one.letters:,}" for one in named[:most])
    rest = cause.study_count - len(named[:most])
    return f"{format_count(cause.study_count, 'study', 'studies')}: {shown}" + (
        f" and {rest:,} more" if rest > 0 else ""
    )


def _is_muted(cause: LetterCause, now: datetime) -> bool:
    return cause.muted_until is not None and cause.muted_until > now


def _when(moment: datetime, now: datetime) -> str:
    ago = format_duration(max((now - moment).total_seconds(), 0))
    return f"{format_time(moment)}, {ago} ago"
