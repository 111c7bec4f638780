"""Page of the documentation that describes all metrics, made from their definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import telemetry.metrics  # noqa: F401 - it defines them
from telemetry.label_bounds import OTHER, Label, OneOf
from telemetry.metric_types import DEFINITIONS, MetricDefinition

_INTRODUCTION: Final = f"""\
# Metrics

What each service shows at `/metrics`, in Prometheus' text format. This page is made from
`libs/telemetry/metrics.py` by `make contracts`, and `onrecord contracts check` holds it to it.
Names are public: one changes only with a line in `CHANGELOG.md`.

A value outside its label's bound counts as `{OTHER}`, so that nothing that anybody writes into a
message adds series without end. A counter's name ends in `_total`; a histogram `x` shows as
`x_bucket`, `x_sum` and `x_count`. What can wake somebody is in `deploy/prometheus/alerts.yaml`,
and what to do then in [the runbook](runbook.md)."""


_FEW: Final = 3
"""Metrics that a row of the labels' table names; more are only counted."""


def render_metrics_page() -> str:
    """Return the page in Markdown, for today's definitions."""
    table = ["| metric | type | unit | labels | what it says |", "|---|---|---|---|---|"]
    table += [f"| {' | '.join(_row(one))} |" for one in DEFINITIONS]
    bounds = ["| label | values | of |", "|---|---|---|", *_bounds()]
    parts = (_INTRODUCTION, "\n".join(table), "## Labels", "\n".join(bounds))
    return "\n\n".join(parts) + "\n"


def _row(one: MetricDefinition) -> tuple[str, ...]:
    labels = ", ".join(f"`{label.name}`" for label in one.labels)
    return f"`{one.shown_name}`", one.kind, one.unit, labels, one.meaning


def _bounds() -> Iterator[str]:
    """Yield a row for each bound of a label, with the metrics whose label has it."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in DEFINITIONS:
        for label in one.labels:
            found.setdefault((label.name, _values(label)), []).append(f"`{one.shown_name}`")
    for (name, values), names in sorted(found.items()):
        of = ", ".join(names) if len(names) <= _FEW else f"{len(names)} metrics"
        yield f"| `{name}` | {values} | {of} |"


def _values(label: Label) -> str:
    bound = label.bound
    more = f" ({len(bound.values)})" if isinstance(bound, OneOf) else ""
    return f"{bound.description}{more}"
