"""Replays of named dead letters through control, with the result of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.progress import track

from contracts.control_api import DeadLetter, DeadLetterState
from contracts.errors import UNMENDABLE
from onrecord.console import err
from onrecord.control_client import ControlClient
from onrecord.control_transport import DeadLetterClosedError
from onrecord.errors import CommandError, FailedError, UnreachableError, UsageError
from onrecord.pages.rendering import format_count

FAILURES_SHOWN: Final = 20
"""Most failures that are listed one by one."""


@dataclass(slots=True)
class ReplayOutcome:
    """Outcome of a replay of named letters: ids of those sent, and why others were not.

    Attributes:
        replayed: ids of those put back.
        failed: why the others were not, by what they were asked for by.
        misnamed: whether an id named no letter, or several.
    """

    replayed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    misnamed: bool = False

    def error(self) -> CommandError:
        """Return the failure to end the command with: bad input if an id was wrong."""
        kind = UsageError if self.misnamed and not self.replayed else FailedError
        if len(self.failed) == 1:
            return kind(next(iter(self.failed.values())))
        details = [f"{letter}: {why}" for letter, why in self.failed.items()]
        if len(details) > FAILURES_SHOWN:
            details[FAILURES_SHOWN:] = [f"and {len(details) - FAILURES_SHOWN:,} more"]
        return kind(f"{format_count(len(self.failed), 'letter')} not put back", details=details)


def explain_letters_left_out(left_out: Mapping[str, int]) -> Iterator[str]:
    """Yield sentences on open dead letters that a bulk replay left out, and how to proceed.

    Args:
        left_out: how many, by why not.
    """
    hopeless = {why: number for why, number in left_out.items() if why in UNMENDABLE}
    if hopeless:
        causes = ", ".join(f"{number:,} {why}" for why, number in hopeless.items())
        yield (
            f"left out: {causes}. The same message fails again, so a replay mends nothing; "
            "`--code CAUSE`, or a letter's id with --force, puts it back all the same"
        )
    if gone := left_out.get("gone"):
        yield (
            f"left out: {format_count(gone, 'letter')} whose bytes are gone from the DLQ; "
            "they can only be discarded"
        )
    if unknown := left_out.get("unknown_source"):
        yield (
            f"left out: {format_count(unknown, 'letter')} written to a DLQ by another program "
            "without their source topic: `onrecord dlq show` prints what is in them"
        )
    for state in DeadLetterState:
        if number := left_out.get(state):
            yield f"left out: {format_count(number, 'letter')} in the state {state.value}"
    if snoozed := left_out.get("snoozed"):
        yield (
            f"left out: {format_count(snoozed, 'letter')} that are snoozed: "
            "`onrecord dlq snooze --wake` wakes them"
        )


async def replay_by_ids(
    control: ControlClient, letter_ids: Sequence[str], *, force: bool = False
) -> ReplayOutcome:
    """Replay dead letters by their ids, one after the other, with a progress bar.

    So those of one interview go back in the order in which they are named. A letter that cannot be
    put back does not keep the others from it.

    Args:
        control: puts them back.
        letter_ids: their ids, or the beginnings of them.
        force: whether those go back that a replay cannot mend as things are.

    Raises:
        UnreachableError: control or its dependencies went away; says how many were replayed
            before. What was put back stays so, and the rest stays open.
    """
    outcome = ReplayOutcome()
    hidden = not err.is_terminal
    try:
        for letter_id in track(
            letter_ids, "replaying", console=err, transient=True, disable=hidden
        ):
            await _replay(control, letter_id, outcome, force=force)
    except UnreachableError as error:
        raise _cut_short(outcome, len(letter_ids), error) from error
    return outcome


def _cut_short(outcome: ReplayOutcome, number: int, error: UnreachableError) -> UnreachableError:
    progress = f"{len(outcome.replayed):,} of {format_count(number, 'dead letter')} put back"
    return UnreachableError(f"{progress}, then: {error}")


async def discard_dead_letter(control: ControlClient, letter_id: str, reason: str) -> DeadLetter:
    """Discard a dead letter through the control service's API.

    Raises:
        FailedError: it is not open any more; names the open letter that came of its replay.
    """
    try:
        return await control.discard(letter_id, reason)
    except DeadLetterClosedError as error:
        if (successor := await _successor(control, letter_id)) is None:
            raise
        raise FailedError(f"{error}, and failed again: discard {successor} instead") from error


async def _successor(control: ControlClient, letter_id: str) -> str | None:
    """The open letter that a letter's replays ended in, if they did."""
    letter = (await control.letter(letter_id)).letter
    which = {"service": letter.service, "subject": letter.subject}
    by_origin = {one.replay_of: one for one in reversed(await control.letters(which))}
    found = letter
    while (following := by_origin.get(found.letter_id)) is not None:
        found = following
    return str(found.letter_id) if found.state is DeadLetterState.OPEN else None


async def _replay(
    control: ControlClient, letter_id: str, outcome: ReplayOutcome, *, force: bool
) -> None:
    try:
        outcome.replayed.append(str((await control.replay(letter_id, force=force)).letter_id))
    except UnreachableError:
        raise
    except CommandError as error:
        outcome.misnamed |= isinstance(error, UsageError)
        outcome.failed[letter_id] = str(error)
