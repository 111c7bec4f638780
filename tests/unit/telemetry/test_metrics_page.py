"""The page of metrics answers whatever its callbacks do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from support.manual_clock import ManualClock
from telemetry.label_bounds import OTHER
from telemetry.metric_types import ReadGauge
from telemetry.metrics import LAG_MESSAGES, LAG_SECONDS, MESSAGES_IN_FLIGHT, SERVICES
from telemetry.metrics_page import REST_S, SLOW_S, CallbackReader, render_metrics

SERVICE = "page-of-this-test"
SERVICES.register(SERVICE)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def added() -> Iterator[list[object]]:
    """Functions that remove what the test has added."""
    removers: list[object] = []
    yield removers
    for remove in removers:
        assert callable(remove)
        remove()


def shown(reader: CallbackReader, name: str) -> dict[str, float]:
    """The values of this test's series of a gauge, by the labels behind the service."""
    return {
        "/".join(value for label, value in one.labels.items() if label != "service"): one.value
        for family in reader.collect()
        if family.name == name
        for one in family.samples
        if one.labels["service"] == SERVICE
    }


def fails() -> float:
    raise ZeroDivisionError


def gives(value: object) -> ReadGauge:
    return lambda: value  # type: ignore[return-value]  # what a bug may return


def test_values_of_one_series_are_combined(added: list[object]) -> None:
    for value in (1.0, 2.0):
        added.append(LAG_SECONDS.add(SERVICE, "notes-drafted", read=gives(value)))
        added.append(LAG_MESSAGES.add(SERVICE, "notes-drafted", read=gives(value)))
    reader = CallbackReader()
    assert shown(reader, "onrecord_lag_seconds") == {"notes-drafted": 2.0}
    assert shown(reader, "onrecord_lag_messages") == {"notes-drafted": 3.0}


def test_a_removed_callback_leaves_no_series(added: list[object]) -> None:
    remove = LAG_SECONDS.add(SERVICE, "notes-drafted", read=gives(7.0))
    remove()
    remove()
    assert shown(CallbackReader(), "onrecord_lag_seconds") == {}


def test_a_topic_that_nobody_named_is_shown_as_other(added: list[object]) -> None:
    added.append(LAG_SECONDS.add(SERVICE, "made\nup", read=gives(7.0)))
    assert shown(CallbackReader(), "onrecord_lag_seconds") == {OTHER: 7.0}


@pytest.mark.parametrize("broken", [fails, gives("many"), gives(None)])
def test_a_broken_callback_costs_its_own_series_and_a_log_line(
    broken: ReadGauge, clock: ManualClock, added: list[object]
) -> None:
    added.append(LAG_SECONDS.add(SERVICE, "notes-drafted", read=broken))
    added.append(LAG_SECONDS.add(SERVICE, "notes-drafted", read=gives(1.0)))
    added.append(LAG_SECONDS.add(SERVICE, "notes-stored", read=gives(2.0)))
    added.append(MESSAGES_IN_FLIGHT.add(SERVICE, read=gives(3.0)))
    reader = CallbackReader(clock)
    with capture_logs() as logs:
        for _ in range(3):
            assert shown(reader, "onrecord_lag_seconds") == {"notes-stored": 2.0}
            assert shown(reader, "onrecord_messages_in_flight") == {"": 3.0}
    assert [(one["event"], one["metric"]) for one in logs] == [
        ("metric_failed", "onrecord_lag_seconds")
    ]
    clock.now_s += REST_S
    with capture_logs() as logs:
        shown(reader, "onrecord_lag_seconds")
    assert len(logs) == 1


def test_a_slow_callback_is_not_called_again_for_a_while(
    clock: ManualClock, added: list[object]
) -> None:
    calls = 0

    def dawdle() -> float:
        nonlocal calls
        calls += 1
        clock.now_s += 2 * SLOW_S
        return 1.0

    added.append(LAG_SECONDS.add(SERVICE, "notes-drafted", read=dawdle))
    reader = CallbackReader(clock)
    with capture_logs() as logs:
        assert shown(reader, "onrecord_lag_seconds") == {"notes-drafted": 1.0}
        assert shown(reader, "onrecord_lag_seconds") == {}
    assert calls == 1
    assert [one["event"] for one in logs] == ["metric_failed"]
    clock.now_s += REST_S
    assert shown(reader, "onrecord_lag_seconds") == {"notes-drafted": 1.0}


def test_the_page_has_what_callbacks_give_beside_all_else(added: list[object]) -> None:
    added.append(LAG_SECONDS.add(SERVICE, "notes-drafted", read=fails))
    added.append(LAG_SECONDS.add(SERVICE, "notes-stored", read=gives(2.5)))
    page = render_metrics().decode().splitlines()
    assert f'onrecord_lag_seconds{{service="{SERVICE}",topic="notes-stored"}} 2.5' in page
    assert "# TYPE onrecord_dead_letters_total counter" in page
    assert not any("notes-drafted" in line and SERVICE in line for line in page)


def test_the_page_is_small_with_every_label_at_its_bound_and_100_studies() -> None:
    done = subprocess.run(  # in a process of its own: other tests have counted here
        (sys.executable, "-m", "support.full_metrics"),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    size, _ = done.stdout.split()
    assert 100_000 < int(size) <= 500_000
