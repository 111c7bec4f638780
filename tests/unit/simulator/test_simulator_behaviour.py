"""When things happen, what models are like, and what files of settings may contain."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from simulator.faults import FaultKind, FaultRule, FaultRuleSet
from simulator.latency import LatencyDistribution
from simulator.outages import Outage, OutageSchedule
from simulator.output_format import JsonWrappingKind, wrap_json
from simulator.prefixes import PrefixCache
from simulator.profiles import LoadSlowdown, ModelBehaviour, ModelDrift
from simulator.schedule import Moment, SimulatorClock
from simulator.settings import (
    SimulatorSettings,
    SimulatorSettingsError,
    load_fault_rules,
    load_simulator_settings,
    parse_outages,
)

MOMENTS: TypeAdapter[float | datetime] = TypeAdapter(Moment)
EIGHT = datetime(2026, 12, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (10, 10.0),
        (0.5, 0.5),
        ("2026-12-01T08:00:00Z", EIGHT),
        ("2026-12-01T10:00:00+02:00", EIGHT),
        ("2026-12-01T08:00:00", EIGHT),
        (datetime(2026, 12, 1, 8), EIGHT),  # noqa: DTZ001 - as YAML reads a time without a zone
        (date(2026, 12, 1), EIGHT.replace(hour=0)),
    ],
)
def test_a_moment_is_seconds_or_a_date(written: Any, meant: Any) -> None:
    assert MOMENTS.validate_python(written) == meant


@pytest.mark.parametrize("written", [-1, float("nan"), "soon", None, [1], True])
def test_refuses_moments_that_make_no_sense(written: Any) -> None:
    with pytest.raises(ValidationError, match="seconds from the start"):
        MOMENTS.validate_python(written)


def test_the_first_outage_that_is_on_counts() -> None:
    now = [100.0]
    planned = parse_outages(
        [{"at": 10, "lasts": 10, "status": 502}, {"at": 15, "kind": "hang"}, {"model": "m"}]
    )
    outages = OutageSchedule(planned, SimulatorClock(lambda: now[0], lambda: 0.0))
    for passed, model, expected in (
        (0, None, None),
        (0, "m", planned[2]),
        (10, None, planned[0]),
        (19.9, "m", planned[0]),
        (20, None, planned[1]),
    ):
        now[0] = 100 + passed
        assert outages.current(model) is expected


def test_a_status_belongs_to_an_outage_that_answers() -> None:
    with pytest.raises(ValidationError, match="`status` belongs to server_error"):
        Outage.model_validate({"kind": "hang", "status": 500})


def test_each_call_beyond_a_number_slows_a_model_down() -> None:
    slowdown = LoadSlowdown(beyond=2, per_call=0.5)
    assert [slowdown.factor(others) for others in range(4)] == [1, 1, 1.5, 2]


@pytest.mark.parametrize(
    ("spoils", "complaint"),
    [({"hang": 1}, "hang does not spoil"), ({"wrong_segment": 0.6, "altered_number": 0.6}, "more")],
)
def test_refuses_drifts_that_make_no_sense(spoils: Any, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ModelDrift(at=0, spoils=spoils)


def test_a_prompts_beginning_is_known_in_whole_steps_from_a_thousand_tokens_on() -> None:
    prefixes = PrefixCache(4)
    begin = "".join(map(str, range(3_000)))
    assert prefixes.cached_tokens(begin[:5_000]) == 0
    assert prefixes.cached_tokens(begin[:4_990]) == 1_152
    assert prefixes.cached_tokens(begin[:4_990] + "other" * 500) == 1_152
    assert prefixes.cached_tokens("!" + begin) == 0
    assert prefixes.cached_tokens(begin[:4_000]) == 0


def test_a_long_tail_is_longer_than_a_lognormals() -> None:
    chance = [LatencyDistribution.parse(text) for text in ("pareto:0.2,1.5", "lognormal:0.2,0.5")]
    pareto, lognormal = (sorted(one.sample(Random(n)) for n in range(2_000)) for one in chance)
    assert pareto[0] >= 0.2
    assert pareto[-20] > lognormal[-20] * 3


def test_wrapped_answers_are_no_json() -> None:
    for wrapping in (JsonWrappingKind.FENCES, JsonWrappingKind.REASONING):
        with pytest.raises(json.JSONDecodeError):
            json.loads(wrap_json("{}", wrapping))


def test_switching_a_named_rule_leaves_the_draws_of_the_others() -> None:
    rules = [FaultRule(fault=FaultKind.HANG, rate=0.5), FaultRule(fault=FaultKind.SLOW, rate=0.5)]
    book, touched = FaultRuleSet(rules, 7), FaultRuleSet(rules, 7)
    touched.put(FaultRule(fault=FaultKind.REFUSAL, name="off", match="never said"))
    fired = [book.fire("", str(n), 1, notes=True) for n in range(200)]
    assert fired == [touched.fire("", str(n), 1, notes=True) for n in range(200)]


def test_a_rule_of_a_model_fires_for_no_other() -> None:
    book = FaultRuleSet([FaultRule(fault=FaultKind.HANG, model="a")], 7)
    assert [bool(book.fire("", "c", 1, notes=True, model=one)) for one in "ab"] == [True, False]


def test_a_models_settings_go_over_the_common_ones() -> None:
    models: Any = {"fast": {"latency": 0.1}, "free": {"requests_per_minute": None}}
    settings = SimulatorSettings(latency="2", requests_per_minute=60, models=models)
    fast, free, any_other = map(settings.behaviour_of, ("fast", "free", "x"))
    assert (str(fast.latency), fast.requests_per_minute) == ("0.1", 60)
    assert (str(free.latency), free.requests_per_minute) == ("2", None)
    assert (str(any_other.latency), any_other.requests_per_minute) == ("2", 60)
    assert any_other.with_changes(ModelBehaviour(burst_s=1)).requests_per_minute == 60


def test_reads_settings_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        """
        seed: 7
        latency: pareto:0.2,1.5
        outages: [{at: 2026-12-01, lasts: 60}]
        rules: [{fault: hang, name: stuck}]
        models: {a: {drift: {at: 60}}}
        """,
        encoding="utf-8",
    )
    read = SimulatorSettings(**load_simulator_settings(path))
    assert (read.seed, read.rules[0].name, read.outages[0].lasts) == (7, "stuck", 60)
    drift = read.behaviour_of("a").drift
    assert drift
    assert drift.spoils == {FaultKind.PARAPHRASED_NUMBER: 0.5}
    assert str(read.behaviour_of("a").latency) == "pareto:0.2,1.5"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1]", "the whole"),
        ("seeds: 7", "seeds"),
        ("models: {a: {latency: fast}}", r"models\.a\.latency: latency 'fast' is not"),
        ("outages: [{at: soon}]", r"outages\.0\.at: seconds from"),
        ("rules: [{fault: explode}]", r"rules\.0\.fault"),
        ("a: [", "no YAML"),
    ],
)
def test_names_the_file_and_the_place_where_settings_make_no_sense(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorSettingsError, match=rf"settings\.yaml: {complaint}") as raised:
        load_simulator_settings(path)
    assert "\n" not in str(raised.value)


def test_the_readmes_settings_are_taken_as_they_stand(tmp_path: Path) -> None:
    readme = Path(__file__).parents[3] / "libs" / "simulator" / "README.md"
    blocks = re.findall(r"```yaml\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    settings, paraphrasing, rules = blocks
    path = tmp_path / "settings.yaml"
    path.write_text(paraphrasing, encoding="utf-8")
    assert SimulatorSettings(**load_simulator_settings(path)).paraphrasing
    path.write_text(settings, encoding="utf-8")
    assert len(SimulatorSettings(**load_simulator_settings(path)).models) == 3
    path.write_text(rules, encoding="utf-8")
    assert len(load_fault_rules(path)) == 3


def test_the_readme_names_every_fault_and_every_setting_of_a_model() -> None:
    readme = (Path(__file__).parents[3] / "libs" / "simulator" / "README.md").read_text("utf-8")
    names = [*FaultKind, *ModelBehaviour.model_fields, *SimulatorSettings.model_fields]
    assert [name for name in names if f"`{name}`" not in readme] == []
