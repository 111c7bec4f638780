import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.control_api import DeadLetter
from contracts.ids import derive_id
from onrecord.control_client import ControlClient
from onrecord.errors import UnreachableError
from onrecord.replay import replay_by_ids

LOST = "the control service cannot reach Kafka"
IDS = [str(derive_id("letter", number)) for number in range(5)]


def letter(letter_id: str) -> DeadLetter:
    return DeadLetter(
        letter_id=UUID(letter_id),
        service="enrichment",
        dlq_topic="enrichment-dlq",
        dlq_partition=0,
        dlq_offset=0,
        error_code="llm_timeout",
        failed_at=datetime.now(UTC),
    )


class ControlThatLosesItsBroker(ControlClient):
    """Puts letters back until one of them is to be the last."""

    def __init__(self, last: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._last = last
        self._lost = False

    async def replay(self, letter_id: str, *, force: bool = False) -> DeadLetter:
        assert not force
        if self._lost:
            raise UnreachableError(LOST)
        self._lost = letter_id == self._last
        return letter(letter_id)


class SlowControl(ControlClient):
    """Takes longer for letters that are named earlier."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.sent: list[str] = []

    async def replay(self, letter_id: str, *, force: bool = False) -> DeadLetter:
        del force
        await asyncio.sleep(0.01 * (len(IDS) - IDS.index(letter_id)))
        self.sent.append(letter_id)
        return letter(letter_id)


async def test_named_letters_go_back_in_the_order_in_which_they_are_named() -> None:
    control = SlowControl()
    outcome = await replay_by_ids(control, IDS)
    assert control.sent == outcome.replayed == IDS


async def test_tells_how_many_were_put_back_before_the_broker_went_away() -> None:
    with pytest.raises(UnreachableError) as raised:
        await replay_by_ids(ControlThatLosesItsBroker(IDS[1]), IDS)
    assert str(raised.value) == f"2 of 5 dead letters put back, then: {LOST}"
