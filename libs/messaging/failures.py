"""What becomes of a message whose try failed: the branch of the error's class decides.

This is the design's table "When something fails", and nothing else: pure, so that every row has
a test. ``consumption`` carries the decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    OnrecordError,
    OutageError,
    RetryableError,
    ThrottledError,
    TimedOutError,
)
from messaging.delivery import Delivery
from messaging.settings import StageSettings

LONGEST_WAIT_S: Final = 24 * 60 * 60.0
"""Whoever asks to be called still later is called after a day, in seconds."""


class DeadlinePassedError(BadMessageError):
    """The message's own deadline, told in its header, has passed: no try can be in time."""

    code = ErrorCode.TIMEOUT


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Wait in the retry topic ``tier`` for ``delay_s`` seconds."""

    tier: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Set the message aside for an operator."""


@dataclass(frozen=True, slots=True)
class WaitOut:
    """Keep the message and hold the whole stage until the dependency answers again."""


Decision = RetryLater | DeadLetter | WaitOut


def decide(error: BaseException, delivery: Delivery, settings: StageSettings) -> Decision:
    """What to do after the tries in place of one delivery have failed.

    Args:
        error: what the last try raised.
        delivery: the message's history; its ``tier`` says where it has waited before.
        settings: how many retry tiers there are and how long they wait.
    """
    if isinstance(error, OutageError):
        return WaitOut()
    if isinstance(error, ThrottledError):
        # Being told to wait is no failure: the tier stays, only the time is as told.
        wait_s = min(max(0.0, error.retry_after), LONGEST_WAIT_S)
        return RetryLater(max(1, delivery.tier), wait_s)
    if isinstance(error, RetryableError | TimeoutError):
        tier = delivery.tier + 1
        if tier <= len(settings.retry_delays_s):
            return RetryLater(tier, settings.retry_delays_s[tier - 1])
    return DeadLetter()


def is_retried_in_place(error: BaseException) -> bool:
    """Whether the same delivery may try again at once, after a short wait."""
    return isinstance(error, RetryableError)


def timed_out(error: BaseException) -> bool:
    """Whether the failure counts as a timeout."""
    return isinstance(error, TimedOutError | TimeoutError)


def is_bug(error: BaseException) -> bool:
    """Whether nobody has thought of this failure."""
    return not isinstance(error, OnrecordError | TimeoutError)
