"""Puts each call into the ledger: the worst case before it, what it came to after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx2
import openai

from contracts.errors import ErrorCode, OnrecordError
from contracts.notes import Usage
from model_client import errors, metrics
from model_client.ledger.ledger import Call, Ledger, Outcome, Reservation
from model_client.ledger.prices import Prices
from model_client.requests import Account
from model_client.settings import ModelConfig
from model_client.transport.api_dialect import TokenEstimate, most_tokens
from model_client.transport.http_call import Reply

ANSWERED: Final = "answered"
CANCELLED: Final = "cancelled"
"""Outcomes that are no error's code."""

ENDS: Final = {
    "length": ErrorCode.LLM_CUT_OFF.value,
    "content_filter": ErrorCode.LLM_CONTENT_FILTERED.value,
}
"""Ends of answers that are none."""

FREE: Final = (
    errors.RateLimitedError,
    errors.ModelUnavailableError,
    errors.PermanentError,
)
"""Failures for which no endpoint charges, as nothing was generated."""

GAVE_UP: Final = frozenset({504, 524})
"""Of gateways that waited no longer (RFC 9110; Cloudflare): the model may have answered."""

NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)
"""Why a connection was not made; an outage would else use up budgets by its probes."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Who pays for a call, and which prompt it is made with."""

    account: Account
    prompt_version: str


class Accounts:
    """The accounts of one model.

    Args:
        config: the model, and its longest answer.
        ledger: where calls are written down; without one nothing is, and no budget holds.
        estimate: how many tokens a call used that does not tell.
    """

    def __init__(self, config: ModelConfig, ledger: Ledger | None, estimate: TokenEstimate) -> None:
        self._config = config
        self._ledger = ledger
        self._estimate = estimate
        self._prices = Prices(
            config.model, priced_as=config.priced_as, base_url=config.base_url, own=config.prices
        )
        self._settling: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait until all calls are settled."""
        while self._settling:
            await asyncio.wait(self._settling)

    @asynccontextmanager
    async def entry(
        self, request: Mapping[str, Any], bill: Bill, reply: Reply, *, latest: float
    ) -> AsyncIterator[None]:
        """Account for the call that is made within the context.

        Args:
            request: what is sent.
            bill: who pays, and for what.
            reply: what comes back; its usage and cost are completed.
            latest: until when it may wait for what others give back, by the loop's clock.

        Raises:
            errors.BudgetExceededError: the call is not allowed.
            DatabaseUnavailableError: there is a budget, and it cannot be asked.
        """
        reservation = await self._reserve(request, bill, latest)
        failure: BaseException | None = None
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self._complete(request, reply, failure)
            self._settle(reservation, _code(failure, reply), reply)

    async def _reserve(
        self, request: Mapping[str, Any], bill: Bill, latest: float
    ) -> Reservation | None:
        if self._ledger is None:
            return None
        worst = self._prices.worst(most_tokens(request), self._config.max_output_tokens)
        config = self._config
        call = Call(bill.account, bill.prompt_version, config.base_url, config.model, worst)
        return await self._ledger.reserve(call, latest=latest)

    def _complete(
        self, request: Mapping[str, Any], reply: Reply, error: BaseException | None
    ) -> None:
        reply.estimated = reply.usage is None and not _is_free(error)
        if reply.usage is None:
            reply.usage = self._estimate_usage(request, reply) if reply.estimated else Usage()
        reply.cost_usd = self._prices.of(reply.usage)

    def _estimate_usage(self, request: Mapping[str, Any], reply: Reply) -> Usage:
        """About what a call used that ended without telling.

        One that was not streamed may have been answered in full at the other end.
        """
        seen = self._estimate.usage(request, reply.text)
        if request.get("stream") or reply.finish_reason:
            return seen
        return seen.model_copy(update={"output_tokens": self._config.max_output_tokens})

    def _settle(self, reservation: Reservation | None, code: str, reply: Reply) -> None:
        metrics.note_call(self._config.model, code, reply)
        if self._ledger is None or reservation is None:
            return
        outcome = Outcome(
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
        task = asyncio.create_task(self._ledger.settle(reservation, outcome))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)


def _is_free(error: BaseException | None) -> bool:
    """Whether a call that ended so is charged by no endpoint."""
    if error is None or isinstance(error, FREE):
        return error is not None
    cause = error.__cause__
    if isinstance(error, errors.ServerError) and isinstance(cause, openai.APIStatusError):
        return cause.status_code not in GAVE_UP
    return cause is not None and isinstance(cause.__cause__, NEVER_SENT)


def _code(failure: BaseException | None, reply: Reply) -> str:
    """How a call ended; whether an answer is valid is found out later, and costs the same."""
    if failure is None:
        refused = ErrorCode.LLM_REFUSED.value if reply.refusal else ANSWERED
        return ENDS.get(reply.finish_reason, refused)
    if isinstance(failure, asyncio.CancelledError):
        return CANCELLED
    return failure.code.value if isinstance(failure, OnrecordError) else ErrorCode.BUG.value


def sum_costs(costs: list[Decimal | None]) -> Decimal | None:
    """What calls cost together; None if one of them has no price."""
    known = [one for one in costs if one is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
