"""Asks about chunks of its own: ``payer.py DSN URL WORKERS TOWN FIRST_TOKEN_S``.

Each worker asks until the budget is exceeded; it then prints how often asks ended how.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from itertools import count

from pydantic import SecretStr

from contracts.errors import OnrecordError
from contracts.events import ChunkReady
from contracts.transcript import Role, Segment
from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from enrichment.drafter import build_draft_request
from model_client import CostAttribution, ModelClient, ModelSettings
from model_client.cache.response_cache import CacheSettings, ResponseCache
from model_client.errors import BudgetExceededError
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from support.chunks import CHUNK


def about(spoken: str) -> ChunkReady:
    """A chunk unlike all others."""
    turn = Segment(number=4, speaker="Ben", role=Role.PARTICIPANT, text=spoken)
    return CHUNK.model_copy(update={"segments": (turn,)})


async def pay(dsn: str, url: str, workers: int, town: str, patience_s: float) -> Counter[str]:
    """How the asks ended, by the name of the error."""
    settings = ModelSettings(
        base_url=url,
        api_key=SecretStr("k"),
        model="m",
        priced_as="gpt-4o-mini",
        max_output_tokens=1_000,
        first_token_s=patience_s,
        between_tokens_s=patience_s,
    )
    async with (
        LazilyConnectedDatabase(PostgresSettings(dsn=SecretStr(dsn), pool_max_size=5)) as database,
        ResponseCache(database, CacheSettings()) as answers,
        Ledger(database, BudgetSettings(wait_s=0.5)) as ledger,
        ModelClient(settings, cache=answers, ledger=ledger) as client,
    ):
        ends: Counter[str] = Counter()

        async def work(worker: int) -> None:
            for number in count():
                chunk = about(f"We paid {number} pounds to plumber {worker} of town {town}.")
                ends[end := await ask(client, chunk)] += 1
                if end == BudgetExceededError.__name__:
                    return

        await asyncio.gather(*map(work, range(workers)))
        return ends


async def ask(client: ModelClient, chunk: ChunkReady) -> str:
    """How one question ends."""
    until = asyncio.get_running_loop().time() + 10
    try:
        await client.ask(
            build_draft_request(chunk, attempt=1), CostAttribution("heating", "c"), deadline=until
        )
    except OnrecordError as error:
        return type(error).__name__
    return "answered"


if __name__ == "__main__":
    found = asyncio.run(
        pay(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
    )
    print(" ".join(f"{name}={times}" for name, times in found.items()))  # noqa: T201 - its output
