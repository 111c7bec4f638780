"""Delivery reports of several records, collected until all of them have arrived."""

from __future__ import annotations

import asyncio
from functools import partial

from messaging.producer.accumulator import DeliveryCallback


class DeliveryReports:
    """Collector of the delivery results of several sent records, in sending order.

    ``next_callback`` is called once a record, then ``close`` once; its future resolves with the
    last report.
    """

    def __init__(self) -> None:
        self._all: asyncio.Future[list[Exception | None]] = (
            asyncio.get_running_loop().create_future()
        )
        self._errors: list[Exception | None] = []
        # One more than there are records, until ``close``: reports may arrive between two records,
        # and must not resolve the future before the last record is known.
        self._outstanding = 1

    def next_callback(self) -> DeliveryCallback:
        """Return the delivery callback of the next record."""
        self._errors.append(None)
        self._outstanding += 1
        return partial(self._report, len(self._errors) - 1)

    def close(self) -> asyncio.Future[list[Exception | None]]:
        """Return the future of all reports, after the last record was given its callback.

        Returns:
            For each record None if the broker has acknowledged it, or the error.
        """
        self._count_down()
        return self._all

    def _report(self, number: int, error: Exception | None) -> None:
        self._errors[number] = error
        self._count_down()

    def _count_down(self) -> None:
        self._outstanding -= 1
        if not self._outstanding and not self._all.done():
            self._all.set_result(self._errors)


def build_countdown_callback(number: int, callback: DeliveryCallback) -> DeliveryCallback:
    """Build a callback that calls another one after ``number`` records were delivered."""
    left = number
    first: Exception | None = None

    def report(error: Exception | None) -> None:
        nonlocal left, first
        left -= 1
        first = first or error
        if not left:
            callback(first)

    return report
