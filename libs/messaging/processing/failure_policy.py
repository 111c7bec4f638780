"""The failure policy: what happens to a message, by the error of its last try.

``TABLE`` holds it, one row for each kind of failure, and the functions below only look it up: no
I/O, and no clock but the one passed in. ``processor`` carries the decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from contracts.errors import (
    BadMessageError,
    BugTriggeredByMessageError,
    ErrorCode,
    HandlerTimedOutError,
    OnrecordError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from messaging.delivery import Delivery
from messaging.settings import StageSettings


class DeadlinePassedError(BadMessageError):
    """Raised when the deadline in a message's header has passed before the message is handled."""

    code = ErrorCode.TIMEOUT


class SingleMessageOutageError(OnrecordError):
    """Raised when one message fails again and again with an outage while others succeed.

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
    """Decision to send a failed message to a retry topic, with a delay in seconds."""

    tier: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class SendToDlq:
    """Decision to write a failed message to the dead letter queue."""


@dataclass(frozen=True, slots=True)
class WaitForDependency:
    """Decision to keep a message and pause the service until its dependency answers again."""


Decision = RetryLater | SendToDlq | WaitForDependency


class FailureRoute(Enum):
    """Route of a failed message: it waits for a dependency, or goes to a retry topic or DLQ."""

    STAYS = "it stays, and the stage waits"
    AS_REQUESTED = "a retry topic, for as long as was asked, up to a ceiling"
    TIERS = "the next retry topic, then a dead letter"
    TIERS_WITH_PATIENCE = "the next retry topic, the last one for some time, then a dead letter"
    LETTER = "a dead letter at once"


@dataclass(frozen=True, slots=True)
class FailurePolicyRow:
    """Row of the failure policy's table: an error class, and where its failures go.

    Attributes:
        branch: which errors it is for.
        codes: those of them with these codes only; all if empty.
        in_place: whether the same delivery tries again at once, after a short wait.
        way: where the message goes when that did not help.
        counts: whether it is evidence about the stage, and so counts towards stopping it. What a
            message's content alone can cause does not count: nobody may be able to stop the stage
            by sending such messages. Of what content or the stage may cause, such as bad answers
            of a model, one interview counts only so often
            (``failure_rate_breaker.SHARE_OF_A_SUBJECT``).
    """

    branch: type[BaseException]
    codes: frozenset[ErrorCode]
    in_place: bool
    way: FailureRoute
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
"""Retryable failures that are evidence about the message, and not about the stage."""

TABLE: Final = (
    FailurePolicyRow(OutageError, _ALL, in_place=False, way=FailureRoute.STAYS, counts=False),
    FailurePolicyRow(
        SingleMessageOutageError,
        _ALL,
        in_place=False,
        way=FailureRoute.TIERS_WITH_PATIENCE,
        counts=False,
    ),
    FailurePolicyRow(
        ThrottledError, _ALL, in_place=False, way=FailureRoute.AS_REQUESTED, counts=False
    ),
    FailurePolicyRow(BadMessageError, _ALL, in_place=False, way=FailureRoute.LETTER, counts=False),
    FailurePolicyRow(ParkedError, _ALL, in_place=False, way=FailureRoute.LETTER, counts=False),
    FailurePolicyRow(RejectedError, _ALL, in_place=False, way=FailureRoute.LETTER, counts=False),
    # A bug too, but triggered by one message: sending such messages must not stop the stage.
    FailurePolicyRow(
        BugTriggeredByMessageError, _ALL, in_place=False, way=FailureRoute.LETTER, counts=False
    ),
    FailurePolicyRow(
        RetryableError, _BY_CONTENT, in_place=True, way=FailureRoute.TIERS, counts=False
    ),
    FailurePolicyRow(RetryableError, _ALL, in_place=True, way=FailureRoute.TIERS, counts=True),
    FailurePolicyRow(TimeoutError, _ALL, in_place=False, way=FailureRoute.TIERS, counts=True),
    # Anything else is a bug.
    FailurePolicyRow(BaseException, _ALL, in_place=False, way=FailureRoute.LETTER, counts=True),
)
"""The first row that fits decides. Being asked to wait in place is ``attempts``' own business."""


def find_policy_row(error: BaseException) -> FailurePolicyRow:
    """Return the first row of the failure policy's table that matches an error."""
    code = getattr(error, "code", None)
    return next(
        row
        for row in TABLE
        if isinstance(error, row.branch) and (not row.codes or code in row.codes)
    )


def decide_next_step(
    error: BaseException, delivery: Delivery, settings: StageSettings, *, now: datetime
) -> Decision:
    """Decide what happens to a message after its immediate retries: retry topic, DLQ or wait.

    Args:
        error: what the last try raised.
        delivery: the message's history; its ``tier`` says where it has waited before.
        settings: how many retry tiers there are and how long they wait.
        now: the time, with its offset.
    """
    way = find_policy_row(error).way
    if way is FailureRoute.STAYS:
        return WaitForDependency()
    if way is FailureRoute.AS_REQUESTED:
        # Throttling is no failure: the message keeps its tier, and waits as long as asked.
        requested_s = getattr(error, "retry_after", 0.0)
        return RetryLater(
            max(1, delivery.tier), min(max(0.0, requested_s), settings.throttle_max_s)
        )
    if way is FailureRoute.LETTER:
        return SendToDlq()
    tiers = len(settings.retry_delays_s)
    tier = delivery.tier + 1
    if way is FailureRoute.TIERS_WITH_PATIENCE and _is_recent(delivery, settings, now):
        tier = min(tier, tiers)
    return RetryLater(tier, settings.retry_delays_s[tier - 1]) if 0 < tier <= tiers else SendToDlq()


def _is_recent(delivery: Delivery, settings: StageSettings, now: datetime) -> bool:
    first = delivery.first_failed_at or now
    return now - first < timedelta(seconds=settings.own_outage_patience_s)


def is_retried_in_place(error: BaseException) -> bool:
    """Return whether a failed message may be retried at once, without a retry topic."""
    return find_policy_row(error).in_place


def counts_towards_failure_rate(error: BaseException) -> bool:
    """Return whether an error counts as a failure for the failure rate breaker."""
    return find_policy_row(error).counts


def is_timeout_failure(error: BaseException) -> bool:
    """Return whether an error counts as a timeout."""
    return isinstance(error, HandlerTimedOutError | TimeoutError)


def is_unexpected_error(error: BaseException) -> bool:
    """Return whether an error indicates a bug: neither an ``OnrecordError`` nor a timeout."""
    return not isinstance(error, OnrecordError | TimeoutError)


def drop_tracebacks(error: BaseException | None) -> None:
    """Remove the tracebacks of an error and its causes, to free the objects they refer to.

    The frames of a traceback keep the event alive, and often lead back to the failure itself, so
    that megabytes would stay until the next collection of cycles.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
