"""Topics are named, wired and sized as the design says."""

from __future__ import annotations

import re

import pytest

from contracts.events import Event, NotesStored
from contracts.topics import (
    ALL_TOPICS,
    CONTROL,
    DLQ_TOPICS,
    EVENT_TOPICS,
    FOREVER,
    PIPELINE,
    RETRY_DELAYS_S,
    RETRY_TOPICS,
    Topic,
    get_event_topic,
)

KNOWN = {*PIPELINE, CONTROL, "anyone"}


def named(topic: Topic) -> str:
    return topic.name


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=named)
def test_a_topic_is_named_in_kebab_case_without_dots(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", topic.name)


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=named)
def test_a_topic_has_producers_and_consumers_that_are_known(topic: Topic) -> None:
    assert topic.producers
    assert topic.consumers
    assert {*topic.producers, *topic.consumers} <= KNOWN


def test_no_name_is_used_twice() -> None:
    assert len({topic.name for topic in ALL_TOPICS}) == len(ALL_TOPICS)


@pytest.mark.parametrize("service", PIPELINE)
def test_every_service_that_can_fail_has_its_retry_topics_and_its_dlq(service: str) -> None:
    names = {topic.name for topic in (*RETRY_TOPICS, *DLQ_TOPICS)}

    wanted = {f"{service}-retry-{tier}" for tier in range(len(RETRY_DELAYS_S))}
    assert {*wanted, f"{service}-dlq"} <= names


@pytest.mark.parametrize("topic", [*RETRY_TOPICS, *DLQ_TOPICS], ids=named)
def test_a_retry_topic_or_dlq_has_the_service_whose_messages_it_holds(topic: Topic) -> None:
    service = re.sub(r"-(dlq|retry-\d+)$", "", topic.name)

    assert service in PIPELINE
    assert service in {*topic.producers, *topic.consumers}
    assert any(service in source.consumers for source in EVENT_TOPICS)


@pytest.mark.parametrize("topic", DLQ_TOPICS, ids=named)
def test_dead_letters_are_kept_however_old_they_are_and_have_a_bound(topic: Topic) -> None:
    assert topic.retention_ms == FOREVER
    assert topic.retention_bytes >= 100 * topic.max_message_bytes


@pytest.mark.parametrize("topic", [*EVENT_TOPICS, *RETRY_TOPICS], ids=named)
def test_what_services_have_yet_to_read_has_no_bound_in_bytes(topic: Topic) -> None:
    assert topic.retention_bytes == FOREVER


@pytest.mark.parametrize("topic", [*RETRY_TOPICS, *DLQ_TOPICS], ids=named)
def test_what_is_set_aside_has_room_for_the_largest_message(topic: Topic) -> None:
    largest = max(source.max_message_bytes for source in EVENT_TOPICS)

    # Headers come on top of the message, so the same room would not do.
    assert topic.max_message_bytes > largest


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=named)
def test_the_topic_of_an_event_is_found(topic: Topic) -> None:
    assert topic.event is not None
    assert get_event_topic(topic.event) is topic


def test_an_event_without_a_topic_is_told() -> None:
    class Stray(NotesStored):
        pass

    with pytest.raises(LookupError, match="no topic carries Stray"):
        get_event_topic(Stray)


def test_the_base_of_events_has_no_key() -> None:
    with pytest.raises(NotImplementedError):
        _ = Event().key
