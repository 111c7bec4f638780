"""Series raise an alarm for a change, soon, and none in steady work."""

from __future__ import annotations

from math import pi, sin
from random import Random

import pytest
from pydantic import TypeAdapter

from drift.attribution import MIN_CHUNKS, DriftSide, ObservedChunk, attribute_drift
from drift.baseline import Group
from drift.e_detector import EDetector, Spread
from drift.metrics import Dimension, DriftMetric, get_shares
from drift.series import (
    CHUNKS_PER_FALSE_ALARM,
    Direction,
    DriftAlarm,
    DriftSeries,
    Observation,
)
from support.made_up_drafts import Draft, Interviews, count_until_alarm, observe_draft

WARM = 3_000
STATES = TypeAdapter(DriftSeries)
LATENCY = get_shares(DriftMetric.LATENCY, Dimension.MODEL)


@pytest.mark.parametrize("usual", [0.02, 0.05, 0.1])
def test_five_points_more_refused_notes_are_found_within_300_drafts(usual: float) -> None:
    delays = []
    for seed in range(9):
        work, series = Interviews(Random(seed), usual), DriftSeries()
        assert count_until_alarm(series, work, 3 * WARM)[1] is None
        work.change(usual + 0.05)
        delay, alarm = count_until_alarm(series, work, 3 * WARM)
        assert alarm is not None
        assert alarm.direction is Direction.UP
        assert alarm.before == pytest.approx(usual, abs=0.02)
        delays.append(delay)
    assert sorted(delays)[len(delays) // 2] <= 300, sorted(delays)


@pytest.mark.parametrize(("usual", "since"), [(0.002, 0.02), (0.005, 0.025), (0.1, 0.12)])
def test_small_rises_are_found_and_never_become_usual(usual: float, since: float) -> None:
    for seed in range(5):
        work, series = Interviews(Random(seed), usual), DriftSeries()
        assert count_until_alarm(series, work, WARM)[1] is None
        work.change(since)
        assert count_until_alarm(series, work, 5 * WARM)[1] is not None, seed


@pytest.mark.parametrize("alike", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("usual", [0.0, 0.03, 0.3, 1.0])
def test_steady_work_raises_no_alarm_however_interviews_differ(usual: float, alike: float) -> None:
    work = Interviews(Random(7), usual, alike, alike_in_draft=alike)
    assert count_until_alarm(DriftSeries(), work, 10 * WARM)[1] is None


@pytest.mark.parametrize(
    ("small", "large"), [((2, 0.3), (20, 0.08)), ((3, 0.2), (30, 0.05)), ((1, 0.3), (12, 0.08))]
)
def test_drafts_of_few_notes_that_are_refused_more_often_raise_no_alarm(
    small: tuple[int, float], large: tuple[int, float]
) -> None:
    random, series = Random(3), DriftSeries()
    for number in range(10 * WARM):
        notes, rate = random.choice((small, large))
        refused = sum(random.random() < rate for _ in range(notes))
        assert observe_draft(series, Draft(refused, notes, str(number // 10))) is None


def test_the_shares_of_all_series_are_the_whole_budget_of_false_alarms() -> None:
    shares = [get_shares(metric, dimension) for metric in DriftMetric for dimension in Dimension]
    assert sum(one.up + one.down for one in shares) == pytest.approx(1.0)
    assert CHUNKS_PER_FALSE_ALARM == 100_000


def test_less_than_it_says_is_found_by_chance() -> None:
    """Whatever the rate is, as long as it is no more than the one that is compared with."""
    threshold, length, runs = 50.0, 20, 2_000
    found = 0
    for seed in range(runs):
        random = Random(seed)
        detector = EDetector()
        for _ in range(length):
            detector.observe(float(random.random() < 0.1), 1.0, 0.1, Spread(0.09), at=0.0)
            if detector.evidence >= threshold:
                found += 1
                break
    assert found / runs <= length / threshold


@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_slower_and_faster_calls_are_found_whatever_the_distribution(factor: float) -> None:
    random, series = Random(3), DriftSeries()

    def observe(factor: float, number: int) -> DriftAlarm | None:
        seen = Observation(factor * random.lognormvariate(0, 0.4))
        return series.observe(seen, LATENCY, float(number), Group(str(number // 10)))

    assert not any(observe(1.0, number) for number in range(WARM))
    alarm = next(filter(None, (observe(factor, number) for number in range(WARM))), None)
    assert alarm is not None
    assert alarm.direction is (Direction.UP if factor > 1 else Direction.DOWN)
    assert alarm.bound is not None


def test_values_that_are_all_the_same_raise_nothing_until_they_are_not() -> None:
    series = DriftSeries()

    def observe(value: float, number: int) -> DriftAlarm | None:
        return series.observe(Observation(value), LATENCY, float(number), Group(str(number // 10)))

    assert not any(observe(0.25, number) for number in range(WARM))
    assert any(observe(0.26, number) for number in range(WARM))


def test_days_and_nights_are_usual() -> None:
    """Calls are a fifth slower by day: those of one hour resemble each other."""
    random, series = Random(5), DriftSeries()
    for number in range(20 * WARM):
        hour = number // 200
        usual = 1.0 + 0.2 * sin(2 * pi * hour / 24)
        seen = Observation(usual * random.lognormvariate(0, 0.4))
        assert series.observe(seen, LATENCY, float(number), Group(str(hour), 1)) is None, number


def test_a_series_goes_on_from_its_state_as_if_it_had_not_been_away() -> None:
    work = Interviews(Random(1), 0.1)
    kept, restored = DriftSeries(), DriftSeries()
    found = None
    for number in range(2_500):
        if number == 2_000:
            work.change(0.3)
        restored = STATES.validate_json(STATES.dump_json(restored))
        draft = work.draw()
        found, other = (observe_draft(one, draft, float(number)) for one in (kept, restored))
        assert found == other
        if found is not None:
            break
    assert found is not None
    assert found.begun_at == pytest.approx(2_000, abs=40)


def chunks(rate: float, number: int = 200, /, **factors: str) -> list[ObservedChunk]:
    work = Interviews(Random(5), rate)
    drafts = [work.draw() for _ in range(number)]
    return [ObservedChunk(one.refused, one.notes, factors) for one in drafts]


def test_a_new_fingerprint_is_theirs_a_new_prompt_ours_a_new_producer_the_inputs() -> None:
    for factor, side in (
        ("fingerprint", DriftSide.THEY),
        ("prompt", DriftSide.WE),
        ("producer", DriftSide.INPUT),
        ("format", DriftSide.INPUT),
    ):
        verdict = attribute_drift(
            chunks(0.1, 200, **{factor: "a"}), chunks(0.3, 200, **{factor: "b"})
        )
        assert verdict.side is side
        (changed,) = verdict.factors
        assert (changed.factor, changed.before, changed.after) == (factor, "a", "b")


@pytest.mark.parametrize("interviews", [1, 40])
def test_an_interview_is_blamed_only_if_it_has_more_chunks_than_others_had(interviews: int) -> None:
    def work(rate: float, number: int, each: int) -> list[ObservedChunk]:
        found = enumerate(chunks(rate, number))
        return [one._replace(factors={"interview": f"{rate} {at // each}"}) for at, one in found]

    before, after = work(0.1, 400, 4), work(0.3, 40, 40 // interviews)
    expected = DriftSide.INPUT if interviews == 1 else DriftSide.UNKNOWN
    assert attribute_drift(before, after).side is expected


def test_another_model_that_was_asked_is_ours_and_one_that_was_not_is_theirs() -> None:
    before = chunks(0.1, 200, **{"model": "a", "fingerprint": "1", "asked model": "a"})
    asked = chunks(0.3, 200, **{"model": "b", "fingerprint": "2", "asked model": "b"})
    other = chunks(0.3, 200, **{"model": "b", "fingerprint": "2", "asked model": "a"})
    assert attribute_drift(before, asked).side is DriftSide.WE
    assert attribute_drift(before, other).side is DriftSide.THEY


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


def test_a_producer_among_others_is_blamed_if_the_others_are_as_usual() -> None:
    after = [*chunks(0.1, producer="a"), *chunks(0.5, producer="b")]
    verdict = attribute_drift(chunks(0.1, producer="a"), after)
    assert verdict.side is DriftSide.INPUT


@pytest.mark.parametrize("number", [MIN_CHUNKS, 60, 150])
@pytest.mark.parametrize("producers", [5, 60, 100])
def test_many_producers_are_not_blamed_for_what_a_fingerprint_did(
    producers: int, number: int
) -> None:
    def work(rate: float, number: int, fingerprint: str, seed: int) -> list[ObservedChunk]:
        random = Random(seed)
        return [
            one._replace(
                factors={
                    "producer": str(random.randrange(producers)),
                    "fingerprint": fingerprint,
                    "interview": str(place // 4),
                }
            )
            for place, one in enumerate(chunks(rate, number))
        ]

    for seed in range(20):
        before = work(0.1, 1_000, "1", seed)
        theirs = attribute_drift(before, work(0.3, number, "2", seed + 50))
        nobodys = attribute_drift(before, work(0.3, number, "1", seed + 50))
        assert (theirs.side, nobodys.side) == (DriftSide.THEY, DriftSide.UNKNOWN), seed


def test_nobody_is_blamed_for_what_two_sides_or_none_may_have_done() -> None:
    both = attribute_drift(chunks(0.1, prompt="1", model="a"), chunks(0.3, prompt="2", model="b"))
    none = attribute_drift(chunks(0.1, prompt="1"), chunks(0.3, prompt="1"))
    deployed = attribute_drift(chunks(0.1), chunks(0.3), deploys=["guardrail"])
    assert (both.side, none.side) == (DriftSide.UNKNOWN, DriftSide.UNKNOWN)
    assert (none.factors, deployed.side) == ((), DriftSide.WE)


def test_with_next_to_nothing_to_compare_nobody_is_blamed() -> None:
    few = chunks(0.3, MIN_CHUNKS - 1, prompt="2")
    for before, after in (([], few), (few, []), (chunks(0.1, prompt="1"), few)):
        assert attribute_drift(before, after, ["guardrail"]).side is DriftSide.UNKNOWN
