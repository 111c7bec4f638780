from collections.abc import Mapping

import pytest

from onrecord.control_client import ControlClient, Letter, Point, ReplayResult
from onrecord.errors import UnreachableError
from onrecord.replay import replay_by_ids, replay_matching

LOST = "the control service cannot reach Kafka"


class ControlThatLosesItsBroker(ControlClient):
    """Puts letters back until one of them is to be the last."""

    def __init__(self, last: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._last = last
        self._lost = False

    async def replay(self, letter_id: str) -> Letter:
        if self._lost:
            raise UnreachableError(LOST)
        self._lost = letter_id == self._last
        return {"letter_id": letter_id}

    async def replay_many(
        self, which: Mapping[str, str | None], *, limit: int, begin: Point | None = None
    ) -> ReplayResult:
        assert (dict(which), limit > 0) == ({"service": "enrichment", "code": None}, True)
        if begin is not None:
            raise UnreachableError(LOST)
        gone = {"letter-3": "it is gone"}
        return ReplayResult(["letter-1", "letter-2"], gone, {}, {"after": "letter-3"})


async def test_tells_how_many_were_put_back_before_the_broker_went_away() -> None:
    letters = [f"letter-{number}" for number in range(5)]
    with pytest.raises(UnreachableError) as raised:
        await replay_by_ids(ControlThatLosesItsBroker("letter-1"), letters)
    assert str(raised.value) == f"2 of 5 dead letters put back, then: {LOST}"


async def test_tells_how_many_of_all_were_put_back_before_the_broker_went_away() -> None:
    with pytest.raises(UnreachableError) as raised:
        await replay_matching(ControlThatLosesItsBroker(""), "enrichment", None, 5)
    assert str(raised.value) == f"2 of 5 dead letters put back, then: {LOST}"
