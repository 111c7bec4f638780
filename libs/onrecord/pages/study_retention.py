"""How long what there is of a study is kept, as lines and a table for operators."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from contracts.study_retention import (
    RetainedKind,
    RetentionRound,
    StudyRetention,
    StudyRetentionPreview,
)
from onrecord.pages.rendering import wrap_paragraph


def format_retention(found: StudyRetention, width: int) -> Iterator[Text]:
    """Format how long what there is of a study is kept, and what was deleted last."""
    for kind in RetainedKind:
        days = found.policy.get_days(kind)
        yield Text(f"{kind.value:<12} {_describe_days(kind, days)}")
    yield Text()
    if found.under_way is not None:
        yield from _format_round("being deleted", found.under_way, width)
    if found.last is not None:
        yield from _format_round("last deleted", found.last, width)
    elif found.under_way is None:
        yield Text("nothing was looked for yet", style="dim")


def format_preview(preview: StudyRetentionPreview) -> Table:
    """Format what would be deleted of a study."""
    table = Table("", "kept", "there are", "oldest", "due now", "in 30 days", box=None)
    for one in preview.kinds:
        table.add_row(
            one.kind.value,
            _describe_days(one.kind, one.days),
            f"{one.kept:,}",
            "" if one.oldest_at is None else f"{one.oldest_at:%Y-%m-%d}",
            Text(f"{one.due_now:,}", style="yellow" if one.due_now else ""),
            f"{one.due_soon:,}",
        )
    return table


def _describe_days(kind: RetainedKind, days: int | None) -> str:
    if days is not None:
        return f"{days:,} days"
    return "as of all studies" if kind is RetainedKind.LETTERS else "for ever"


def _format_round(head: str, one: RetentionRound, width: int) -> Iterator[Text]:
    deleted = ", ".join(f"{number:,} {kind}" for kind, number in one.deleted.items() if number)
    at = one.ended_at or one.begun_at
    yield from wrap_paragraph(f"{head}, {at:%Y-%m-%d %H:%M}: {deleted or 'nothing'}", width)
    for kind, reason in one.failed.items():
        yield from wrap_paragraph(
            f"{kind} failed, and is tried again: {reason}", width, indent="    ", style="yellow"
        )
