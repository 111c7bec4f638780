"""The AsyncAPI document is whole, names every wire, and tells the truth about headers.

The document was also validated by hand against AsyncAPI's own JSON Schema of 3.0.0, which is no
package in the lock; what is checked here is what that schema cannot see as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from jsonschema import Draft7Validator

from contracts import headers as h
from contracts.events import NotesStored, TranscriptSubmitted
from contracts.topics import ALL_TOPICS, EVENT_TOPICS, NOTES_STORED, Topic
from messaging.codec import encode_event
from messaging.dead_letters import headers as dead_letter_headers
from messaging.dead_letters.stubs import HEADERS_BYTES, build_dead_letter_stub
from messaging.delivery import (
    Delivery,
    Headers,
    MessageOrigin,
    Record,
    append_headers,
    build_retry_headers,
)

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENT: dict[str, Any] = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
MESSAGES = DOCUMENT["components"]["messages"]
AT = datetime(2026, 3, 5, tzinfo=UTC)
TRIED = Delivery(
    MessageOrigin("chunks-ready", 1, 7),
    attempts=2,
    first_failed_at=AT,
    replay_of=UUID(int=1),
    replays=1,
    replay_options=b"{}",
    own_outage=True,
)
WIRES = [(one, "send", who) for one in ALL_TOPICS for who in one.producers]
WIRES += [(one, "receive", who) for one in ALL_TOPICS for who in one.consumers]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def follow(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def check(headers: Headers, schema: dict[str, Any]) -> None:
    """Validate record headers; schemas may refer to the document's components."""
    decoded = {name: value.decode() for name, value in headers}
    Draft7Validator({**schema, "components": DOCUMENT["components"]}).validate(decoded)


def described(name: str) -> set[str]:
    return set(DOCUMENT["components"]["schemas"][name]["properties"])


def test_every_reference_leads_somewhere_in_the_document() -> None:
    for reference in references(DOCUMENT):
        assert reference.startswith("#/")
        assert follow(reference)


def test_it_is_asyncapi_3_and_leaves_the_server_open() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert [server["host"] for server in DOCUMENT["servers"].values()] == ["{bootstrap}"]


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_a_channel_with_its_settings(topic: Topic) -> None:
    channel = DOCUMENT["channels"][topic.name]
    binding = channel["bindings"]["kafka"]

    assert channel["address"] == binding["topic"] == topic.name
    assert binding["partitions"] == topic.partitions
    assert binding["topicConfiguration"] == {
        "retention.ms": topic.retention_ms,
        "retention.bytes": topic.retention_bytes,
        "max.message.bytes": topic.max_message_bytes,
    }


def test_no_channel_is_an_orphan() -> None:
    assert DOCUMENT["channels"].keys() == {topic.name for topic in ALL_TOPICS}


@pytest.mark.parametrize(
    ("topic", "action", "who"), WIRES, ids=[f"{who} {does}s {one.name}" for one, does, who in WIRES]
)
def test_every_wire_is_an_operation_of_its_service(topic: Topic, action: str, who: str) -> None:
    operation = DOCUMENT["operations"][f"{who}-{action}s-{topic.name}"]

    assert operation["action"] == action
    assert operation["channel"]["$ref"] == f"#/channels/{topic.name}"
    assert operation["tags"] == [{"name": who}]
    for message in operation["messages"]:
        assert message["$ref"].startswith(f"#/channels/{topic.name}/messages/")


def test_no_operation_is_an_orphan() -> None:
    assert len(DOCUMENT["operations"]) == len(WIRES)


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)
def test_every_event_is_a_message_with_headers_key_and_payload(topic: Topic) -> None:
    assert topic.event is not None
    message = MESSAGES[topic.event.__name__]

    assert message["payload"] == {"$ref": f"#/components/schemas/{topic.event.__name__}"}
    assert message["bindings"]["kafka"]["key"]["description"] == f"The {topic.key}."
    assert message["headers"]["allOf"][1]["properties"] == {
        h.CE_TYPE: {"const": topic.event.ce_type}
    }


def test_the_headers_that_services_send_are_the_ones_described() -> None:
    stored = NotesStored(transcript_id=UUID(int=1), study_id="s", chunk_id=UUID(int=2))

    _, _, headers = encode_event(stored, source="/onrecord/persistence", at=AT)

    check(tuple(headers), MESSAGES["NotesStored"]["headers"])
    # Its key is the interview's id, so that no header has to say it; no service reads a replay's
    # options there.
    left_out = {h.TRANSCRIPT_ID, h.REPLAY_OPTIONS}
    assert {name for name, _ in headers} == described("CloudEventHeaders") - left_out


def test_headers_may_be_left_out_only_where_anyone_produces() -> None:
    assert "required" not in MESSAGES[TranscriptSubmitted.__name__]["headers"]["allOf"][1]
    assert NOTES_STORED.producers != ("anyone",)
    assert MESSAGES["NotesStored"]["headers"]["allOf"][1]["required"]


def test_the_headers_of_a_dead_letter_are_the_ones_described() -> None:
    with pytest.raises(ZeroDivisionError) as bug:
        _ = 1 / 0
    failure = dead_letter_headers.describe_failure(bug.value, "enrichment")

    added = dead_letter_headers.build_dead_letter_headers(
        failure, TRIED, bytes(32), service="enrichment", group="enrichment", at=AT
    )
    stub = build_dead_letter_stub(
        Record("t", 0, 0, None, b"v", (("h", bytes(HEADERS_BYTES)),))
    ).added_headers

    check(append_headers((), added), MESSAGES["DeadLetter"]["headers"])
    check(append_headers((), (*added, *stub)), MESSAGES["DeadLetter"]["headers"])
    assert {name for name, _ in append_headers(stub, added)} == described("DeadLetterHeaders")


def test_the_headers_of_a_waiting_message_are_the_ones_described() -> None:
    failure = dead_letter_headers.describe_failure(TimeoutError(), "enrichment")
    cause = dead_letter_headers.build_cause_headers(failure)
    wait = build_retry_headers(TRIED, not_before_ms=5, delay_ms=3, held_until_ms=9)

    added = append_headers((), (*wait, *cause))

    check(added, MESSAGES["WaitingMessage"]["headers"])
    assert {name for name, _ in added} == described("WaitHeaders")


def test_the_headers_of_a_replayed_message_are_the_ones_described() -> None:
    letter = build_retry_headers(TRIED, not_before_ms=5)

    added = append_headers((), dead_letter_headers.build_replay_headers(UUID(int=3), letter))

    check(added, MESSAGES["WaitingMessage"]["headers"])
    assert {name for name, _ in added} <= described("WaitHeaders")
