from __future__ import annotations

import pytest

from contracts.errors import BadMessageError
from contracts.topics import CHUNKS_READY, NOTES_STORED
from messaging import Record
from messaging.stage import Stage
from support.stages import FunctionRoute


async def ignore(_: Record) -> None: ...


def route(topic: str) -> FunctionRoute:
    return FunctionRoute(topic, None, ignore, wants_delivery=False)


def test_routes_stand_in_the_order_of_declaration() -> None:
    stage = Stage("some")
    first, second = route(NOTES_STORED.name), route(CHUNKS_READY.name)
    stage.add(first)
    stage.add(second)
    assert stage.routes == (first, second)
    assert stage.route("notes-stored") is first


def test_a_topic_has_one_handler() -> None:
    stage = Stage("some")
    stage.add(route(NOTES_STORED.name))
    with pytest.raises(ValueError, match="handles notes-stored already"):
        stage.add(route(NOTES_STORED.name))


def test_an_unknown_source_topic_is_the_message_s_fault_and_not_quoted() -> None:
    with pytest.raises(BadMessageError, match="some reads no such topic") as refusal:
        Stage("some").route("elsewhere")
    assert refusal.value.code == "invalid_event"
    assert "elsewhere" not in str(refusal.value)
