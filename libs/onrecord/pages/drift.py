"""Alarms about drift, one block each, and how much is watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from contracts.drift import ChangedFactorReport, DriftAlarmReport, DriftReport
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import format_count, format_time, wrap_paragraph

_METRICS: Final = {
    "rejected_notes": "refused notes",
    "unproven_notes": "unproven notes",
    "unusable_answers": "unusable answers",
    "refused_answers": "refused answers",
    "cut_off_answers": "answers cut off",
    "notes_per_1000_tokens": "notes per 1,000 tokens",
    "answer_tokens": "tokens of answers",
    "latency_seconds": "seconds of calls",
    "cost_usd": "US dollars of calls",
}
_SIDES: Final = {
    "they_changed": "the model changed",
    "we_changed": "we changed",
    "the_input_changed": "the input changed",
    "cannot_tell": "nobody can tell from here where it comes from",
}


def format_drift(report: DriftReport, width: int) -> Iterator[Text]:
    """Format a report on drift, alarms that are not over first.

    Args:
        report: as control gives it.
        width: of a line, in columns.
    """
    for alarm in report.alarms:
        yield from _format_alarm(alarm, width)
    if not report.alarms:
        yield Text("no drift was found")
    known = report.series - report.learning
    watched = f"{format_count(report.series, 'series', 'series')} watched"
    if report.learning:
        watched += (
            f"; what is usual is known of {known:,} and still being learned of {report.learning:,}"
        )
    yield Text(watched, "dim")
    if report.observed_until is not None:
        yield Text(f"observed until {format_time(report.observed_until)}", "dim")


def _format_alarm(alarm: DriftAlarmReport, width: int) -> Iterator[Text]:
    state = "over" if alarm.ended_at is not None else "open"
    name = escape_control_characters(alarm.value)
    yield Text(
        f"{_METRICS.get(alarm.metric, alarm.metric)} {alarm.direction}: {alarm.dimension} {name}",
        "bold" if state == "open" else "dim",
    )
    yield from wrap_paragraph(
        f"{state}; {_describe_change(alarm)}, since about {format_time(alarm.begun_at)}, "
        f"found after {format_count(alarm.observations, 'observation')}",
        width,
        indent="  ",
    )
    yield from wrap_paragraph(_SIDES.get(alarm.side, alarm.side), width, indent="  ")
    for factor in alarm.factors:
        yield from wrap_paragraph(_describe_factor(factor), width, indent="    ", style="dim")


def _describe_change(alarm: DriftAlarmReport) -> str:
    before, after = f"{alarm.before_rate:.1%}", f"{alarm.after_rate:.1%}"
    if alarm.bound is None:
        return f"{before} before, {after} now"
    where = "above" if alarm.direction == "up" else "below"
    return f"{after} are {where} {alarm.bound:,.4g}, {before} before"


def _describe_factor(factor: ChangedFactorReport) -> str:
    after = escape_control_characters(factor.after) or "none"
    if factor.factor == "deploy":
        return f"deploy of {after}"
    before = escape_control_characters(factor.before) or "none"
    change = f"{before} → {after}" if before != after else f"more of {after}"
    unlike = "" if factor.explains else " (others drifted as much)"
    return f"{factor.factor}: {change}{unlike}"
