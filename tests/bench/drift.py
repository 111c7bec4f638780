"""Drift in made-up work: false alarms of all series together, and how soon a change is found."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from bench.harness import Lab, Result, at_most
from drift.baseline import Group
from drift.metrics import Dimension, DriftMetric, get_shares
from drift.series import CHUNKS_PER_FALSE_ALARM, DriftSeries, Observation, SeriesKey
from support.made_up_drafts import Interviews, count_until_alarm

WITHOUT_BROKER: Final = True
CHUNKS: Final = 100_000
RUNS: Final = 3
CHANGES: Final = 30
WARM: Final = 3_000
NEVER: Final = 10_000
WITHIN: Final = 300
MODELS: Final = ("large", "small", "fallback")
PRODUCERS: Final = tuple(f"/portal-{number}" for number in range(12))
RATES: Final = {
    DriftMetric.UNUSABLE_ANSWERS: 0.01,
    DriftMetric.REFUSED_ANSWERS: 0.002,
    DriftMetric.CUT_OFF_ANSWERS: 0.005,
}
ALIKE: Final = 0.05
"""Correlation of the notes of one interview in steady work, and further of those of one draft."""


async def measure(lab: Lab) -> Result:
    """Drafts until a rate of refused notes that is five points higher is found; false alarms."""
    delays: dict[str, float] = {}
    medians = []
    changes = lab.scaled(CHANGES, least=5)
    for usual in (0.02, 0.05, 0.1):
        for alike in (0.0, ALIKE):
            drawn = sorted(_find(usual, alike, seed) for seed in range(changes))
            name = f"{usual:.0%} usual, interviews {'differ' if alike else 'alike'}"
            delays[f"{name}, median"] = drawn[len(drawn) // 2]
            delays[f"{name}, nine of ten"] = drawn[len(drawn) * 9 // 10]
            if not alike:
                medians.append(drawn[len(drawn) // 2])
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
            f"after {WARM:,} drafts of 3 to 9 notes in interviews of 15 chunks, 8 at once",
            f"interviews that differ: notes of one are alike by {ALIKE}, of a draft twice as much",
            f"{NEVER:,}: not found within as many",
            "of so few alarms that are expected, one more or less is chance",
        ),
    )


def _find(usual: float, alike: float, seed: int) -> int:
    """Draw drafts whose rate rises by five points after a while; return when it is found."""
    work, series = Interviews(Random(seed), usual, alike, alike), DriftSeries()
    count_until_alarm(series, work, WARM)
    work.change(usual + 0.05)
    return count_until_alarm(series, work, NEVER)[0]


def _count_false_alarms(chunks: int, seed: int) -> int:
    """Watch steady work of several models and producers; return the alarms of all series."""
    random = Random(seed)
    notes = Interviews(random, 0.1, ALIKE, ALIKE)
    producers: dict[str, str] = {}
    watched: dict[SeriesKey, DriftSeries] = {}
    alarms = 0
    for number in range(chunks):
        draft = notes.draw()
        model = random.choices(MODELS, (80, 15, 5))[0]
        values = {
            Dimension.ALL: "all",
            Dimension.MODEL: model,
            Dimension.FINGERPRINT: f"fp-{model}",
            Dimension.PROMPT: "notes-1",
            Dimension.PRODUCER: producers.setdefault(draft.interview, random.choice(PRODUCERS)),
        }
        refused, group = Observation(draft.refused, draft.notes), Group(draft.interview)
        for metric, observation in (
            (DriftMetric.REJECTED_NOTES, refused),
            *_draw_others(random),
        ):
            for dimension, value in values.items():
                key = SeriesKey(metric, dimension, value)
                series = watched.setdefault(key, DriftSeries())
                shares = get_shares(metric, dimension)
                if series.observe(observation, shares, float(number), group) is not None:
                    alarms += 1
                    watched[key] = DriftSeries()
    return alarms


def _draw_others(random: Random) -> Iterator[tuple[DriftMetric, Observation]]:
    for metric in DriftMetric:
        if metric in RATES:
            yield metric, Observation(float(random.random() < RATES[metric]), 1.0)
        elif metric not in {DriftMetric.REJECTED_NOTES, DriftMetric.UNPROVEN_NOTES}:
            yield metric, Observation(random.lognormvariate(0.0, 0.5))
