from __future__ import annotations

import pytest

from contracts.errors import BadMessageError
from contracts.events import NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY, DLQ_TOPICS, NOTES_STORED
from messaging import Delivery, Record
from messaging.delivery import MessageOrigin
from messaging.stage import Returned, Stage, TopicRoute

DELIVERY = Delivery(MessageOrigin("notes-stored", 0, 0))
STORED = NotesStored(
    transcript_id=derive_id("t"), revision=1, study_id="s", chunk_id=derive_id("c")
)


def test_routes_stand_in_the_order_of_declaration() -> None:
    stage = Stage("some")

    @stage.on(NOTES_STORED)
    async def first(event: NotesStored) -> None: ...

    @stage.on_raw(CHUNKS_READY)
    async def second(record: Record, delivery: Delivery) -> None: ...

    assert [
        (r.topic, r.event, r.wants_delivery) for r in stage.routes if isinstance(r, TopicRoute)
    ] == [
        ("notes-stored", NotesStored, False),
        ("chunks-ready", None, True),
    ]
    route = stage.route("notes-stored")
    assert isinstance(route, TopicRoute)
    assert route.handler is first


def test_a_topic_has_one_handler() -> None:
    stage = Stage("some")
    stage.on_raw(NOTES_STORED)(nothing)
    with pytest.raises(ValueError, match="handles notes-stored already"):
        stage.on(NOTES_STORED)(nothing)


def test_a_topic_of_any_records_is_read_raw() -> None:
    with pytest.raises(TypeError, match="use on_raw"):
        Stage("some").on(DLQ_TOPICS[0])


def test_an_unknown_source_topic_is_the_message_s_fault_and_not_quoted() -> None:
    with pytest.raises(BadMessageError, match="some reads no such topic") as refusal:
        Stage("some").route("elsewhere")
    assert refusal.value.code == "invalid_event"
    assert "elsewhere" not in str(refusal.value)


@pytest.mark.parametrize(
    ("returned", "events"),
    [
        (None, ()),
        (STORED, (STORED,)),
        ([STORED, STORED], (STORED, STORED)),
        ((one for one in (STORED,)), (STORED,)),
    ],
)
async def test_whatever_a_handler_returns_becomes_events_in_order(
    returned: Returned, events: tuple[NotesStored, ...]
) -> None:
    stage = Stage("some")

    @stage.on(NOTES_STORED)
    async def handle(event: NotesStored, delivery: Delivery) -> Returned:
        assert (event, delivery) == (STORED, DELIVERY)
        return returned

    assert await stage.route("notes-stored").handle(STORED, DELIVERY) == events


async def nothing(_: Record) -> None: ...
