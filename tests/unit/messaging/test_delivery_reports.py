"""Delivery reports of several records: all of them in order, or one for all."""

from __future__ import annotations

from contracts.errors import RetryableError
from messaging.producer.delivery_reports import DeliveryReports, build_countdown_callback

FIRST, SECOND = RetryableError("first"), RetryableError("second")


async def test_gives_the_reports_in_the_order_of_sending_however_they_arrive() -> None:
    reports = DeliveryReports()
    one, two, three = (reports.next_callback() for _ in range(3))
    three(None)
    two(FIRST)
    assert not (done := reports.close()).done()
    one(SECOND)
    assert await done == [SECOND, FIRST, None]


async def test_reports_that_arrive_before_the_last_record_is_known_resolve_nothing_yet() -> None:
    reports = DeliveryReports()
    reports.next_callback()(None)
    reports.next_callback()(FIRST)
    assert await reports.close() == [None, FIRST]


def test_combined_callbacks_report_once_with_the_first_error() -> None:
    calls: list[Exception | None] = []
    report = build_countdown_callback(3, calls.append)
    report(None)
    report(FIRST)
    assert calls == []
    report(SECOND)
    assert calls == [FIRST]


def test_combined_callbacks_report_success_once_all_records_are_delivered() -> None:
    calls: list[Exception | None] = []
    report = build_countdown_callback(2, calls.append)
    report(None)
    report(None)
    assert calls == [None]
