"""How long what there is of a study is kept, over control's HTTP API and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from contracts.study_retention import (
    RetainedKind,
    RetentionRound,
    SetStudyRetentionRequest,
    StudyRetention,
    StudyRetentionPolicy,
    StudyRetentionPreview,
)
from onrecord.control_client import ControlClient
from onrecord.errors import UsageError
from onrecord.pages.rendering import wrap_paragraph
from onrecord.submit.document_errors import format_document_errors
from onrecord.time_spans import parse_time_span

FOREVER: Final = "forever"


async def find_retention(control: ControlClient, study_id: str) -> StudyRetention:
    """Return how long what there is of a study is kept."""
    return await control.get(_path(study_id), StudyRetention)


async def preview_retention(control: ControlClient, study_id: str) -> StudyRetentionPreview:
    """Return how much of a study is too old now."""
    return await control.get(f"{_path(study_id)}/preview", StudyRetentionPreview)


async def preview_change(
    control: ControlClient, current: StudyRetention, policy: StudyRetentionPolicy
) -> StudyRetentionPreview:
    """Return what would be deleted of a study at once if a policy were set."""
    return await control.send(
        "PUT",
        _path(current.study_id),
        StudyRetentionPreview,
        json=policy.model_dump(mode="json") | {"dry_run": True},
        headers=_match(current),
    )


async def set_retention(
    control: ControlClient, current: StudyRetention, policy: StudyRetentionPolicy
) -> StudyRetention:
    """Set how long what there is of a study is kept, if it is as it was read.

    Raises:
        FailedError: it was changed meanwhile.
    """
    return await control.send(
        "PUT",
        _path(current.study_id),
        StudyRetention,
        json=policy.model_dump(mode="json"),
        headers=_match(current),
    )


def change_policy(
    policy: StudyRetentionPolicy, given: Mapping[RetainedKind, str | None]
) -> StudyRetentionPolicy:
    """Return a policy with the times that options give; a kind without one keeps its time.

    Raises:
        UsageError: a time is no number of days, or notes or answers would outlive interviews.
    """
    days = {
        f"{kind}_days": policy.get_days(kind) if text is None else _parse_days(kind, text)
        for kind, text in given.items()
    }
    try:
        # As the request has it, so that what control would refuse is told here.
        return SetStudyRetentionRequest.model_validate(days).policy
    except ValidationError as error:
        raise UsageError(format_document_errors(error)) from error


def _parse_days(kind: RetainedKind, text: str) -> int | None:
    if text.strip().lower() == FOREVER:
        return None
    span = parse_time_span(text)
    if span.seconds or span.days < 1:
        raise UsageError(f"--{kind}: {text!r} is not whole days: write 365d, 52w or {FOREVER}")
    return span.days


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


def _path(study_id: str) -> str:
    return f"/v1/studies/{study_id}/retention"


def _match(current: StudyRetention) -> dict[str, str]:
    return {"If-Match": f'"{current.changes}"'}
