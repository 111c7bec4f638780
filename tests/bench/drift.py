"""Drift in made-up work: false alarms of all series together, and how soon a change is found."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from bench.harness import Lab, Result, at_most
from drift.metrics import Dimension, DriftMetric, create_series
from drift.series import CHUNKS_PER_FALSE_ALARM, DriftSeries, SeriesKey

WITHOUT_BROKER: Final = True
CHUNKS: Final = 100_000
RUNS: Final = 3
CHANGES: Final = 60
WARM: Final = 3_000
WITHIN: Final = 300
MODELS: Final = ("large", "small", "fallback")
PRODUCERS: Final = tuple(f"/portal-{number}" for number in range(12))
RATES: Final = {
    DriftMetric.REJECTED_NOTES: 0.1,
    DriftMetric.UNPROVEN_NOTES: 0.2,
    DriftMetric.UNUSABLE_ANSWERS: 0.01,
    DriftMetric.REFUSED_ANSWERS: 0.002,
    DriftMetric.CUT_OFF_ANSWERS: 0.005,
}
ALIKE: Final = 0.1
"""Correlation of the notes of one draft in steady work."""


async def measure(lab: Lab) -> Result:
    """Draws until a rate of refused notes that is five points higher is found; false alarms."""
    delays: dict[str, float] = {}
    medians = []
    for usual in (0.02, 0.05, 0.1):
        drawn = sorted(_find(usual, seed) for seed in range(lab.scaled(CHANGES, least=5)))
        medians.append(drawn[len(drawn) // 2])
        delays[f"usual rate {usual:.2f}, median"] = medians[-1]
        delays[f"usual rate {usual:.2f}, nine of ten"] = drawn[len(drawn) * 9 // 10]
    chunks = lab.scaled(CHUNKS, least=2_000)
    alarms = sum(_count_false_alarms(chunks, seed) for seed in range(RUNS))
    expected = RUNS * chunks / CHUNKS_PER_FALSE_ALARM
    return Result(
        figure=max(medians),
        goal=WITHIN,
        better="lower",
        unit="drafts until five points more refused notes are found (median, worst usual rate)",
        sides={
            "drafts until found": delays,
            "steady work": {"chunks": RUNS * chunks, "false alarms": alarms, "bound": expected},
        },
        shortfalls=(*at_most("false alarms", alarms, expected),),
        notes=(
            f"after {WARM:,} drafts of 3 to 9 notes, which do not resemble each other",
            f"steady work: {len(MODELS)} models, {len(PRODUCERS)} producers, alike by {ALIKE}",
            "of so few alarms that are expected, one more or less is chance",
        ),
    )


def _draw(random: Random, rate: float, alike: float = 0.0) -> tuple[int, int]:
    trials = random.randint(3, 9)
    if alike:
        rate = random.betavariate(rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1))
    return sum(random.random() < rate for _ in range(trials)), trials


def _find(usual: float, seed: int) -> int:
    """Draw drafts whose rate rises by five points after a while; return when it is found."""
    random = Random(seed)
    series = create_series(DriftMetric.REJECTED_NOTES, Dimension.MODEL)
    for _ in range(WARM):
        series.observe_rate(*_draw(random, usual), at=0.0)
    number = 1
    while series.observe_rate(*_draw(random, usual + 0.05), at=0.0) is None:
        number += 1
    return number


def _count_false_alarms(chunks: int, seed: int) -> int:
    """Watch steady work of several models and producers; return the alarms of all series."""
    random = Random(seed)
    watched: dict[SeriesKey, DriftSeries] = {}
    alarms = 0
    for _ in range(chunks):
        model = random.choices(MODELS, (80, 15, 5))[0]
        values = {
            Dimension.MODEL: model,
            Dimension.FINGERPRINT: f"fp-{model}",
            Dimension.PROMPT: "notes-1",
            Dimension.PRODUCER: random.choice(PRODUCERS),
        }
        for metric, amount, trials in _draw_metrics(random):
            for dimension, value in values.items():
                key = SeriesKey(metric, dimension, value)
                if key not in watched:
                    watched[key] = create_series(metric, dimension)
                if trials is None:
                    alarm = watched[key].observe_value(amount, at=0.0)
                else:
                    alarm = watched[key].observe_rate(amount, trials, at=0.0)
                if alarm is not None:
                    alarms += 1
                    watched[key] = create_series(metric, dimension)
    return alarms


def _draw_metrics(random: Random) -> Iterator[tuple[DriftMetric, float, float | None]]:
    for metric, rate in RATES.items():
        is_of_notes = metric in {DriftMetric.REJECTED_NOTES, DriftMetric.UNPROVEN_NOTES}
        if is_of_notes:
            yield (metric, *_draw(random, rate, ALIKE))
        else:
            yield metric, float(random.random() < rate), 1.0
    for metric in DriftMetric:
        if metric not in RATES:
            yield metric, random.lognormvariate(0.0, 0.5), None
