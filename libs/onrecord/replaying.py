"""Puts many dead letters back through control, and keeps account of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.progress import track

from onrecord.console import err
from onrecord.control_client import MOST_LETTERS, ControlClient, Letter, NotOpenError
from onrecord.errors import CommandError, FailedError, UnreachableError, UsageError
from onrecord.rendering import count

AT_ONCE: Final = 8
"""Letters replayed at the same time: control reads one after another from the DLQ anyway."""

TOLD: Final = 20
"""Most failures told one by one."""


@dataclass(slots=True)
class Outcome:
    """What became of each letter.

    Attributes:
        replayed: ids of those put back.
        failed: why the others were not, by what they were asked for by.
    """

    replayed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    misnamed: bool = False

    def error(self) -> CommandError:
        """The failure to end the command with: bad input if an id was wrong."""
        kind = UsageError if self.misnamed and not self.replayed else FailedError
        if len(self.failed) == 1:
            return kind(next(iter(self.failed.values())))
        details = [f"{letter}: {why}" for letter, why in self.failed.items()]
        if len(details) > TOLD:
            details[TOLD:] = [f"and {len(details) - TOLD:,} more"]
        return kind(f"{count(len(self.failed), 'letter')} not put back", details=details)


async def open_letters(control: ControlClient, service: str | None, code: str | None) -> list[str]:
    """Ids of open letters, oldest first; the latest ones only, if there are very many."""
    which = {"service": service, "code": code, "state": "open"}
    found = await control.letters(which)
    if len(found) == MOST_LETTERS:
        err.print(f"these are the latest {MOST_LETTERS:,}: call again for the rest")
    return [letter["letter_id"] for letter in reversed(found)]


async def replay_all(control: ControlClient, letter_ids: Sequence[str]) -> Outcome:
    """Replay letters, a few at a time, with a bar on stderr.

    A letter that cannot be put back does not keep the others from it.

    Raises:
        UnreachableError: control or its dependencies went away; tells how many were put back
            before. What was put back stays so, and the rest stays open.
    """
    outcome = Outcome()
    hidden = not err.is_terminal
    waiting = iter(track(letter_ids, "replaying", console=err, transient=True, disable=hidden))

    async def work() -> None:
        for letter_id in waiting:
            await _replay(control, letter_id, outcome)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(letter_ids))):
                group.create_task(work())
    except ExceptionGroup as failed:  # they fail of the same cause: one tells it
        first = failed.exceptions[0]
        if not isinstance(first, UnreachableError):
            raise first from failed
        told = f"{len(outcome.replayed):,} of {count(len(letter_ids), 'dead letter')} put back"
        raise UnreachableError(f"{told}, then: {first}") from failed
    return outcome


async def discard(control: ControlClient, letter_id: str, reason: str) -> Letter:
    """Give a letter up.

    Raises:
        FailedError: it is not open any more; names the open letter that came of its replay.
    """
    try:
        return await control.discard(letter_id, reason)
    except NotOpenError as error:
        if (successor := await _successor(control, letter_id)) is None:
            raise
        raise FailedError(f"{error}, and failed again: discard {successor} instead") from error


async def _successor(control: ControlClient, letter_id: str) -> str | None:
    """The open letter that a letter's replays ended in, if they did."""
    letter, _ = await control.letter(letter_id)
    which = {"service": letter["service"], "subject": letter["subject"]}
    by_origin = {one["replay_of"]: one for one in reversed(await control.letters(which))}
    found = letter
    while (following := by_origin.get(found["letter_id"])) is not None:
        found = following
    return str(found["letter_id"]) if found["state"] == "open" else None


async def _replay(control: ControlClient, letter_id: str, outcome: Outcome) -> None:
    try:
        outcome.replayed.append((await control.replay(letter_id))["letter_id"])
    except UnreachableError:
        raise
    except CommandError as error:
        outcome.misnamed |= isinstance(error, UsageError)
        outcome.failed[letter_id] = str(error)
