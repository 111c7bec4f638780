"""Series raise an alarm for a change, soon, and none in steady work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from pydantic import TypeAdapter

from drift.attribution import DriftSide, ObservedChunk, attribute_drift
from drift.e_detector import EDetector
from drift.metrics import Dimension, DriftMetric, create_series
from drift.series import CHUNKS_PER_FALSE_ALARM, Direction, DriftAlarm, DriftSeries

WARM = 3_000
STATES = TypeAdapter(DriftSeries)


def draw_draft(random: Random, rate: float, alike: float) -> tuple[int, int]:
    """Refused notes and all notes of a draft, whose notes resemble each other as far as given."""
    notes = random.randint(3, 9)
    if alike:
        rate = random.betavariate(rate * (1 - alike) / alike, (1 - rate) * (1 - alike) / alike)
    return sum(random.random() < rate for _ in range(notes)), notes


def count_until_alarm(
    series: DriftSeries, draw: Callable[[], tuple[int, int]], most: int
) -> tuple[int, DriftAlarm | None]:
    for number in range(1, most + 1):
        alarm = series.observe_rate(*draw(), at=float(number))
        if alarm is not None:
            return number, alarm
    return most, None


@pytest.mark.parametrize(("alike", "within"), [(0.0, 300), (0.1, 450)])
@pytest.mark.parametrize("usual", [0.02, 0.05, 0.1])
def test_five_points_more_refused_notes_are_found_within_300_drafts(
    usual: float, alike: float, within: int
) -> None:
    """More are needed where the notes of one draft resemble each other."""
    delays = []
    for seed in range(9):
        random = Random(seed)
        series = create_series(DriftMetric.REJECTED_NOTES, Dimension.MODEL)
        steady = partial(draw_draft, random, usual, alike)
        assert count_until_alarm(series, steady, 3 * WARM)[1] is None
        worse = partial(draw_draft, random, usual + 0.05, alike)
        delay, alarm = count_until_alarm(series, worse, 3 * WARM)
        assert alarm is not None
        assert alarm.direction is Direction.UP
        assert alarm.before == pytest.approx(usual, abs=0.02)
        delays.append(delay)
    assert sorted(delays)[len(delays) // 2] <= within, sorted(delays)


@pytest.mark.parametrize("alike", [0.0, 0.2])
@pytest.mark.parametrize("usual", [0.0, 0.03, 0.3, 1.0])
def test_steady_work_raises_no_alarm(usual: float, alike: float) -> None:
    random = Random(7)
    series = create_series(DriftMetric.REJECTED_NOTES, Dimension.MODEL)
    rate = min(max(usual, 1e-9), 1 - 1e-9)
    _, alarm = count_until_alarm(series, lambda: draw_draft(random, rate, alike), 10 * WARM)
    assert alarm is None


def test_the_shares_of_all_series_are_the_whole_budget_of_false_alarms() -> None:
    shares = [
        share
        for metric in DriftMetric
        for dimension in Dimension
        for series in [create_series(metric, dimension)]
        for share in (series.share_up, series.share_down)
    ]
    assert sum(shares) == pytest.approx(1.0)
    assert CHUNKS_PER_FALSE_ALARM == 100_000


def test_less_than_it_says_is_found_by_chance() -> None:
    """Whatever the rate is, as long as it is no more than the one that is compared with."""
    threshold, length, runs = 50.0, 20, 2_000
    found = 0
    for seed in range(runs):
        random = Random(seed)
        detector = EDetector()
        for _ in range(length):
            detector.observe(float(random.random() < 0.1), 1.0, 0.1, 0.09)
            if detector.evidence >= threshold:
                found += 1
                break
    assert found / runs <= length / threshold


@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_slower_and_faster_calls_are_found_whatever_the_distribution(factor: float) -> None:
    random = Random(3)
    series = create_series(DriftMetric.LATENCY, Dimension.MODEL)
    for number in range(WARM):
        assert series.observe_value(random.lognormvariate(0, 0.4), float(number)) is None
    for number in range(WARM):
        alarm = series.observe_value(factor * random.lognormvariate(0, 0.4), float(number))
        if alarm is not None:
            break
    assert alarm is not None
    assert alarm.direction is (Direction.UP if factor > 1 else Direction.DOWN)
    assert alarm.bound is not None


def test_values_that_are_all_the_same_raise_nothing_until_they_are_not() -> None:
    series = create_series(DriftMetric.COST, Dimension.MODEL)
    assert not any(series.observe_value(0.25, float(one)) for one in range(WARM))
    assert any(series.observe_value(0.26, float(one)) for one in range(WARM))


def test_a_series_goes_on_from_its_state_as_if_it_had_not_been_away() -> None:
    random = Random(1)
    drafts = [draw_draft(random, 0.1 if one < 2_000 else 0.3, 0.0) for one in range(2_100)]
    kept, restored = (create_series(DriftMetric.REJECTED_NOTES, Dimension.MODEL) for _ in range(2))
    for number, draft in enumerate(drafts):
        restored = STATES.validate_json(STATES.dump_json(restored))
        found = [one.observe_rate(*draft, at=float(number)) for one in (kept, restored)]
        assert found[0] == found[1]
        if found[0] is not None:
            break
    assert found[0] is not None
    assert found[0].begun_at == pytest.approx(2_000, abs=120)


def chunks(rate: float, **factors: str) -> list[ObservedChunk]:
    random = Random(5)
    return [ObservedChunk(*draw_draft(random, rate, 0.0), factors) for _ in range(200)]


def test_a_new_fingerprint_is_theirs_a_new_prompt_ours_a_new_producer_the_inputs() -> None:
    for factor, side in (
        ("fingerprint", DriftSide.THEY),
        ("prompt", DriftSide.WE),
        ("producer", DriftSide.INPUT),
        ("format", DriftSide.INPUT),
    ):
        verdict = attribute_drift(chunks(0.1, **{factor: "a"}), chunks(0.3, **{factor: "b"}))
        assert verdict.side is side
        (changed,) = verdict.factors
        assert (changed.factor, changed.before, changed.after) == (factor, "a", "b")


def test_what_changed_but_explains_nothing_is_named_and_not_blamed() -> None:
    """A producer joined; the others' notes are refused as often as the newcomer's."""
    before = chunks(0.1, producer="a", fingerprint="1")
    after = [
        *chunks(0.3, producer="a", fingerprint="2"),
        *chunks(0.3, producer="b", fingerprint="2"),
    ]
    verdict = attribute_drift(before, after)
    assert verdict.side is DriftSide.THEY
    assert {one.factor: one.explains for one in verdict.factors} == {
        "fingerprint": True,
        "producer": False,
    }


def test_nobody_is_blamed_for_what_two_sides_or_none_may_have_done() -> None:
    both = attribute_drift(chunks(0.1, prompt="1", model="a"), chunks(0.3, prompt="2", model="b"))
    none = attribute_drift(chunks(0.1, prompt="1"), chunks(0.3, prompt="1"))
    deployed = attribute_drift(chunks(0.1), chunks(0.3), deploys=["guardrail"])
    assert (both.side, none.side) == (DriftSide.UNKNOWN, DriftSide.UNKNOWN)
    assert (none.factors, deployed.side) == ((), DriftSide.WE)
    assert attribute_drift([], chunks(0.3)).side is DriftSide.UNKNOWN
