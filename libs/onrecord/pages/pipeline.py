"""What each service has before it, as a page that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.text import Text

from contracts.operations import PipelineState, ServiceStatus
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import format_duration, wrap_paragraph


@dataclass(frozen=True, slots=True)
class ServiceThroughput:
    """Throughput of a service between two measurements of its backlog.

    Attributes:
        per_s: messages that it finished a second.
        done_in_s: seconds until what it has before it is done at that pace, if nothing more comes;
            None: nothing was finished, so that nobody knows.
    """

    per_s: float
    done_in_s: float | None


def compute_throughput(
    before: PipelineState, after: PipelineState, seconds: float
) -> dict[str, ServiceThroughput]:
    """Compute each service's throughput from two measurements; return it by service name.

    Args:
        before: the first look.
        after: the second one.
        seconds: between them; more than 0.
    """
    earlier = {one.service: _count_committed(one) for one in before.services}
    paces = {}
    for service in after.services:
        # A topic that was made anew begins at 0.
        done = max(0, _count_committed(service) - earlier.get(service.service, 0))
        per_s, lag = done / seconds, count_lag(service)
        done_in_s = 0.0 if not lag else lag / per_s if per_s else None
        paces[service.service] = ServiceThroughput(per_s, done_in_s)
    return paces


def count_lag(service: ServiceStatus) -> int:
    """Return a service's consumer lag: the number of uncommitted records in its topics."""
    return sum(topic.lag for topic in service.topics)


def _count_committed(service: ServiceStatus) -> int:
    return sum(topic.committed for topic in service.topics)


def format_pipeline(
    state: PipelineState, paces: Mapping[str, ServiceThroughput], width: int
) -> Iterator[Text]:
    """Format the pipeline's services as a list, with the reason below those that are not ready.

    Args:
        state: as it is now.
        paces: how fast they work, by service.
        width: of a line, in columns.
    """
    yield Text(
        f"{'service':<12} {'ready':<8} {'replicas':>8} {'lag':>10} {'a second':>9} "
        f"{'done in':>9} {'dead letters':>13}",
        "bold",
    )
    for one in state.services:
        pace = paces[one.service]
        done_in = "unknown" if pace.done_in_s is None else format_duration(pace.done_in_s)
        yield Text(
            f"{one.service:<12} {_describe_readiness(one):<8} {one.members:>8,} "
            f"{count_lag(one):>10,} {pace.per_s:>9,.1f} {done_in:>9} {one.open_letters:>13,}"
        )
        if one.reason:
            reason = escape_control_characters(one.reason)
            yield from wrap_paragraph(reason, width, indent=" " * 13, style="dim")
        if one.reason.partition("stopped: ")[1]:
            yield Text(f"{'':<13}mended? onrecord resume {one.service}")
    if state.expiring_letters:
        yield Text(
            f"{state.expiring_letters:,} open dead letters expire soon: onrecord dlq retention"
        )
    for dlq in state.full_dlqs:
        yield Text(f"{dlq.topic} is near its bound: onrecord dlq retention")


def _describe_readiness(service: ServiceStatus) -> str:
    if service.ready is None:
        return "unknown"
    if service.ready:
        return "yes, but" if service.reason else "yes"
    return "no"
