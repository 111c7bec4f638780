"""Prometheus counters of partition faults."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

LOG_FAULTS: Final = Counter(
    "onrecord_log_faults",
    "Partitions whose log was not what the group's commit was about, by what was found: lost, "
    "truncated, recreated, deleted (records that were never handled).",
    ["topic", "fault"],
)
CORRUPT_BATCHES: Final = Counter(
    "onrecord_corrupt_batches", "Places at which a batch cannot be read.", ["topic"]
)
