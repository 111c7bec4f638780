"""``docs/limits.md`` is what the code says; ``make contracts`` writes it."""

from __future__ import annotations

import re

import pytest

from support.limits_in_code import (
    NO_LIMITS,
    NO_LIMITS_OF_SETTINGS,
    caches,
    constants,
    settings,
)
from support.limits_page import PAGE, page

ONE_OF_EACH_LIBRARY = [
    "KAFKA_MAX_BATCH_BYTES",
    "POSTGRES_POOL_MAX_SIZE",
    "OPENAI_CONCURRENCY",
    "ONRECORD_CACHE_MAX_MB",
    "ONRECORD_BUDGET_PER_DAY_USD",
    "<SERVICE>_READ_AHEAD",
    "<SERVICE>_READ_AHEAD_BYTES",
    "<SERVICE>_DRAIN_GRACE_S",
    "PERSISTENCE_TRANSACTIONS",
    "CONTROL_READ_TIMEOUT_S",
    "INGESTION_PROCESSES",
    "ENRICHMENT_OUTAGE_PAUSE_MAX_S",
    "INGESTION_READ_CPU_S",
    "GUARDRAIL_ASSESS_MEMORY_MIB",
    "messaging.consumer.retry_topics.MAX_DEFERRED",
    "messaging.consumer.offsets.MAX_ENCODED_SPAN",
    "messaging.consumer.offsets.MAX_ENCODED_GAPS",
    "telemetry.metrics.MAX_PRODUCERS",
    "messaging.limits.MAX_HEADERS",
    "messaging.processing.processor.MAX_NEWCOMERS",
    "model_client.transport.http_call.LONGEST_ANSWER",
    "model_client.ledger.backlog.MOST_KEPT",
    "model_client.transport.response_stream.LONGEST_BODY",
    "control.replays.sender.BYTES_UNDER_WAY",
    "contracts.control_api.MOST_LETTERS",
    "onrecord.submit.files.MAX_YAML_BYTES",
    "onrecord.submit.yaml_files.MAX_NODES",
    "onrecord.submit.yaml_files.DEEPEST",
    "grounding.text.nearest._MAX_CHARACTERS",
    "grounding.feedback._MAX_NOTES",
    "persistence.repeats.MAX_COMPARED_NOTES",
    "persistence.repeats.LOCKS_AN_INTERVIEW",
    "telemetry.repeats._REMEMBERED",
    "persistence.store.TRANSACTIONS",
    "database.group_commit.MAX_GROUP_SIZE",
    "personal_data.detector._MAX_PIECE",
    "transcripts.files.decoding._LARGEST_UNPACKED",
    "ingestion.parsing_scheduler.LARGE_BYTES",
    "contracts.characters.MAX_MARKS",
    "Study.themes",
]


@pytest.fixture(scope="module")
def said() -> str:
    return page()


def test_the_page_of_limits_is_what_the_code_says(said: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == said


@pytest.mark.parametrize("limit", ONE_OF_EACH_LIBRARY)
def test_the_page_has_the_limits_of_every_library(limit: str, said: str) -> None:
    assert f"`{limit}`" in said


def test_every_public_constant_that_is_named_as_a_bound_is_described() -> None:
    assert [one.name for one in constants() if not one.description] == []


def test_every_cache_of_more_than_one_result_is_bounded() -> None:
    found = list(caches())
    assert len(found) > 20
    assert [one.name for one in found if one.entries is None and one.takes_arguments] == []


def test_what_is_left_out_is_still_there() -> None:
    assert {one.name for one in constants(left_out=True)} == set(NO_LIMITS)
    assert {one.field for one in settings(left_out=True)} == set(NO_LIMITS_OF_SETTINGS)


def test_defaults_of_a_service_are_told_where_they_differ_and_only_there(said: str) -> None:
    rows = dict(re.findall(r"^\| `(\w*_?MAX_IN_FLIGHT)` \| (\d+) \|", said, re.MULTILINE))
    assert rows == {
        "INGESTION_MAX_IN_FLIGHT": "8",
        "GUARDRAIL_MAX_IN_FLIGHT": "32",
        "CONTROL_MAX_IN_FLIGHT": "512",
    }


def test_retry_and_dead_letter_topics_are_among_the_topics(said: str) -> None:
    for kind in ("<service>-retry-0", "<service>-dlq"):
        assert re.search(rf"^\| `{kind}`.* 64 MiB ", said, re.MULTILINE)
