"""Interviews asked again with the current version of their study, as the command line does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from contracts.refreshing import RefreshStudyRequest, StudyRefresh
from onrecord.errors import FailedError
from onrecord.pages.rendering import format_count

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

POLL_S: Final = 1.0
"""Seconds between two looks at how far the interviews are."""


async def refresh_outdated_interviews(
    control: ControlClient, found: StudyRefresh, transcripts: Sequence[str]
) -> StudyRefresh:
    """Request new notes of a study's outdated interviews, in batches; return the progress.

    Args:
        control: the API.
        found: how they stand now.
        transcripts: only these; all if empty.
    """
    wanted = RefreshStudyRequest(transcript_ids=tuple(map(UUID, transcripts)) or None)
    requested = 0
    while True:
        found = await control.refresh_study(found.study_id, wanted)
        requested += found.requested
        if not found.outdated or not found.requested:
            return found.model_copy(update={"requested": requested})


async def wait_for_refresh(
    control: ControlClient, found: StudyRefresh, wanted: RefreshStudyRequest, timeout_s: float
) -> StudyRefresh:
    """Wait until the requested new notes of a study are all stored; return the progress.

    Raises:
        FailedError: some are after the time.
    """
    requested = found.requested
    deadline = asyncio.get_running_loop().time() + timeout_s
    while found.in_progress:
        if asyncio.get_running_loop().time() > deadline:
            raise FailedError(
                f"{format_count(found.in_progress, 'interview')} still on the way: their notes are "
                "those of the version before until all chunks are stored (`onrecord dlq list`)"
            )
        await asyncio.sleep(POLL_S)
        found = await control.refresh_study(found.study_id, wanted)
    return found.model_copy(update={"requested": requested})


def describe_outdated_notes(found: StudyRefresh) -> str:
    """Describe how many interviews of a study have outdated notes, and the cost of new ones."""
    text = (
        f"{found.study_id}, version {found.version}: {found.up_to_date} up to date, "
        f"{found.in_progress} in progress, {found.outdated} outdated"
    )
    costs = found.estimate
    if not found.outdated:
        return text
    if costs.usd_low is None or costs.usd_high is None:
        price = "at an unknown price"
    else:
        price = f"US$ {costs.usd_low:,.4f} to {costs.usd_high:,.4f}"
    return (
        f"{text}\nto ask them again: {format_count(costs.chunks, 'chunk')}, "
        f"{costs.calls_low:,} to {costs.calls_high:,} calls, "
        f"{costs.tokens_low:,} to {costs.tokens_high:,} tokens, {price} "
        f"(as {costs.measured_chunks} of these chunks cost before; the cache may answer "
        f"{costs.cached_chunks})"
    )
