"""``onrecord drift``: what is shown of alarms, together and within the width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.drift import ChangedFactorReport, DriftAlarmReport, DriftReport
from onrecord.pages.drift import format_drift

BEGUN = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
ALARM = DriftAlarmReport(
    alarm_id=UUID(int=1),
    metric="rejected_notes",
    dimension="all",
    value="all",
    direction="up",
    raised_at=BEGUN + timedelta(minutes=20),
    begun_at=BEGUN,
    observations=120,
    before_rate=0.1,
    after_rate=0.31,
    bound=None,
    side="they_changed",
    factors=(
        ChangedFactorReport(
            factor="fingerprint", side="they_changed", before="fp-1", after="fp-2", explains=True
        ),
        ChangedFactorReport(
            factor="producer", side="the_input_changed", before="/a", after="/b", explains=False
        ),
    ),
    ended_at=None,
)
REPORT = DriftReport(
    alarms=(),
    total_alarms=0,
    open_alarms=0,
    series=45,
    learning=10,
    drafts_observed_until=BEGUN,
    calls_observed_until=BEGUN,
)


def show(*alarms: DriftAlarmReport, width: int = 80, total: int = 0) -> list[str]:
    report = REPORT.model_copy(
        update={"alarms": alarms, "total_alarms": total or len(alarms), "open_alarms": len(alarms)}
    )
    return [line.plain for line in format_drift(report, width)]


def test_an_alarm_says_what_since_when_and_whose_change_it_is() -> None:
    found = " ".join(" ".join(show(ALARM)).split())
    assert found.startswith("refused notes up: all 10.0% before, 31.0% since, since about 2026-11-")
    assert "found after 120 observations; what is usual since is not known yet" in found
    assert "the model changed fingerprint: fp-1, now fp-2" in found
    assert "producer: /a, now /b; it explains nothing, as far as can be seen" in found


def test_alarms_that_began_together_are_shown_together() -> None:
    of_model = ALARM.model_copy(update={"dimension": "model", "value": "notes-large"})
    later = ALARM.model_copy(update={"begun_at": BEGUN + timedelta(hours=3)})
    slower = ALARM.model_copy(
        update={"metric": "latency_seconds", "bound": 3.14159, "before_rate": 0.1}
    )
    lines = show(of_model, ALARM, later, slower)
    heads = [line for line in lines if " up: " in line]
    assert heads == [
        "refused notes up: all; model notes-large",
        "refused notes up: all",
        "seconds of calls up: all",
    ]
    assert "31.0% are above 3.14, of usually 10.0%" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [40, 80])
def test_long_and_hostile_names_stay_within_the_width(width: int) -> None:
    hostile = ALARM.model_copy(update={"dimension": "producer", "value": "\x1b[2J" + "x" * 500})
    lines = show(hostile, width=width)
    assert max(map(len, lines)) <= width
    assert not any("\x1b" in line for line in lines)


def test_small_shares_and_what_is_not_shown_or_not_known_yet_are_told() -> None:
    rare = ALARM.model_copy(
        update={"before_rate": 0.0004, "after_rate": 0.0213, "side": None, "factors": ()}
    )
    found = " ".join(" ".join(show(rare, total=251)).split())
    assert "0.04% before, 2.1% since" in found
    assert "where it comes from is being looked for" in found
    assert "250 more alarms not shown" in found
    assert "of 35 it is known what is usual, of 10 not yet" in found


def test_an_alarm_that_has_ended_is_usual_by_now_and_not_over() -> None:
    ended = ALARM.model_copy(update={"ended_at": BEGUN + timedelta(hours=1)})
    found = " ".join(" ".join(show(ended)).split())
    assert "usual by now" in found
    assert "no drift was found" in " ".join(show())
