"""Partitions of topics that were written to: what is forgotten, and what is refused."""

from __future__ import annotations

import pytest

from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.producer.topic_partitions import KnownPartitions

TOPIC = "notes"


@pytest.fixture
def known() -> KnownPartitions:
    """Partitions of one topic."""
    partitions = KnownPartitions()
    partitions.record(TOPIC, [0, 1, 2])
    return partitions


def test_keeps_a_topic_that_the_broker_reports_unchanged(known: KnownPartitions) -> None:
    assert not known.forget_if_changed(TOPIC, {2, 0, 1})
    assert known.get(TOPIC) == [0, 1, 2]


@pytest.mark.parametrize("now", [(), {0, 1}, {0, 1, 2, 3}])
def test_forgets_a_topic_that_was_deleted_or_made_anew(
    known: KnownPartitions, now: set[int]
) -> None:
    assert known.forget_if_changed(TOPIC, now)
    assert known.get(TOPIC) is None
    assert not known.forget_if_changed(TOPIC, now)


def test_reports_no_change_of_a_topic_that_was_never_written_to(known: KnownPartitions) -> None:
    assert not known.forget_if_changed("another", {0})


def test_refuses_only_partitions_that_a_topic_has_lost(known: KnownPartitions) -> None:
    known.record(TOPIC, [0])
    known.require_new_partition(TOPIC, 3)  # it may have been added a moment ago
    with pytest.raises(KafkaUnavailableError, match="created again with fewer partitions"):
        known.require_new_partition(TOPIC, 2)
