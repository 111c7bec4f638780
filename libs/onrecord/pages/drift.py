"""Alarms about drift, one block each, and how much is watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
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
_TOGETHER: Final = timedelta(hours=1)
_NAME: Final = 60
_SMALL: Final = 0.01
_SIDES: Final = {
    "they_changed": "the model changed",
    "we_changed": "we changed",
    "the_input_changed": "the input changed",
    "cannot_tell": "nobody can tell from here where it comes from",
}


def format_drift(report: DriftReport, width: int) -> Iterator[Text]:
    """Format a report on drift: alarms with what is found to explain them, and how much is watched.

    Alarms of one metric and direction that began within an hour are shown together.

    Args:
        report: as control gives it.
        width: of a line, in columns.
    """
    for alarms in _group(report.alarms):
        yield from _format_alarms(alarms, width)
    if not report.alarms:
        yield Text("no drift was found")
    elif (left := report.total_alarms - len(report.alarms)) > 0:
        yield Text(f"{format_count(left, 'more alarm')} not shown", "dim")
    known = report.series - report.learning
    watched = f"{format_count(report.series, 'series', 'series')} watched"
    if report.learning:
        watched += f"; of {known:,} it is known what is usual, of {report.learning:,} not yet"
    observed = (
        f"drafts are observed until {format_time(report.drafts_observed_until)}, calls until "
        f"{format_time(report.calls_observed_until)}"
    )
    for line in (watched, observed):
        yield from wrap_paragraph(line, width, style="dim")


def _group(alarms: Sequence[DriftAlarmReport]) -> list[list[DriftAlarmReport]]:
    groups: list[list[DriftAlarmReport]] = []
    for alarm in alarms:
        for group in groups:
            first = group[0]
            is_alike = (first.metric, first.direction, first.ended_at is None) == (
                alarm.metric,
                alarm.direction,
                alarm.ended_at is None,
            )
            if is_alike and abs(first.begun_at - alarm.begun_at) <= _TOGETHER:
                group.append(alarm)
                break
        else:
            groups.append([alarm])
    return groups


def _format_alarms(alarms: Sequence[DriftAlarmReport], width: int) -> Iterator[Text]:
    alarms = sorted(alarms, key=lambda one: (one.dimension != "all", one.dimension, one.value))
    first = alarms[0]
    is_open = first.ended_at is None
    state = "what is usual since is not known yet" if is_open else "usual by now"
    where = "; ".join(dict.fromkeys(map(_name_series, alarms)))
    yield from wrap_paragraph(
        f"{_METRICS.get(first.metric, first.metric)} {first.direction}: {where}",
        width,
        style="bold" if is_open else "dim",
    )
    yield from wrap_paragraph(
        f"{_describe_change(first)}, since about {format_time(first.begun_at)}, found after "
        f"{format_count(first.observations, 'observation')}; {state}",
        width,
        indent="  ",
    )
    side = "where it comes from is being looked for"
    if first.side is not None:
        side = _SIDES.get(first.side, first.side)
    yield from wrap_paragraph(side, width, indent="  ")
    for factor in first.factors:
        yield from wrap_paragraph(_describe_factor(factor), width, indent="    ", style="dim")


def _name_series(alarm: DriftAlarmReport) -> str:
    return "all" if alarm.dimension == "all" else f"{alarm.dimension} {_shorten(alarm.value)}"


def _shorten(name: str) -> str:
    name = escape_control_characters(name)
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _describe_change(alarm: DriftAlarmReport) -> str:
    before, after = _format_share(alarm.before_rate), _format_share(alarm.after_rate)
    if alarm.bound is None:
        return f"{before} before, {after} since"
    where = "above" if alarm.direction == "up" else "below"
    return f"{after} are {where} {alarm.bound:,.3g}, of usually {before}"


def _format_share(share: float) -> str:
    """Format a share in percent, with two digits that count where it is small."""
    return f"{share:.1%}" if share >= _SMALL else f"{100 * share:.2g}%"


def _describe_factor(factor: ChangedFactorReport) -> str:
    after = _shorten(factor.after) or "none"
    if factor.factor == "deploy":
        return f"deploy of {after}"
    before = _shorten(factor.before) or "none"
    change = f"more of {after}" if before == after else f"{before}, now {after}"
    unlike = "" if factor.explains else "; it explains nothing, as far as can be seen"
    return f"{factor.factor}: {change}{unlike}"
