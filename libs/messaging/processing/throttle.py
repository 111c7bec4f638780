"""Status of messages that wait because a dependency throttles us."""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.dead_letters.headers import FailureDescription


class ThrottledMessages:
    """Tracker of messages that wait because a dependency asked to be called later."""

    def __init__(self) -> None:
        self._messages = 0
        self._until: datetime | None = None
        self._why = ""

    def note(
        self, failure: FailureDescription, requested_s: float, waits_s: float, now: datetime
    ) -> None:
        """Record one more waiting message.

        Args:
            failure: the throttling error.
            requested_s: how long it was asked to wait, in seconds.
            waits_s: how long it does, in seconds.
            now: the time, with its offset.
        """
        if self._until is None or self._until <= now:
            self._messages, self._until = 0, now
        self._messages += 1
        self._until = max(self._until, now + timedelta(seconds=waits_s))
        self._why = f"{failure.code}: {failure.message}"
        if requested_s > waits_s:
            self._why += f" (asked to wait {requested_s:.0f} s, asks again after {waits_s:.0f} s)"

    def describe(self, now: datetime) -> str:
        """Return how many messages wait, until when and why; empty if none does."""
        if self._until is None or self._until <= now:
            return ""
        until = self._until.isoformat(timespec="seconds")
        return f"{self._messages} messages were asked to wait, until {until} at most; {self._why}"
