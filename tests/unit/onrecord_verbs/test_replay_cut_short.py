import pytest

from onrecord.control_client import ControlClient, Letter
from onrecord.errors import UnreachableError
from onrecord.replaying import replay_all


class ControlThatLosesItsBroker(ControlClient):
    """Puts letters back until one of them is to be the last."""

    def __init__(self, last: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._last = last
        self._lost = False

    async def replay(self, letter_id: str) -> Letter:
        if self._lost:
            raise UnreachableError("the control service cannot reach Kafka")
        self._lost = letter_id == self._last
        return {"letter_id": letter_id}


async def test_tells_how_many_were_put_back_before_the_broker_went_away() -> None:
    letters = [f"letter-{number}" for number in range(5)]
    with pytest.raises(UnreachableError) as raised:
        await replay_all(ControlThatLosesItsBroker("letter-1"), letters)
    assert str(raised.value) == (
        "2 of 5 dead letters put back, then: the control service cannot reach Kafka"
    )
