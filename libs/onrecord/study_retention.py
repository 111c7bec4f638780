"""How long what there is of a study is kept, over control's HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from contracts.study_retention import (
    RetainedKind,
    SetStudyRetentionRequest,
    StudyRetention,
    StudyRetentionPolicy,
    StudyRetentionPreview,
)
from onrecord.control_client import ControlClient
from onrecord.errors import UsageError
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
        # As the request has it, so that what control would refuse is refused here.
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


def _path(study_id: str) -> str:
    return f"/v1/studies/{study_id}/retention"


def _match(current: StudyRetention) -> dict[str, str]:
    return {"If-Match": f'"{current.changes}"'}
