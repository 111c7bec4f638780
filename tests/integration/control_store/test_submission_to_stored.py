"""How long submissions took until all their notes were stored is counted once for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from database.pool import Database
from support.settled_interviews import SettledInterview

NAME = "onrecord_submission_to_stored_seconds"


@pytest.fixture
def interview(fresh_database: Database) -> SettledInterview:
    return SettledInterview(fresh_database)


def counted() -> tuple[float, float]:
    """How many were counted, and how many seconds they took together."""
    number, total_s = (REGISTRY.get_sample_value(f"{NAME}_{one}") for one in ("count", "sum"))
    assert number is not None
    assert total_s is not None
    return number, total_s


async def complete(interview: SettledInterview, submitted_at: datetime) -> None:
    await interview.submit(submitted_at=submitted_at)
    await interview.ingest()
    for index in (1, 2):
        await interview.store(index)


async def test_a_complete_submission_counts_once_with_its_time(interview: SettledInterview) -> None:
    number, total_s = counted()
    await interview.submit(submitted_at=datetime.now(UTC) - timedelta(seconds=90))
    await interview.ingest()
    await interview.store(1)
    assert await interview.outcomes() == []
    assert counted() == (number, total_s)
    await interview.store(2)
    assert await interview.outcomes() == ["complete"]
    number_now, total_now_s = counted()
    assert number_now == number + 1
    assert 90 <= total_now_s - total_s < 150
    await interview.submit(offset=1, submitted_at=datetime.now(UTC))
    await interview.settle()
    assert counted() == (number_now, total_now_s)


@pytest.mark.parametrize("year", [1970, 2999])
async def test_a_submission_whose_record_says_no_true_time_is_not_counted(
    interview: SettledInterview, year: int
) -> None:
    before = counted()
    await complete(interview, datetime(year, 1, 1, tzinfo=UTC))
    assert await interview.outcomes() == ["complete"]
    assert counted() == before


async def test_a_refused_submission_is_not_counted(interview: SettledInterview) -> None:
    before = counted()
    await interview.submit()
    await interview.refuse()
    assert await interview.outcomes() == ["refused"]
    assert counted() == before
