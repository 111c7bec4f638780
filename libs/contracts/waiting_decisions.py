"""What an operator decided about messages that wait in retry topics, as control tells the stages.

Control writes decisions to ``waiting-decisions``, and every replica of the service reads them all.
A decision names waits and not places: a held message is written to its retry topic again and again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LONGEST_HOLD_S: Final = 7 * 24 * 60 * 60
"""How long a message can be held, in seconds; then it is tried as if its time had come."""

WAITS_OF_A_RECORD: Final = 2_000
"""Most waits that one record of the topic names: a decision about more is several records."""


class WaitingAction(StrEnum):
    """Action on a message that waits in a retry topic: release, hold or give up.

    ``release``: it is tried at once. ``hold``: it is not tried before a time. ``give_up``: it
    becomes a dead letter, which can be replayed.
    """

    RELEASE = "release"
    HOLD = "hold"
    GIVE_UP = "give_up"


class DecidedWait(NamedTuple):
    """Waiting message that an operator has decided about, with its place in a retry topic.

    Attributes:
        topic: where the message was first read, without prefix.
        partition: of that topic.
        offset: in that partition.
        replays: how often the message was replayed.
        number: the wait's, as the message's headers have it.
        retry_topic: where it waited, without prefix; it may be elsewhere by now.
        retry_partition: of that topic.
        retry_offset: in that partition.
    """

    topic: str
    partition: int
    offset: int
    replays: int
    number: int
    retry_topic: str
    retry_partition: int
    retry_offset: int


class WaitingDecision(BaseModel):
    """Kafka record that tells a service to release, hold or give up waiting messages.

    Attributes:
        decision_id: the same in all parts.
        service: whose messages they are.
        action: what is done.
        held_until_ms: of a hold, until when, in milliseconds since the epoch; else 0.
        decided_by: the name of whose decision it is.
        reason: why, in the operator's words.
        waits: the messages.
    """

    model_config = ConfigDict(frozen=True)

    decision_id: UUID
    service: str
    action: WaitingAction
    held_until_ms: int = Field(0, ge=0)
    decided_by: str
    reason: Annotated[str, StringConstraints(max_length=1_000)] = ""
    waits: tuple[DecidedWait, ...]
