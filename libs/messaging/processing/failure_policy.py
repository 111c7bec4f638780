"""What becomes of a message whose try failed: the design's table "When something fails".

``TABLE`` holds it, one row for each kind of failure, and the functions below only look it up: no
I/O, and no clock but the one passed in. ``work.Worker`` carries the decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from contracts.errors import (
    BadMessageError,
    ContentBugError,
    ErrorCode,
    OnrecordError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
    TimedOutError,
)
from messaging.delivery import Delivery
from messaging.settings import StageSettings


class DeadlinePassedError(BadMessageError):
    """The message's own deadline, told in its header, has passed: no try can be in time."""

    code = ErrorCode.TIMEOUT


class OwnOutageError(OnrecordError):
    """An outage that one message meets again and again while others pass: its own failure.

    Args:
        outage: what the message's last try raised.

    Attributes:
        outage: the same.
    """

    def __init__(self, outage: OutageError) -> None:
        super().__init__(
            f"{outage} (for this message again and again, while others passed)", code=outage.code
        )
        self.outage = outage


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


class Way(Enum):
    """Where a message goes whose delivery has failed."""

    STAYS = "it stays, and the stage waits"
    AS_ASKED = "a retry topic, for as long as was asked, up to a ceiling"
    TIERS = "the next retry topic, then a dead letter"
    TIERS_WITH_PATIENCE = "the next retry topic, the last one for some time, then a dead letter"
    LETTER = "a dead letter at once"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        branch: which errors it is for.
        codes: those of them with these codes only; all if empty.
        in_place: whether the same delivery tries again at once, after a short wait.
        way: where the message goes when that did not help.
        counts: whether it says something of the stage, and so counts towards stopping it. What a
            message's content alone can bring about does not: whoever sends such messages must not
            be able to stop the stage for everybody. Of what content may bring about and the stage
            as well, such as a model that answers badly, one interview counts only so often
            (``stoppage.SHARE_OF_A_SUBJECT``).
    """

    branch: type[BaseException]
    codes: frozenset[ErrorCode]
    in_place: bool
    way: Way
    counts: bool


_ALL: Final = frozenset[ErrorCode]()

_BY_CONTENT: Final = frozenset(
    {
        # The model or its provider objects to what a participant said.
        ErrorCode.LLM_REFUSED,
        ErrorCode.LLM_CONTENT_FILTERED,
        # The chunk is too long, or makes for too long an answer.
        ErrorCode.LLM_CONTEXT_TOO_LONG,
        ErrorCode.LLM_CUT_OFF,
        # It came before what it depends on.
        ErrorCode.NOT_YET_INGESTED,
    }
)
"""Retryable failures that say something of the message."""

TABLE: Final = (
    Row(OutageError, _ALL, in_place=False, way=Way.STAYS, counts=False),
    Row(OwnOutageError, _ALL, in_place=False, way=Way.TIERS_WITH_PATIENCE, counts=False),
    Row(ThrottledError, _ALL, in_place=False, way=Way.AS_ASKED, counts=False),
    Row(BadMessageError, _ALL, in_place=False, way=Way.LETTER, counts=False),
    Row(ParkedError, _ALL, in_place=False, way=Way.LETTER, counts=False),
    Row(RejectedError, _ALL, in_place=False, way=Way.LETTER, counts=False),
    # A bug too, but of one message: whoever finds one must not be able to stop the stage with it.
    Row(ContentBugError, _ALL, in_place=False, way=Way.LETTER, counts=False),
    Row(RetryableError, _BY_CONTENT, in_place=True, way=Way.TIERS, counts=False),
    Row(RetryableError, _ALL, in_place=True, way=Way.TIERS, counts=True),
    Row(TimeoutError, _ALL, in_place=False, way=Way.TIERS, counts=True),
    Row(BaseException, _ALL, in_place=False, way=Way.LETTER, counts=True),  # a bug
)
"""The first row that fits decides. Being asked to wait in place is ``attempts``' own business."""


def row_of(error: BaseException) -> Row:
    """The row of the table that an error falls under."""
    code = getattr(error, "code", None)
    return next(
        row
        for row in TABLE
        if isinstance(error, row.branch) and (not row.codes or code in row.codes)
    )


def decide(
    error: BaseException, delivery: Delivery, settings: StageSettings, *, now: datetime
) -> Decision:
    """What to do after the tries in place of one delivery have failed.

    Args:
        error: what the last try raised.
        delivery: the message's history; its ``tier`` says where it has waited before.
        settings: how many retry tiers there are and how long they wait.
        now: the time, with its offset.
    """
    way = row_of(error).way
    if way is Way.STAYS:
        return WaitOut()
    if way is Way.AS_ASKED:
        # Being told to wait is no failure: the tier stays, only the time is as told.
        asked_s = getattr(error, "retry_after", 0.0)
        return RetryLater(max(1, delivery.tier), min(max(0.0, asked_s), settings.throttle_max_s))
    if way is Way.LETTER:
        return DeadLetter()
    tiers = len(settings.retry_delays_s)
    tier = delivery.tier + 1
    if way is Way.TIERS_WITH_PATIENCE and _is_recent(delivery, settings, now):
        tier = min(tier, tiers)
    return (
        RetryLater(tier, settings.retry_delays_s[tier - 1]) if 0 < tier <= tiers else DeadLetter()
    )


def _is_recent(delivery: Delivery, settings: StageSettings, now: datetime) -> bool:
    first = delivery.first_failed_at or now
    return now - first < timedelta(seconds=settings.own_outage_patience_s)


def is_retried_in_place(error: BaseException) -> bool:
    """Whether the same delivery may try again at once, after a short wait."""
    return row_of(error).in_place


def counts_towards_stopping(error: BaseException) -> bool:
    """Whether the failure says something of the stage, and not of the message alone."""
    return row_of(error).counts


def timed_out(error: BaseException) -> bool:
    """Whether the failure counts as a timeout."""
    return isinstance(error, TimedOutError | TimeoutError)


def is_bug(error: BaseException) -> bool:
    """Whether nobody has thought of this failure."""
    return not isinstance(error, OnrecordError | TimeoutError)


def forget_frames(error: BaseException | None) -> None:
    """Take from a failure, and from those that led to it, what it holds of the message.

    The frames of a traceback keep the event alive, and often lead back to the failure itself, so
    that megabytes would stay until the next collection of cycles.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
