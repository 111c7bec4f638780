"""All metrics are defined in one module, with bounded labels, and described in docs/metrics.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import Counter

from contracts.errors import ErrorCode
from judging.questions import JudgeVerdict
from messaging.consumer.start_offsets import LogMismatchKind
from onrecord.schema_folder import METRICS_PAGE
from telemetry import metrics
from telemetry.label_bounds import MAX_CHARACTERS, MAX_NAMED, OTHER, Label, Named, OneOf
from telemetry.metric_types import DEFINITIONS, Labelled, MetricDefinition, define_labelled
from telemetry.metrics_document import render_metrics_page

ROOT = Path(__file__).resolve().parents[3]
MAKERS = {
    "define",
    "define_labelled",
    "define_callback_gauge",
    *("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"),
}
ALLOWED = {
    "libs/telemetry/metrics.py",
    "libs/telemetry/metric_types.py",
    "libs/telemetry/metrics_page.py",  # it reads them
}
READS = {"CONTENT_TYPE_LATEST", "generate_latest", "REGISTRY", "CollectorRegistry"}

HOSTILE = ["", "a" * 10_000, "two\nlines", 'quo"te', "\ud800", "\x00", "../../etc", "é" * 300]


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported from the Prometheus client or our definers, with where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            if node.module.split(".")[0] == "prometheus_client":
                yield from ((one.name, node.module) for one in node.names)
            elif node.module == "telemetry.metric_types":
                yield from ((one.name, node.module) for one in node.names if one.name in MAKERS)
        elif isinstance(node, ast.Import):
            for one in node.names:
                if one.name.split(".")[0] == "prometheus_client":
                    yield one.name, one.name


def found_elsewhere(source: str) -> set[str]:
    """Return what a module takes from the Prometheus client beyond what reads metrics."""
    return {name for name, _ in imported(ast.parse(source)) if name not in READS}


def test_metrics_are_made_in_one_module_only() -> None:
    sources = [*ROOT.glob("libs/**/*.py"), *ROOT.glob("services/**/*.py")]
    assert len(sources) > 500
    found = {
        name: there
        for file in sources
        if (name := file.relative_to(ROOT).as_posix()) not in ALLOWED
        if (there := found_elsewhere(file.read_text("utf-8")))
    }
    assert found == {}, "define the metric in libs/telemetry/metrics.py"


@pytest.mark.parametrize(
    "source",
    [
        "from prometheus_client import Counter",
        "from prometheus_client import Counter as C",
        "from prometheus_client.metrics import Gauge",
        "import prometheus_client",
        "import prometheus_client.core as p",
        "from telemetry.metric_types import define",
        "def f():\n    from prometheus_client import Histogram",
    ],
)
def test_a_metric_made_elsewhere_is_found(source: str) -> None:
    assert found_elsewhere(source)


def test_whatever_makes_metrics_is_looked_for() -> None:
    makers = {
        name
        for name, one in vars(prometheus_client).items()
        if isinstance(one, type) and issubclass(one, prometheus_client.metrics.MetricWrapperBase)
    }
    assert makers <= MAKERS


@pytest.mark.parametrize("one", DEFINITIONS, ids=lambda one: one.name)
def test_a_metric_says_what_it_is_and_bounds_its_labels(one: MetricDefinition) -> None:
    assert one.name.startswith("onrecord_")
    assert not one.name.endswith("_total")
    assert one.unit
    assert one.meaning.endswith(".")
    assert "seconds" not in one.unit or one.name.endswith("_seconds")
    for label in one.labels:
        assert label.bound.description, f"{label.name} has no stated bound"
        assert 1 < label.bound.most <= MAX_NAMED + 2


@pytest.mark.parametrize(
    "one", [one for one in DEFINITIONS if one.labels], ids=lambda one: one.name
)
def test_hostile_values_add_no_more_series_than_the_bound_says(one: MetricDefinition) -> None:
    # In scope of a service of this test alone: what others count is not to be pushed out.
    first = f"hostile-{one.name}"
    values = [*HOSTILE, *(f"value-{number}" for number in range(2_000))]
    for position, label in enumerate(one.labels):
        if position == 0 and isinstance(label.bound, Named):
            continue  # below: the first values of models would stay for the tests after this one
        limited = {label.bound.limit(value, first) for value in values}
        assert len(limited) <= label.bound.most
        assert OTHER in limited
        assert max(map(len, limited)) <= MAX_CHARACTERS


@pytest.mark.parametrize("first", [0, 5])
def test_names_from_outside_become_other_beyond_the_first_few(first: int) -> None:
    bound = Named("settings", ["ours"], first=first)
    limited = {bound.limit(value, "") for value in [*HOSTILE, *map(str, range(100)), "ours"]}
    assert limited >= {"ours", OTHER}
    assert len(limited) <= bound.most
    assert not any(value and not value.isprintable() for value in limited)


def test_each_service_has_the_first_few_names_for_itself() -> None:
    bound = Named("producers", first=1)
    assert [bound.limit("a", "one"), bound.limit("b", "one"), bound.limit("b", "two")] == [
        "a",
        OTHER,
        "b",
    ]


def test_settings_name_values_up_to_a_limit() -> None:
    bound = Named("settings")
    for number in range(MAX_NAMED + 10):
        bound.register(str(number))
    assert bound.most == MAX_NAMED + 1
    assert bound.limit("0", "") == "0"
    assert bound.limit(str(MAX_NAMED + 1), "") == OTHER


def test_a_counter_counts_what_is_outside_the_bound_as_other() -> None:
    label = Label("code", OneOf(["known"]))
    definition = MetricDefinition("onrecord_test_bounded", "counter", "calls", "Calls.", (label,))
    registry = prometheus_client.CollectorRegistry()
    counter = Labelled(
        definition, Counter(definition.name, definition.meaning, ["code"], registry=registry)
    )
    for value in ("known", *HOSTILE):
        counter.labels(value).inc()
    shown = registry.get_sample_value
    assert shown("onrecord_test_bounded_total", {"code": "known"}) == 1
    assert shown("onrecord_test_bounded_total", {"code": OTHER}) == len(HOSTILE)


def test_names_from_outside_are_bounded_wherever_their_label_stands() -> None:
    def limited(*labels: Label) -> set[tuple[str, ...]]:
        definition = MetricDefinition("onrecord_test", "counter", "calls", "Calls.", labels)
        values = [f"name-{number}" for number in range(100)]
        return {definition.limit([one] * len(labels)) for one in values}

    code = Label("code", OneOf(["known"]))
    assert len(limited(Label("model", Named("models", first=3)))) == 4
    assert len(limited(Label("model", Named("models", first=3)), code)) == 4
    assert len(limited(code, Label("model", Named("models", first=3)))) == 4
    both = (Label("model", Named("models", first=3)), Label("by", Named("producers", first=2)))
    assert len(limited(*both)) <= 4 * 3


def test_values_and_labels_have_to_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        metrics.LOG_FAULTS.labels("notes-drafted")


def test_a_name_is_defined_once_and_labels_are_not_forgotten() -> None:
    with pytest.raises(ValueError, match="already"):
        define_labelled(
            Counter, "onrecord_log_faults", "Twice.", Label("x", OneOf(["y"])), unit="z"
        )
    with pytest.raises(ValueError, match="no label"):
        define_labelled(Counter, "onrecord_without_labels", "None.", unit="z")


def test_closed_sets_are_those_of_the_code_that_counts() -> None:
    def values(metric: Labelled[Counter], position: int) -> frozenset[str]:
        bound = metric.definition.labels[position].bound
        assert isinstance(bound, OneOf)
        return bound.values

    assert values(metrics.LOG_FAULTS, 1) == {one.value for one in LogMismatchKind}
    assert values(metrics.JUDGE_VOTES, 0) == {"none", *(one.value for one in JudgeVerdict)}
    assert values(metrics.DEAD_LETTERS, 1) == {one.value for one in ErrorCode}


def test_the_page_of_metrics_is_what_the_code_says() -> None:
    page = (ROOT / "schemas" / METRICS_PAGE).read_text("utf-8")
    assert page == render_metrics_page(), "make contracts"
    for one in DEFINITIONS:
        assert f"| `{one.shown_name}` | {one.kind} |" in page


NAMES_SINCE_BEFORE = """
onrecord_dead_letters onrecord_log_faults onrecord_corrupt_batches onrecord_llm_calls
onrecord_llm_tokens onrecord_llm_dollars onrecord_llm_budget_refusals
onrecord_llm_throttled_until_timestamp_seconds onrecord_llm_ledger_unwritten
onrecord_llm_ledger_dropped onrecord_llm_cache_hits onrecord_llm_cache_misses
onrecord_llm_cache_saved_dollars onrecord_llm_cache_failures onrecord_notes_assessed
onrecord_judge_votes onrecord_judge_disagreements onrecord_judge_unbelieved
onrecord_judge_absences onrecord_judge_calls_per_draft onrecord_pending_drafts
onrecord_pending_drafts_oldest_seconds
"""


def test_names_that_dashboards_rely_on_are_still_there() -> None:
    assert {one.name for one in DEFINITIONS} >= {*NAMES_SINCE_BEFORE.split()}
