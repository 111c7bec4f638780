"""Decides about messages that wait in retry topics, and tells their services by a topic.

Control touches neither the messages nor their services' offsets: it names the waits that it has
read, and each service releases, holds or gives up its own messages.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from audit.broker import BacklogScanner
from contracts.topics import WAITING_DECISIONS
from contracts.waiting import HoldWaitingRequest, ReleaseWaitingRequest, WaitingDecisionResult
from contracts.waiting_decisions import (
    LONGEST_HOLD_S,
    WAITS_OF_A_RECORD,
    DecidedWait,
    WaitingAction,
    WaitingDecision,
)
from control.domain import BadRequestError, RetryTopicMissingError
from control.pipeline.waiting import WaitingPosition, get_waiting_position, scan_waiting_messages
from messaging import Publisher

USUAL_HOLD: Final = timedelta(days=1)
"""How long a message is held if nobody says."""


@dataclass(frozen=True, slots=True)
class DecisionAuthor:
    """Author of a decision about waiting messages, with the action and the decision's id.

    Attributes:
        action: what is done about the messages.
        name: whose decision it is.
        decision_id: names the decision in the trail and in the services' logs.
    """

    action: WaitingAction
    name: str
    decision_id: UUID = field(default_factory=uuid4)


def choose_hold_end_time(wanted: HoldWaitingRequest, now: datetime) -> datetime:
    """Return the time until which messages are held, as requested or by default; validate it.

    Raises:
        BadRequestError: the time that was asked for is over, or further off than a hold may last.
    """
    until = wanted.held_until or now + USUAL_HOLD
    if until <= now:
        raise BadRequestError("held_until: is over")
    if until > now + timedelta(seconds=LONGEST_HOLD_S):
        raise BadRequestError("held_until: messages are held for 7 days at most")
    return until


async def decide_about_waiting_messages(
    scanner: BacklogScanner,
    publisher: Publisher,
    wanted: ReleaseWaitingRequest,
    maker: DecisionAuthor,
    held_until: datetime | None = None,
) -> WaitingDecisionResult:
    """Release, hold or give up the waiting messages that match, by a record to their services.

    Args:
        scanner: reads what services have not finished.
        publisher: writes to ``waiting-decisions``.
        wanted: which messages, how many, and why.
        maker: who decides what.
        held_until: of a hold, until when.

    Raises:
        RetryTopicMissingError: there is no topic by which services could be told.
        KafkaUnavailableError: the broker does not answer. Part of the messages may be decided about
            then; asking again decides the same about them.
    """
    if missing := await publisher.find_missing_topics([WAITING_DECISIONS.name]):
        names = ", ".join(map(publisher.name, missing))
        raise RetryTopicMissingError(
            f"{names} does not exist: run `python -m messaging topics create`"
        )
    found: list[tuple[WaitingPosition, str, DecidedWait]] = []
    is_partial = False
    async for one in scan_waiting_messages(scanner, wanted):
        if one is None:
            is_partial = True
            continue
        message, wait = one
        place = (message.topic, message.partition, message.offset)
        found.append((get_waiting_position(message), message.service, DecidedWait(*wait, *place)))
        if len(found) >= 2 * wanted.limit:  # so that a request's memory has a bound
            found = heapq.nsmallest(wanted.limit, found)
    waits: defaultdict[str, list[DecidedWait]] = defaultdict(list)
    for _, service, decided in heapq.nsmallest(wanted.limit, found):
        waits[service].append(decided)
    decision = WaitingDecision(
        decision_id=maker.decision_id,
        service="",
        action=maker.action,
        held_until_ms=0 if held_until is None else round(held_until.timestamp() * 1_000),
        decided_by=maker.name,
        reason=wanted.reason,
        waits=(),
    )
    await _publish(publisher, decision, waits)
    numbers = Counter({service: len(chosen) for service, chosen in waits.items()})
    return WaitingDecisionResult(
        decision_id=decision.decision_id,
        action=maker.action,
        messages=numbers.total(),
        by_service=dict(numbers),
        held_until=held_until,
        is_partial=is_partial,
    )


async def _publish(
    publisher: Publisher, decision: WaitingDecision, waits: Mapping[str, list[DecidedWait]]
) -> None:
    for service, chosen in waits.items():
        for begin in range(0, len(chosen), WAITS_OF_A_RECORD):
            part = tuple(chosen[begin : begin + WAITS_OF_A_RECORD])
            record = decision.model_copy(update={"service": service, "waits": part})
            value = record.model_dump_json().encode()
            await publisher.forward(WAITING_DECISIONS.name, service.encode(), value, ())
