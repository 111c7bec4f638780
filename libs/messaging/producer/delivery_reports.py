"""What became of records that were sent together, told once all of them are answered."""

from __future__ import annotations

import asyncio
from functools import partial

from messaging.producer.accumulator import Acknowledged


class Answers:
    """Gathers what is told of records, in the order in which they were sent."""

    def __init__(self) -> None:
        self._all: asyncio.Future[list[Exception | None]] = (
            asyncio.get_running_loop().create_future()
        )
        self._errors: list[Exception | None] = []
        self._owed = 1  # until it is complete

    def one_more(self) -> Acknowledged:
        """What has to be told of the next record."""
        self._errors.append(None)
        self._owed += 1
        return partial(self._tell, len(self._errors) - 1)

    def complete(self) -> asyncio.Future[list[Exception | None]]:
        """Say that there are no more records; fulfilled when the last one is answered."""
        self._answered()
        return self._all

    def _tell(self, number: int, error: Exception | None) -> None:
        self._errors[number] = error
        self._answered()

    def _answered(self) -> None:
        self._owed -= 1
        if not self._owed and not self._all.done():
            self._all.set_result(self._errors)
