"""What lies in ``schemas/`` is what the contracts say: nothing missing, changed or left over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.export import list_event_classes, render_generated_files
from contracts.topics import ALL_TOPICS, CONTROL, PIPELINE
from onrecord.schema_folder import SchemaFolder

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
TOPICS = {
    file.stem: yaml.safe_load(file.read_text("utf-8")) for file in (SCHEMAS / "topics").iterdir()
}
EVENTS = {event.__name__: event for event in list_event_classes()}


def test_the_files_are_what_the_contracts_say() -> None:
    assert SchemaFolder(SCHEMAS).drift() == {}, "run `onrecord contracts write`"


def test_writing_gives_the_same_files_every_time() -> None:
    assert render_generated_files() == render_generated_files()


def test_no_file_tells_of_the_machine_it_was_written_on() -> None:
    problems = [
        name
        for name, text in render_generated_files().items()
        if str(ROOT) in text or "/home" in text
    ]

    assert problems == []


def test_every_topic_has_its_file_and_every_file_its_topic() -> None:
    assert TOPICS.keys() == {topic.name for topic in ALL_TOPICS}


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_s_file_bears_its_name_in_kebab_case(name: str) -> None:
    assert TOPICS[name]["name"] == name
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", name)


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_s_file_names_known_services(name: str) -> None:
    known = {*PIPELINE, CONTROL, "anyone"}

    assert {*TOPICS[name]["producers"], *TOPICS[name]["consumers"]} <= known


@pytest.mark.parametrize("name", [name for name, topic in TOPICS.items() if "service" in topic])
def test_a_retry_topic_or_dlq_names_its_service_and_the_topics_that_one_reads(name: str) -> None:
    topic = TOPICS[name]

    assert name.startswith(f"{topic['service']}-")
    assert topic["sources"]
    for source in topic["sources"]:
        assert topic["service"] in TOPICS[source]["consumers"]
        assert "event" in TOPICS[source]


@pytest.mark.parametrize("name", [name for name, topic in TOPICS.items() if "event" in topic])
def test_an_event_topic_names_a_schema_that_is_there(name: str) -> None:
    schema = _read(TOPICS[name]["schema"])

    assert schema["$id"] == "urn:" + TOPICS[name]["event"].replace(".", ":")


def test_every_topic_holds_either_one_event_or_what_a_service_set_aside_or_decisions() -> None:
    kinds = {"event", "service", "document"}
    assert all(len(kinds & topic.keys()) == 1 for topic in TOPICS.values())


def test_no_example_is_an_orphan() -> None:
    folders = {folder.name for folder in (SCHEMAS / "examples").iterdir()}
    names = [file.name for file in (SCHEMAS / "examples").rglob("*") if file.is_file()]

    assert folders == EVENTS.keys()
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+)*\.json", name)] == []


def test_no_schema_is_an_orphan() -> None:
    names = {file.name for file in (SCHEMAS / "events").iterdir()}

    assert names == {f"{name}.schema.json" for name in EVENTS}


def test_nothing_else_lies_among_the_schemas() -> None:
    assert {file.name for file in SCHEMAS.iterdir()} == {
        *("README.md", "accepted.yaml", "asyncapi.yaml", "openapi.yaml"),
        *("events", "examples", "released", "topics", "views"),
    }


@pytest.mark.parametrize("name", EVENTS)
def test_a_schema_is_identified_titled_and_described(name: str) -> None:
    schema = _read(f"events/{name}.schema.json")

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:onrecord:{name}:v1"
    assert schema["title"] == name
    assert all("description" in field for field in schema["properties"].values())


def _read(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / path).read_text("utf-8"))
    return schema
