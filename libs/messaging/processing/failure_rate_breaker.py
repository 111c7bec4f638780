"""A breaker that stops a stage in which most messages fail, instead of filling the DLQ."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from messaging.processing.gates import ProbeGate, ignore_closing

WELL = ""
"""What stands for a message that ended well, in place of a fingerprint."""


SHARE_OF_A_SUBJECT: Final = 0.25
"""What one subject's failures may make up of the window: no interview can stop a stage alone."""

_Ending = tuple[str, int | None]
"""How a message ended: the fingerprint, or WELL, and the hash of its subject, if it has any."""


class FailureRateBreaker:
    """Circuit breaker that pauses a service when most of its recent messages have failed.

    A message that goes to a retry topic has failed as much as one that becomes a dead letter. A
    failure that is no evidence about the stage (``failure_policy.TABLE``) is not counted at all,
    and of one subject (interview) no more than ``SHARE_OF_A_SUBJECT``: a model may answer badly
    because of what one interview says in all its thousand chunks. So a stage stops when several
    interviews fail, four by default. A stage that works on fewer does not stop, and dead-letters at
    most what these hold.

    Args:
        window: how many of the latest messages are looked at.
        share: the share of them that has to fail with one fingerprint, from 0 to 1.
        share_of_all: the share of them that has to fail, whatever the causes, from 0 to 1.
        pause_s: the pause before the first probe, in seconds.
        pause_max_s: the longest pause.
        on_close: called with the reason when the stage stops, for metrics.

    Attributes:
        gate: closed while the stage is stopped.
        window: as given.
        resumed: how often an operator has resumed the stage after it had stopped.
    """

    def __init__(  # noqa: PLR0913 - its limits
        self,
        window: int,
        share: float,
        share_of_all: float,
        pause_s: float,
        pause_max_s: float,
        *,
        on_close: Callable[[str], None] = ignore_closing,
    ) -> None:
        self.gate = ProbeGate(pause_s, pause_max_s, on_close)
        self.resumed = 0
        self.window = window
        self._most_of_one = max(1, round(window * share))
        self._most_of_all = max(1, round(window * share_of_all))
        self._most_of_subject = max(1, int(window * SHARE_OF_A_SUBJECT))
        self._latest: deque[_Ending] = deque()
        self._failures: Counter[str] = Counter()
        self._by_subject: Counter[int] = Counter()
        self._grace = 0

    def settled(self) -> None:
        """Record that a message succeeded."""
        if self._failures:
            self._note(WELL, None)
        elif self._grace:
            self._grace -= 1

    def failed(
        self,
        fingerprint: str,
        code: str,
        *,
        subject: bytes | None = None,
        resumed: int | None = None,
    ) -> None:
        """Record that a message went to a retry topic or the DLQ.

        Args:
            fingerprint: of the cause.
            code: of the cause, for people.
            subject: whom the message was about; None if it named nobody, so that it stands for
                itself.
            resumed: what ``resumed`` was when the work on the message began, if known. One that
                was at work when an operator resumed the stage may have met what is mended since.
        """
        if resumed is not None and resumed != self.resumed:
            return
        whom = None if subject is None else hash(subject)
        if whom is not None and self._by_subject[whom] >= self._most_of_subject:
            return
        self._note(fingerprint, whom)
        if self._grace:
            return
        of_one, of_all = self._failures[fingerprint], self._failures.total()
        if of_one >= self._most_of_one:
            self._stop(
                f"{of_one} of the last {len(self._latest)} messages failed with {code}"
                f" (fingerprint {fingerprint})"
            )
        elif of_all >= self._most_of_all:
            self._stop(
                f"{of_all} of the last {len(self._latest)} messages failed, of "
                f"{len(self._failures)} causes, the last with {code} (fingerprint {fingerprint})"
            )

    def resume(self) -> str:
        """Open the gate, and judge again only after a whole new window; for operators.

        A stage that has not stopped is judged as before: who resumes another replica, or resumes
        twice, gives it no grace.

        Returns:
            Why the stage had stopped; empty if it had not.
        """
        if self.gate.is_open:
            return ""
        why = self.gate.reason
        self.resumed += 1
        self._start_anew(grace=self.window)
        return why

    def probe_ended(self, *, well: bool | None) -> None:
        """Resume after a successful probe, or lengthen the pause after a failed one.

        Args:
            well: None if its end says nothing of the stage.
        """
        if well:
            self._start_anew(grace=0)
        elif well is None:
            self.gate.probe_inconclusive()
        else:
            self.gate.probe_failed(self.gate.reason)

    def _start_anew(self, *, grace: int) -> None:
        self._latest.clear()
        self._failures.clear()
        self._by_subject.clear()
        self._grace = grace
        self.gate.open()

    def _stop(self, why: str) -> None:
        self.gate.close(f"stopped: {why}; mend the cause, then `onrecord resume` (POST /resume)")

    def _note(self, fingerprint: str, whom: int | None) -> None:
        self._latest.append((fingerprint, whom))
        if fingerprint != WELL:
            self._failures[fingerprint] += 1
        if whom is not None:
            self._by_subject[whom] += 1
        if len(self._latest) > self.window:
            self._forget(*self._latest.popleft())
        if self._grace:
            self._grace -= 1

    def _forget(self, fingerprint: str, whom: int | None) -> None:
        if whom is not None:
            self._by_subject[whom] -= 1
            if not self._by_subject[whom]:
                del self._by_subject[whom]
        if fingerprint == WELL:
            return
        self._failures[fingerprint] -= 1
        if not self._failures[fingerprint]:
            del self._failures[fingerprint]
        if not self._failures:
            self._latest.clear()
