"""``onrecord pipeline``: what is shown of each service."""

from __future__ import annotations

from contracts.operations import PipelineState, PipelineTopic, ServiceStatus
from onrecord.pages.pipeline import compute_throughput, format_pipeline


def state(lag: int, committed: int, **changes: object) -> PipelineState:
    """One service with one topic."""
    service = ServiceStatus(
        service="enrichment",
        state="Stable",
        members=2,
        topics=(PipelineTopic(topic="chunks-ready", lag=lag, committed=committed),),
        open_letters=3,
    )
    return PipelineState(services=(service.model_copy(update=changes),))


def lines(before: PipelineState, after: PipelineState) -> list[str]:
    return [
        line.plain for line in format_pipeline(after, compute_throughput(before, after, 5.0), 80)
    ]


def test_what_is_before_a_service_is_done_at_the_pace_of_two_looks() -> None:
    _, line = lines(state(1_000, 0), state(900, 100, ready=True))
    assert line.split() == ["enrichment", "yes", "2", "900", "20.0", "45", "s", "3"]


def test_nobody_knows_when_it_is_done_where_nothing_was() -> None:
    _, line, reason = lines(
        state(1_000, 50), state(1_000, 50, ready=False, reason="stopped\x1b[2J itself")
    )
    assert line.split() == ["enrichment", "no", "2", "1,000", "0.0", "unknown", "3"]
    assert "stopped" in reason
    assert "\x1b" not in reason


def test_nothing_before_it_is_done_now_whatever_the_pace() -> None:
    _, line = lines(state(0, 50), state(0, 0))
    assert line.split() == ["enrichment", "unknown", "2", "0", "0.0", "0", "s", "3"]


def test_dead_letters_that_expire_soon_are_told() -> None:
    found = state(0, 50).model_copy(update={"expiring_letters": 7})
    assert "7 open dead letters expire soon" in lines(found, found)[-1]
