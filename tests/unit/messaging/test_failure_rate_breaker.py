from __future__ import annotations

import asyncio

import pytest

from messaging.processing.failure_rate_breaker import FailureRateBreaker

QUICK_S = 0.002
NEVER_S = 3_600.0


def breaker(
    window: int = 10, share: float = 0.8, pause_s: float = NEVER_S, *, of_all: float = 1.0
) -> FailureRateBreaker:
    return FailureRateBreaker(window, share, of_all, pause_s, NEVER_S)


def die(
    stops: FailureRateBreaker,
    number: int,
    fingerprint: str = "f00d",
    *,
    subject: bytes | None = None,
) -> None:
    for _ in range(number):
        stops.failed(fingerprint, "bug", subject=subject)


async def test_stops_when_most_of_the_latest_died_of_one_cause() -> None:
    stops = breaker()
    die(stops, 7)
    assert stops.gate.is_open
    die(stops, 1)
    assert not stops.gate.is_open
    for told in ("8 of the last 8", "failed with bug", "f00d", "POST /resume"):
        assert told in stops.gate.reason


async def test_different_causes_of_some_messages_do_not_stop_it() -> None:
    stops = breaker(of_all=0.9)
    for number in range(100):
        stops.failed(f"cause {number % 3}", "bug")
        if number % 4 == 0:
            stops.settled()
    assert stops.gate.is_open


@pytest.mark.parametrize("causes", [2, 3, 100])
async def test_different_causes_stop_it_if_almost_all_fail(causes: int) -> None:
    stops = breaker(of_all=0.9)
    for number in range(8):
        stops.failed(f"cause {number % causes}", "bug")
    assert stops.gate.is_open
    stops.failed("the last", "timeout")
    assert not stops.gate.is_open
    for told in ("9 of the last 9", f"{min(causes, 8) + 1} causes", "timeout", "POST /resume"):
        assert told in stops.gate.reason


async def test_those_that_end_well_count_against_it() -> None:
    stops = breaker()
    for _ in range(50):
        die(stops, 2)
        stops.settled()
    assert stops.gate.is_open


async def test_the_share_is_reached_within_the_window_and_not_before() -> None:
    stops = breaker()
    die(stops, 1)
    for _ in range(3):
        stops.settled()
    die(stops, 6)
    assert stops.gate.is_open  # 7 of 10
    die(stops, 1)
    assert stops.gate.is_open  # the oldest death has left the window: 7 of 10
    die(stops, 1)
    assert not stops.gate.is_open


async def test_what_ended_well_long_ago_does_not_put_it_off() -> None:
    stops = breaker()
    for _ in range(1_000):
        stops.settled()
    die(stops, 8)
    assert not stops.gate.is_open


async def test_a_share_of_everything_needs_a_window_full_of_deaths() -> None:
    stops = breaker(window=5, share=1.0)
    die(stops, 4)
    stops.settled()
    die(stops, 4)
    assert stops.gate.is_open
    die(stops, 1)
    assert not stops.gate.is_open


async def test_a_tiny_share_still_needs_one_death() -> None:
    stops = breaker(window=3, share=0.01)
    stops.settled()
    assert stops.gate.is_open
    die(stops, 1)
    assert not stops.gate.is_open


async def test_resuming_lets_everybody_through_and_counts_anew() -> None:
    stops = breaker()
    die(stops, 8)
    waiting = [asyncio.create_task(stops.gate.wait_for_turn()) for _ in range(20)]
    await asyncio.sleep(0)
    stops.resume()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [False] * 20
    assert stops.gate.reason == ""
    die(stops, 9)
    assert stops.gate.is_open, "a whole window is looked at first"
    die(stops, 1)
    assert not stops.gate.is_open


async def test_those_that_end_well_after_resuming_belong_to_its_new_window() -> None:
    stops = breaker()
    die(stops, 8)
    stops.resume()
    for _ in range(4):
        stops.settled()
    die(stops, 6)
    assert stops.gate.is_open
    die(stops, 1)
    assert stops.gate.is_open, "7 of the last 10"
    die(stops, 1)
    assert not stops.gate.is_open


async def test_what_was_at_work_when_it_was_resumed_does_not_count() -> None:
    stops = breaker()
    begun = stops.resumed
    die(stops, 8)
    stops.resume()
    for _ in range(100):
        stops.failed("f00d", "bug", resumed=begun)
    assert stops.gate.is_open
    for _ in range(10):
        stops.failed("f00d", "bug", resumed=stops.resumed)
    assert not stops.gate.is_open


