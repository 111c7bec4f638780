"""A call of a live rehearsal takes no more requests than the rehearsal's budget pays for."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest

from contracts.rehearsals import RehearsalMode
from model_client.errors import ModelTimeoutError
from model_client.ledger.accounting import CallAccounting, CallLabels
from model_client.ledger.budgets import BudgetBusyError
from model_client.requests import CostAttribution
from model_client.settings import ModelConfig
from model_client.transport.api_dialect import CalibratedTokenEstimator
from model_client.transport.http_call import CallResult
from rehearsal import Rehearsal, outside_rehearsal

BODY = {"messages": [{"role": "user", "content": "What?"}], "max_tokens": 1_000}


async def test_requests_that_time_out_are_charged_and_stop_at_the_budget() -> None:
    config = ModelConfig.model_validate(
        {"model": "m", "base_url": "http://localhost:9/v1", "prices": {"input": 1, "output": 1}}
    )
    accounting = CallAccounting(config, None, CalibratedTokenEstimator())
    worst = accounting.estimate_max_cost(BODY)
    assert worst is not None
    rehearsal = Rehearsal(RehearsalMode.LIVE, Decimal("2.5") * worst)
    rehearsal.reserve_call(2 * worst)
    labels = CallLabels(CostAttribution("study", "chunk"), "prompt")

    async def ask() -> None:
        async with accounting.account_for(BODY, labels, CallResult(), latest=float("inf")):
            raise ModelTimeoutError("no answer")

    async def ask_again_and_again() -> None:
        for _ in range(10):
            with suppress(ModelTimeoutError):
                await ask()

    with outside_rehearsal(paying=rehearsal):
        for _ in range(2):
            with pytest.raises(ModelTimeoutError):
                await ask()
        with pytest.raises(BudgetBusyError, match="budget"):
            await ask_again_and_again()
    assert Decimal(0) < rehearsal.cost_usd <= Decimal("2.5") * worst
    assert rehearsal.calls_needed == 1
