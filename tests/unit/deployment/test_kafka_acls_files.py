"""The files in deploy/kafka/acls are what the topics' declarations say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import yaml

from contracts.topic_access import (
    PRODUCER,
    SERVICES,
    KafkaOperation,
    KafkaResourceKind,
    list_access_rules,
)
from contracts.topics import CONTROL, PIPELINE
from support import acl_pages

TOPICS = Path(__file__).resolve().parents[3] / "schemas" / "topics"


def test_table_and_script_are_up_to_date() -> None:
    page = acl_pages.PAGE.read_text(encoding="utf-8")
    assert acl_pages.put_into(page) == page, "run `make contracts`"
    assert acl_pages.SCRIPT.read_text(encoding="utf-8") == acl_pages.build_script()
    assert os.access(acl_pages.SCRIPT, os.X_OK)


def test_who_writes_and_reads_is_who_the_schemas_name() -> None:
    named: set[tuple[str, KafkaOperation, str]] = set()
    for file in TOPICS.glob("*.yaml"):
        topic = yaml.safe_load(file.read_text(encoding="utf-8"))
        for operation, field in (
            (KafkaOperation.WRITE, "producers"),
            (KafkaOperation.READ, "consumers"),
        ):
            for user in topic[field]:
                named.add((PRODUCER if user == "anyone" else user, operation, topic["name"]))
    rules = {
        (one.user, one.operation, one.name)
        for one in list_access_rules()
        if one.kind is KafkaResourceKind.TOPIC
        and one.operation in {KafkaOperation.READ, KafkaOperation.WRITE}
        and one.user in {*SERVICES, PRODUCER}
    }
    assert named <= rules
    beyond = {one for one in rules - named if one[0] != CONTROL}
    assert beyond == set(), "only control reads more: the originals of dead letters"


def test_nobody_joins_the_group_of_another_service() -> None:
    groups = [one for one in list_access_rules() if one.kind is KafkaResourceKind.GROUP]
    joined = {(one.user, one.name) for one in groups if one.operation is KafkaOperation.READ}
    assert joined == {(service, service) for service in (*PIPELINE, CONTROL)}


def test_the_script_gives_the_tool_every_rule_once(tmp_path: Path) -> None:
    tool = tmp_path / "kafka-acls.sh"
    tool.write_text('#!/bin/sh\necho "$@" >> "$0.calls"\n', encoding="utf-8")
    tool.chmod(0o755)
    done = subprocess.run(
        [acl_pages.SCRIPT, "--bootstrap-server", "kafka:9093"],
        env=os.environ | {"KAFKA_ACLS": str(tool), "KAFKA_TOPIC_PREFIX": "test-"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    given = []
    for call in Path(f"{tool}.calls").read_text(encoding="utf-8").splitlines():
        words = call.split()
        assert words[:3] == ["--bootstrap-server", "kafka:9093", "--add"]
        pairs = list(zip(words[3::2], words[4::2], strict=True))
        (principal,) = [value for key, value in pairs if key == "--allow-principal"]
        given += [
            (principal, key.removeprefix("--"), name, operation)
            for key, name in pairs
            if key in {"--topic", "--group"}
            for what, operation in pairs
            if what == "--operation"
        ]
    assert sorted(given) == sorted(
        (f"User:onrecord-{one.user}", str(one.kind), f"test-{one.name}", str(one.operation))
        for one in list_access_rules()
    )