async def test_a_probe_that_tells_nothing_lets_the_next_follow_at_once() -> None:
    stops = breaker(pause_s=NEVER_S)
    die(stops, 8)
    stops.probe_ended(well=None)
    async with asyncio.timeout(5):
        assert await stops.gate.wait_for_turn()
    stops.probe_ended(well=None)
    stops.gate.end_turn()
    async with asyncio.timeout(5):
        assert await stops.gate.wait_for_turn()
    assert stops.gate.reason


async def test_a_probe_that_ends_well_resumes_by_itself() -> None:
    stops = breaker(pause_s=QUICK_S)
    die(stops, 8)
    async with asyncio.timeout(5):
        assert await stops.gate.wait_for_turn()
    others = [asyncio.create_task(stops.gate.wait_for_turn()) for _ in range(5)]
    await asyncio.sleep(0)
    stops.probe_ended(well=True)
    stops.gate.end_turn()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*others) == [False] * 5
    assert stops.gate.is_open


async def test_a_probe_that_dies_keeps_it_stopped_and_lengthens_the_pause() -> None:
    stops = breaker(pause_s=QUICK_S)
    die(stops, 8)
    async with asyncio.timeout(5):
        assert await stops.gate.wait_for_turn()
    die(stops, 1)
    stops.probe_ended(well=False)
    stops.gate.end_turn()
    assert not stops.gate.is_open
    assert "9 of the last 9" in stops.gate.reason
    assert stops.gate._pause_s == 2 * QUICK_S


async def test_a_probe_that_dies_of_another_cause_keeps_it_stopped_and_says_why() -> None:
    stops = breaker(pause_s=QUICK_S)
    die(stops, 8)
    async with asyncio.timeout(5):
        assert await stops.gate.wait_for_turn()
    die(stops, 1, "other")
    stops.probe_ended(well=False)
    stops.gate.end_turn()
    assert not stops.gate.is_open
    assert "f00d" in stops.gate.reason


@pytest.mark.parametrize("window", [5, 7, 10, 20, 64, 128, 501])
@pytest.mark.parametrize("one_cause", [True, False])
async def test_no_subject_stops_it_alone_whatever_the_window(
    window: int, *, one_cause: bool
) -> None:
    stops = breaker(window=window, of_all=0.9)
    for number in range(10 * window):
        die(stops, 1, "f00d" if one_cause else f"cause {number}", subject=b"hostile")
    assert stops.gate.is_open
    for number in range(10 * window):
        die(stops, 1, "f00d", subject=(b"hostile", b"another", b"third")[number % 3])
    assert stops.gate.is_open, "nor do three of them"


async def test_a_subject_that_fails_beyond_its_share_hides_no_failure_of_others() -> None:
    stops = breaker(window=20)
    die(stops, 1_000, subject=b"hostile")
    for number in range(10):
        die(stops, 1, subject=b"interview %d" % number)
        die(stops, 10, subject=b"hostile")
    assert stops.gate.is_open, "15 of the last 20"
    die(stops, 1, subject=b"another")
    assert not stops.gate.is_open
    assert "16 of the last 16" in stops.gate.reason


async def test_a_stage_in_which_everybody_fails_stops_when_four_subjects_have() -> None:
    stops = breaker(window=20)
    for number in range(4):
        assert stops.gate.is_open
        die(stops, 5, subject=b"interview %d" % number)
    assert not stops.gate.is_open


async def test_a_subject_whose_failures_have_left_the_window_may_count_again() -> None:
    stops = breaker(window=8, share=0.75)
    die(stops, 2, subject=b"one")
    for _ in range(8):
        stops.settled()
    for name in (b"one", b"two", b"three"):
        assert stops.gate.is_open
        die(stops, 2, subject=name)
    assert not stops.gate.is_open


async def test_what_names_no_subject_counts_as_one_of_its_own() -> None:
    stops = breaker(window=20)
    die(stops, 16, subject=None)
    assert not stops.gate.is_open


async def test_resuming_forgets_what_each_subject_has_taken_of_its_share() -> None:
    stops = breaker(window=4, share=0.75)
    for _ in range(2):
        for name in (b"one", b"two", b"three", b"four"):
            die(stops, 1, subject=name)
        assert not stops.gate.is_open
        stops.resume()


async def test_resuming_a_stage_that_has_not_stopped_changes_nothing() -> None:
    stops = breaker(window=20)
    begun = stops.resumed
    die(stops, 15)
    assert stops.resume() == ""
    stops.failed("f00d", "bug", resumed=begun)
    assert not stops.gate.is_open, "the 16th of 20, as if nobody had resumed it"
    why = stops.gate.reason
    assert stops.resume() == why
    assert stops.gate.is_open
    die(stops, 19)
    assert stops.resume() == "", "resumed twice"
    die(stops, 1)
    assert not stops.gate.is_open
