"""Headers of dead letters: why and where the message failed, added behind the original headers.

Added headers are few, capped in size, and never quote the payload: an error's text is taken only
from errors of our own tree, which promise not to.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts import headers as h
from contracts.errors import BugTriggeredByMessageError, ErrorCode, OnrecordError
from contracts.replay_options import (
    NO_OVERRIDES,
    InvalidReplayOptionsError,
    ReplayOverrides,
    decode_replay_options,
    encode_replay_options,
    keep_stricter_policies,
)
from messaging.dead_letters import identity
from messaging.delivery import Delivery, Headers, find_replay_options, get_header_number
from messaging.processing.failure_policy import SingleMessageOutageError

MESSAGE_LIMIT: Final = 500
"""Longest error text in a header, in characters."""

STACK_LIMIT: Final = 20
"""Most stack frames in a header, innermost first."""


@dataclass(frozen=True, slots=True)
class FailureDescription:
    """Description of a failure for headers and logs, without any of the message's content.

    Attributes:
        code: the stable cause.
        error_type: the exception's class.
        message: one line for people.
        stack: ``file:line function`` of each frame, innermost first, for bugs only.
        fingerprint: equal for failures of one cause at one place, 16 hex digits.
    """

    code: ErrorCode
    error_type: str
    message: str
    stack: str
    fingerprint: str


def describe_failure(
    error: BaseException, service: str, *, code: ErrorCode | None = None
) -> FailureDescription:
    """Convert an exception to a failure description, without the message's content.

    Args:
        error: what the handler raised.
        service: the stage it failed in; part of the fingerprint.
        code: the cause, unless it is the error's own.
    """
    cause = error.outage if isinstance(error, SingleMessageOutageError) else error
    name = type(cause).__name__
    frames = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in _frames(cause)]
    if isinstance(cause, BugTriggeredByMessageError) and cause.frames:
        name, frames = cause.kind, list(cause.frames)
    # The file and not the line, so that the fingerprint survives edits above the failing line.
    where = frames[0].split(":")[0] if frames else ""
    code = code or _error_code(error)
    return FailureDescription(
        code=code,
        error_type=name,
        message=_safe_message(error),
        stack=" < ".join(islice(frames, STACK_LIMIT)) if code is ErrorCode.BUG else "",
        fingerprint=sha256(f"{service}|{code}|{name}|{where}".encode()).hexdigest()[:16],
    )


def build_dead_letter_headers(  # noqa: PLR0913 - all are needed, and named
    failure: FailureDescription,
    delivery: Delivery,
    content: bytes,
    *,
    service: str,
    group: str,
    at: datetime,
) -> Headers:
    """Build the headers that are added to a message when it becomes a dead letter.

    Args:
        failure: why it is set aside.
        delivery: the history of its tries.
        content: the digest that its id follows from (``messaging.dead_letters.identity``).
        service: which service sets it aside.
        group: its consumer group.
        at: when.
    """
    letter_id = identity.derive_dead_letter_id(service, delivery.origin, delivery.replays, content)
    origin = delivery.origin
    added = {
        h.DLQ_TOPIC: origin.topic,
        h.DLQ_PARTITION: str(origin.partition),
        h.DLQ_OFFSET: str(origin.offset),
        h.ORIGIN_TIMESTAMP: str(origin.timestamp_ms),
        h.DLQ_GROUP: group,
        h.DLQ_DELIVERY_COUNT: str(max(1, delivery.attempts)),
        h.DLQ_MESSAGE: failure.message,
        h.ERROR_CODE: failure.code.value,
        h.ERROR_TYPE: failure.error_type,
        h.ERROR_STACK: failure.stack,
        h.ATTEMPTS: str(delivery.attempts),
        h.TIMEOUTS: str(delivery.timeouts),
        h.FIRST_FAILED_AT: (delivery.first_failed_at or at).isoformat(),
        h.FAILED_AT: at.isoformat(),
        h.FINGERPRINT: failure.fingerprint,
        h.LETTER_ID: str(letter_id),
        h.REPLAYS: str(delivery.replays),
        h.REPLAY_OF: str(delivery.replay_of) if delivery.replay_of else "",
    }
    # A lone surrogate in an error's text cannot be encoded as UTF-8, and must not prevent sending.
    encoded = tuple(
        (name, value.encode(errors="backslashreplace")) for name, value in added.items() if value
    )
    options = delivery.replay_options
    return encoded if options is None else (*encoded, (h.REPLAY_OPTIONS, options))


def build_cause_headers(failure: FailureDescription) -> Headers:
    """Build the headers of a retried message that say why it failed."""
    added = {h.ERROR_CODE: failure.code.value, h.DLQ_MESSAGE: failure.message}
    return tuple(
        (name, value.encode(errors="backslashreplace")) for name, value in added.items() if value
    )


def build_replay_headers(
    letter: UUID, added: Headers, overrides: ReplayOverrides = NO_OVERRIDES
) -> Headers:
    """Build the headers that are added to a dead letter's message when it is replayed.

    The origin (where the message was first read) is kept, as the conservation law counts by it; the
    attempts are not, so that a replay has all its tries. Of what an earlier replay set, policies
    are kept where they are stricter.

    Args:
        letter: id of the dead letter.
        added: the headers the letter carries behind the original ones; damaged ones are left out.
        overrides: what holds for this message alone.
    """
    options = _build_replay_options(added, overrides)
    kept = dict(added)
    replays = get_header_number(added, h.REPLAYS, 0) + 1
    return (
        *[(name, kept[name]) for name in _ORIGIN if kept.get(name)],
        (h.REPLAY_OF, str(letter).encode()),
        (h.REPLAYS, b"%d" % replays),
        *([(h.REPLAY_OPTIONS, options)] if options is not None else ()),
    )


def _build_replay_options(added: Headers, overrides: ReplayOverrides) -> bytes | None:
    if (earlier := find_replay_options(added)) is None:
        return encode_replay_options(overrides)
    try:
        return encode_replay_options(
            keep_stricter_policies(decode_replay_options(earlier), overrides)
        )
    except InvalidReplayOptionsError:
        # Another version wrote them, and its policies are not known here: the stage that knows them
        # decides, and this one would refuse them.
        return earlier


_ORIGIN: Final = (h.DLQ_TOPIC, h.DLQ_PARTITION, h.DLQ_OFFSET, h.ORIGIN_TIMESTAMP)


def _error_code(error: BaseException) -> ErrorCode:
    if isinstance(error, OnrecordError):
        return error.code
    return ErrorCode.TIMEOUT if isinstance(error, TimeoutError) else ErrorCode.BUG


def _safe_message(error: BaseException) -> str:
    if isinstance(error, OnrecordError):
        return " ".join(str(error).split())[:MESSAGE_LIMIT]
    # The text of an error that is not ours may quote the message, and headers are not masked.
    if isinstance(error, TimeoutError):
        return "the work did not finish before its deadline"
    return f"unexpected {type(error).__name__}; see the stack and the service's log"


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    return reversed(traceback.extract_tb(error.__traceback__))
