"""Accounting of model calls: reserves the worst-case cost before, settles the real one after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx2
import openai

from contracts.errors import ErrorCode, OnrecordError
from contracts.notes import Usage
from model_client import errors, metrics
from model_client.background_tasks import BackgroundTasks
from model_client.ledger.budgets import BudgetBusyError
from model_client.ledger.ledger import BudgetReservation, CallDetails, CallOutcome, Ledger
from model_client.ledger.plan_budgets import get_current_plan_budget
from model_client.ledger.prices import PriceCalculator
from model_client.requests import CostAttribution
from model_client.settings import ModelConfig
from model_client.transport.api_dialect import (
    CalibratedTokenEstimator,
    compute_prompt_tokens_upper_bound,
    get_max_output_tokens,
)
from model_client.transport.http_call import CallResult
from rehearsal import get_paying_rehearsal

ANSWERED: Final = "answered"
CANCELLED: Final = "cancelled"
"""Outcomes of a call that are no error code."""

ENDS: Final = {
    "length": ErrorCode.LLM_CUT_OFF.value,
    "content_filter": ErrorCode.LLM_CONTENT_FILTERED.value,
}
"""Error codes of answers that ended early, by the endpoint's finish reason."""

FREE: Final = (
    errors.RateLimitedError,
    errors.ModelUnavailableError,
    errors.PermanentError,
)
"""Failures that no endpoint charges for, as nothing was generated."""

GAVE_UP: Final = frozenset({504, 524})
"""Statuses of gateways that stopped waiting (RFC 9110; Cloudflare): the model may have answered."""

NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)
"""Causes of a call that reached nobody: charging its estimate would let an outage's probes use up
budgets."""


@dataclass(frozen=True, slots=True)
class CallLabels:
    """Labels of a model call in the cost ledger: study, subject and prompt version."""

    attribution: CostAttribution
    prompt_version: str


class CallAccounting:
    """Accounting of one model's calls: reserves the worst-case cost, then records the real one.

    Args:
        config: the model, and its longest answer.
        ledger: where calls are written down; without one nothing is, and no budget holds.
        estimate: estimates the tokens of a call that does not report them.
    """

    def __init__(
        self, config: ModelConfig, ledger: Ledger | None, estimate: CalibratedTokenEstimator
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._estimate = estimate
        self._prices = PriceCalculator(
            config.model, priced_as=config.priced_as, base_url=config.base_url, own=config.prices
        )
        self._settling = BackgroundTasks()

    def estimate_max_cost(self, body: Mapping[str, Any]) -> Decimal | None:
        """Return the most that a call can cost in US dollars; None if no price is known."""
        return self._prices.max_cost(
            compute_prompt_tokens_upper_bound(body), get_max_output_tokens(body)
        )

    async def close(self) -> None:
        """Wait until all calls are settled."""
        await self._settling.wait()

    @asynccontextmanager
    async def account_for(
        self, body: Mapping[str, Any], bill: CallLabels, reply: CallResult, *, latest: float
    ) -> AsyncIterator[None]:
        """Reserve a call's worst-case cost, run the context, then settle what the call cost.

        Args:
            body: what is sent.
            bill: who pays, and for what.
            reply: what comes back; its usage and cost are completed.
            latest: until when it may wait for what others give back, by the loop's clock.

        Raises:
            errors.BudgetExceededError: the call is not allowed.
            DatabaseUnavailableError: there is a budget, and it cannot be asked.
        """
        with self._paid_by_rehearsal(body, reply):
            async with self._booked(body, bill, reply, latest):
                yield

    @contextmanager
    def _paid_by_rehearsal(self, body: Mapping[str, Any], reply: CallResult) -> Iterator[None]:
        """Keep the context's call within the budget of the rehearsal that it is made for, if any.

        Raises:
            BudgetBusyError: the budget does not allow it. It is no fault of the question, which
                others may ask meanwhile.
        """
        rehearsal = get_paying_rehearsal()
        if rehearsal is None:
            yield
            return
        worst = self.estimate_max_cost(body)
        if not rehearsal.begin_request(worst):
            raise BudgetBusyError("the rehearsal's budget is used up", retry_after=0.0)
        try:
            yield
        finally:
            rehearsal.end_request(worst, reply.cost_usd or Decimal(0))

    @asynccontextmanager
    async def _booked(
        self, body: Mapping[str, Any], bill: CallLabels, reply: CallResult, latest: float
    ) -> AsyncIterator[None]:
        reservation = await self._reserve(body, bill, latest)
        failure: BaseException | None = None
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self._complete(body, reply, failure)
            self._settle(reservation, _code(failure, reply), reply)

    async def _reserve(
        self, body: Mapping[str, Any], bill: CallLabels, latest: float
    ) -> BudgetReservation | None:
        if self._ledger is None:
            return None
        worst = self.estimate_max_cost(body)
        config = self._config
        call = CallDetails(
            bill.attribution,
            bill.prompt_version,
            config.base_url,
            config.model,
            worst,
            get_current_plan_budget(),
        )
        return await self._ledger.reserve(call, latest=latest)

    def _complete(
        self, body: Mapping[str, Any], reply: CallResult, error: BaseException | None
    ) -> None:
        reply.estimated = reply.usage is None and not _is_free(error)
        if reply.usage is None:
            reply.usage = self._estimate_usage(body, reply) if reply.estimated else Usage()
        reply.cost_usd = self._prices.cost(reply.usage)

    def _estimate_usage(self, body: Mapping[str, Any], reply: CallResult) -> Usage:
        """Return about what a call used that ended without reporting its usage.

        One that was not streamed may have been answered in full at the other end.
        """
        seen = self._estimate.estimate_usage(body, reply.text)
        if body.get("stream") or reply.finish_reason:
            return seen
        return seen.model_copy(update={"output_tokens": get_max_output_tokens(body)})

    def _settle(self, reservation: BudgetReservation | None, code: str, reply: CallResult) -> None:
        metrics.record_call_metrics(self._config.model, code, reply)
        if self._ledger is None or reservation is None:
            return
        outcome = CallOutcome(
            code=code,
            model=reply.model,
            fingerprint=reply.fingerprint,
            usage=reply.usage or Usage(),
            cost_usd=reply.cost_usd,
            estimated=reply.estimated,
            latency_s=reply.latency_s,
            first_token_s=reply.first_token_s,
        )
        # On its own, so that neither a slow database nor a cancelled message keeps it from ending.
        self._settling.start(self._ledger.settle(reservation, outcome))


def _is_free(error: BaseException | None) -> bool:
    """Return whether no endpoint charges for a call that ended with this error."""
    if error is None or isinstance(error, FREE):
        return error is not None
    cause = error.__cause__
    if isinstance(error, errors.ServerError) and isinstance(cause, openai.APIStatusError):
        return cause.status_code not in GAVE_UP
    return cause is not None and isinstance(cause.__cause__, NEVER_SENT)


def _code(failure: BaseException | None, reply: CallResult) -> str:
    """Return how a call ended; an invalid answer is found later, and costs the same."""
    if failure is None:
        refused = ErrorCode.LLM_REFUSED.value if reply.refusal else ANSWERED
        return ENDS.get(reply.finish_reason, refused)
    if isinstance(failure, asyncio.CancelledError):
        return CANCELLED
    return failure.code.value if isinstance(failure, OnrecordError) else ErrorCode.BUG.value


def sum_known_costs(costs: list[Decimal | None]) -> Decimal | None:
    """Sum the costs of calls in US dollars; return None if one of them is unknown."""
    known = [one for one in costs if one is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
