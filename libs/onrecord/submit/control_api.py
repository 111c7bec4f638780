"""Submits interviews to control's API, and waits for their outcomes there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID, uuid4

from rich.progress import Progress, TaskID

from contracts.events import TranscriptSettled
from contracts.submissions import InterviewState, SubmitTranscriptRequest
from onrecord.connections import open_control_client
from onrecord.control_client import ControlClient
from onrecord.errors import UnreachableError, UsageError
from onrecord.outcomes import OutcomeFilter, build_outcome_filter
from onrecord.settings import ClientSettings
from onrecord.submit.preparation import PreparedSubmission
from onrecord.submit.waiting import BatchOutcomes, refuse_revision_conflicts

T = TypeVar("T")

AT_ONCE: Final = 4
"""Requests at the same time."""

FIRST_PAUSE_S: Final = 0.3
"""Seconds between the first two looks at what became of interviews."""

LONGEST_PAUSE_S: Final = 5.0
"""Seconds between two looks, once it takes long."""


class UnregisteredStudyError(UsageError):
    """Raised when a study that is named by its id is not registered."""

    def __init__(self, study_id: str) -> None:
        super().__init__(
            f"{study_id}: no study of this id is registered, and there is no file of this name: "
            "`onrecord study list` shows those there are, `onrecord study create FILE` registers "
            "one (nothing was sent)"
        )


@dataclass(frozen=True, slots=True)
class _Awaited:
    """An interview whose outcome is waited for, and the number of its latest one before that."""

    interview: PreparedSubmission
    expected: OutcomeFilter
    number_before: int

    def find(self, state: InterviewState) -> TranscriptSettled | None:
        """Return its outcome, if there is one that came later."""
        for one in state.outcomes:
            if self.expected.is_met_by(one) and one.number > self.number_before:
                return one
        return None


async def submit_to_control(
    ready: Sequence[PreparedSubmission],
    settings: ClientSettings,
    wait_s: float | None,
    bars: Progress,
) -> BatchOutcomes | None:
    """Submit interviews through control's API; wait for their outcomes if ``wait_s`` is set.

    Args:
        ready: what is submitted.
        settings: how to reach control.
        wait_s: wait so many seconds at most; None not to wait.
        bars: shows the progress.

    Returns:
        What became of them when the wait ended; None if nobody waited.

    Raises:
        UsageError: one cannot be accepted. Where a revision is stored with other content, nothing
            was sent.
        UnreachableError: control does not answer; says how many were sent.
    """
    async with open_control_client(settings) as control:
        before = await _look_for_each(ready, control)
        refuse_stored_conflicts(ready, before)
        await _send(ready, control, bars)
        if wait_s is None:
            return None
        awaited = [_await(one, state) for one, state in zip(ready, before, strict=True)]
        return await _wait(awaited, control, wait_s, bars)


async def _look(control: ControlClient, one: PreparedSubmission) -> InterviewState:
    return await control.interview_state(one.event.named_study_id, one.file.path.name)


async def fetch_interview_states(
    ready: Sequence[PreparedSubmission], settings: ClientSettings
) -> list[InterviewState]:
    """Fetch the states of interviews, such as stored revisions, from the control service's API.

    Raises:
        UsageError: the token may not submit to their study.
        UnregisteredStudyError: they name it by an id that is not registered.
        UnreachableError: control does not answer.
    """
    async with open_control_client(settings) as control:
        return await _look_for_each(ready, control)


async def _look_for_each(
    ready: Sequence[PreparedSubmission], control: ControlClient
) -> list[InterviewState]:
    states = await _for_each(ready, lambda one: _look(control, one))
    # Who may submit to a study, as was just shown, sees that it is registered.
    if ready[0].event.study is None:
        study_id = ready[0].event.named_study_id
        registered = await control.list_registered_studies()
        if study_id not in {one.study_id for one in registered}:
            raise UnregisteredStudyError(study_id)
    return states


def refuse_stored_conflicts(
    ready: Sequence[PreparedSubmission], states: Sequence[InterviewState]
) -> None:
    """Raise ``UsageError`` if a revision to submit is stored with different content.

    Args:
        ready: at least one, all of the same revision.
        states: what control knows of each.

    Raises:
        UsageError: some are.
    """
    revision = ready[0].event.revision
    stored: Mapping[UUID, str] = {
        state.transcript_id: one.content_sha256
        for state in states
        for one in state.stored
        if one.revision == revision
    }
    refuse_revision_conflicts([one.event for one in ready], stored)


async def _send(
    ready: Sequence[PreparedSubmission], control: ControlClient, bars: Progress
) -> None:
    sending: TaskID = bars.add_task("sending", total=len(ready))
    sent = 0

    async def send(one: PreparedSubmission) -> None:
        nonlocal sent
        request = SubmitTranscriptRequest.of(one.event, one.file.path.name)
        await control.submit(request, str(uuid4()))
        sent += 1
        bars.advance(sending)

    try:
        await _for_each(ready, send)
    except UnreachableError as error:
        if not sent:
            raise
        raise UnreachableError(
            f"{error} ({sent} of {len(ready)} were sent: submit the same again, and only the rest "
            "is new)"
        ) from error


def _await(one: PreparedSubmission, state: InterviewState) -> _Awaited:
    # Control compresses what is too large for the topic as it is.
    expected = build_outcome_filter(one.event, was_compressed=True)
    numbers = [found.number for found in state.outcomes if expected.is_met_by(found)]
    return _Awaited(one, expected, max(numbers, default=0))


async def _wait(
    awaited: Sequence[_Awaited], control: ControlClient, wait_s: float, bars: Progress
) -> BatchOutcomes:
    waiting = bars.add_task("settled", total=len(awaited))
    deadline = asyncio.get_running_loop().time() + wait_s
    settled: dict[UUID, TranscriptSettled] = {}
    pause_s = FIRST_PAUSE_S
    while True:
        left = [one for one in awaited if one.expected.transcript_id not in settled]
        states = await _for_each(left, lambda one: _look(control, one.interview))
        for one, state in zip(left, states, strict=True):
            if (found := one.find(state)) is not None:
                settled[found.transcript_id] = found
        bars.update(waiting, completed=len(settled))
        left_s = deadline - asyncio.get_running_loop().time()
        if len(settled) == len(awaited) or left_s <= 0:
            return BatchOutcomes(settled, len(awaited) - len(settled))
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


_One = TypeVar("_One")


async def _for_each(these: Sequence[_One], work: Callable[[_One], Awaitable[T]]) -> list[T]:
    """Do something for each, some at a time; return what comes of each, in order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def do(one: _One) -> T:
        async with places:
            return await work(one)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(do(one)) for one in these]
    except ExceptionGroup as failed:  # they have one cause: the first is enough
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
