"""Spends from a study's budget until it is refused: ``spender.py DSN WORKERS SEED``.

Without workers it reserves one call, prints that, and never ends.
"""

from __future__ import annotations

import asyncio
import random
import sys
from decimal import Decimal
from typing import Final

from pydantic import SecretStr

from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from model_client.errors import BudgetExceededError
from model_client.ledger.budgets import BudgetBusyError, BudgetSettings
from model_client.ledger.ledger import CallDetails, CallOutcome, Ledger
from model_client.requests import CostAttribution

WORST_USD: Final = Decimal("0.02")
CENT_PARTS: Final = 10_000


async def spend(dsn: str, workers: int, seed: int) -> int:
    """How many calls could be paid for."""
    settings = PostgresSettings(dsn=SecretStr(dsn), pool_max_size=5)
    async with (
        LazilyConnectedDatabase(settings) as database,
        Ledger(database, BudgetSettings()) as ledger,
    ):
        if workers == 0:
            await ledger.reserve(call(0))
            print("reserved", flush=True)  # noqa: T201 - it is waited for
            await asyncio.Event().wait()
        each = [work(ledger, random.Random(seed * workers + one)) for one in range(workers)]
        return sum(await asyncio.gather(*each))


async def work(ledger: Ledger, chance: random.Random) -> int:
    """Make calls that cost anything up to what was reserved."""
    made = 0
    while True:
        try:
            reservation = await ledger.reserve(call(made))
        except BudgetExceededError:
            return made
        except BudgetBusyError:
            continue
        cost = WORST_USD * chance.randint(0, CENT_PARTS) / CENT_PARTS
        await ledger.settle(reservation, CallOutcome("answered", cost_usd=cost))
        made += 1


def call(number: int) -> CallDetails:
    return CallDetails(
        CostAttribution("shops", f"chunk-{number}"), "notes-2", "http://here", "m", WORST_USD
    )


if __name__ == "__main__":
    print(asyncio.run(spend(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201 - its output
