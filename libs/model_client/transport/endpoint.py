"""One model of the chain: calls within its limits, accounted for, with retries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic import BaseModel

from contracts.call_purposes import AVAILABILITY_CHECK, REHEARSAL, REPAIR_SUFFIX
from contracts.errors import OnrecordError
from contracts.notes import Usage
from model_client import errors
from model_client.durations import format_clock_time, format_seconds
from model_client.ledger.accounting import CallAccounting, CallLabels, sum_known_costs
from model_client.ledger.ledger import Ledger
from model_client.limits.adaptive_concurrency import AdaptiveConcurrencyLimiter
from model_client.limits.circuit_breaker import CircuitBreaker, FailureAttributor
from model_client.limits.rate_limits import RateLimiter, RateLimitPermit
from model_client.requests import ChatMessage, CostAttribution, ModelRequest
from model_client.settings import ModelConfig
from model_client.transport.api_dialect import ApiDialect, CalibratedTokenEstimator
from model_client.transport.availability_question import build_availability_request
from model_client.transport.http_call import CallResult, ChatCompletionCaller
from model_client.transport.http_client import ErrorBodyTruncatingClient
from model_client.transport.http_errors import build_status_error
from model_client.transport.response_parser import build_repair_messages, parse_answer
from model_client.transport.retries import RetryPolicy
from telemetry import metrics

# openai looks at `httpx` whenever it is loaded. While another thread (spaCy's, for one) is half way
# through importing it, a call would fail for that; so it is loaded now, where it is installed.
if find_spec("httpx") is not None:
    import_module("httpx")

A = TypeVar("A", bound=BaseModel)

NO_KEY: Final = "no-key"
"""API key sent where none is set: local endpoints take any, and the client insists on one."""

ENDPOINT_FAILURES: Final = (errors.ServerError, errors.ModelTimeoutError)
"""Failures that may be the endpoint's for everybody; the circuit breaker finds out."""

ANSWERED: Final = (
    errors.RateLimitedError,
    errors.PermanentError,
    errors.RefusalError,
    errors.TruncatedAnswerError,
)
"""Failures that show that the endpoint is reachable."""

AVAILABILITY_TIMEOUT_S: Final = 10.0
"""Longest wait, in seconds, for the answer to the short question whether an endpoint works."""

AVAILABILITY_TURN_S: Final = 1.0
"""Longest wait, in seconds, for its turn within the rate limits."""

NOTEWORTHY_S: Final = 5.0
"""Shortest retry-after, in seconds, that is worth a notice: a shorter one is over before it is
read."""


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """Response of a model: the validated answer, with its token usage and cost.

    Attributes:
        value: the valid answer.
        model: the model, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint.
        usage: tokens of the call, and of the one before if its answer had to be repaired.
        cost_usd: what they cost; None if no price is known.
    """

    value: BaseModel
    model: str
    fingerprint: str
    usage: Usage
    cost_usd: Decimal | None


class ModelEndpoint:
    """Endpoint of one model: makes calls within rate limits, budgets and a circuit breaker.

    Args:
        config: which, and how patient to be.
        ledger: where calls are accounted for; without one they are not.
        share: returns the share of the endpoint's limits that is this replica's, from 0 to 1.
        rate_wait_ceiling_s: longest wait for the rate limit, in seconds.
        retry_after_ceiling_s: longest retry-after that is obeyed; then one call probes.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        ledger: Ledger | None,
        share: Callable[[], float],
        rate_wait_ceiling_s: float,
        retry_after_ceiling_s: float,
    ) -> None:
        self._clock = clock = asyncio.get_running_loop().time
        self.config = config
        metrics.MODELS.register(config.model)
        self.breaker = CircuitBreaker(clock=clock)
        self._blame = FailureAttributor()
        self.limits = RateLimiter(
            clock=clock,
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
            share=share,
            ceiling_s=retry_after_ceiling_s,
        )
        self.concurrency = AdaptiveConcurrencyLimiter(most=config.concurrency)
        self._dialect = ApiDialect(config)
        self._estimate = CalibratedTokenEstimator()
        self._accounts = CallAccounting(config, ledger, self._estimate)
        self._ceiling_s = rate_wait_ceiling_s
        self._client = AsyncOpenAI(
            base_url=config.base_url,
            api_key=config.key or NO_KEY,
            max_retries=0,
            timeout=config.timeout_s,
            http_client=ErrorBodyTruncatingClient(
                base_url=config.base_url, timeout=httpx2.Timeout(config.timeout_s)
            ),
        )
        self._caller = ChatCompletionCaller(config, self._client)

    async def close(self) -> None:
        """Settle all calls in the ledger and close all connections."""
        await self._accounts.close()
        await self._client.close()

    @property
    def notice(self) -> str:
        """What keeps the model from being asked now, and until when; empty if nothing does."""
        config, hold = self.config, self.limits.hold
        name = f"{config.model} at {urlsplit(config.base_url).hostname}"
        if hold is not None and hold.retry_after_s >= NOTEWORTHY_S:
            now = datetime.now(UTC)
            until, probe_at = (
                format_clock_time(now + timedelta(seconds=one - self._clock()), now)
                for one in (hold.until, max(hold.probe_at, self._clock()))
            )
            wait = format_seconds(hold.retry_after_s)
            message = f"throttled until {until} UTC by {name}: retry-after {wait}"
            return message if until == probe_at else f"{message}; one call tries at {probe_at} UTC"
        return f"{name} is down: {self.breaker.reason}" if self.breaker.is_open else ""

    def fits(self, request: ModelRequest[A]) -> bool:
        """Return whether the prompt and the longest answer fit into the model's context."""
        config = self.config
        if config.context_tokens is None:
            return True
        body = self._dialect.build_body(request)
        longest = request.limit_output(config.max_output_tokens)
        return self._estimate.fits(body, longest, config.context_tokens)

    def estimate_max_cost(self, request: ModelRequest[A]) -> Decimal | None:
        """Return the most that one call can cost in US dollars; None if no price is known."""
        return self._accounts.estimate_max_cost(self._dialect.build_body(request))

    async def answer(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        *,
        deadline: float,
        forced: bool = False,
    ) -> ModelResponse:
        """Return a valid answer, after retries and one repair where those may help.

        Args:
            request: what is asked.
            attribution: who pays.
            deadline: when it all must have ended, by the loop's clock, in seconds.
            forced: ask although the breaker is open, as no other model can be asked.

        Raises:
            errors: whatever keeps the model from answering well.
        """
        reply = await self._reply(request, attribution, deadline, forced=forced)
        try:
            return self._given(reply, request)
        except errors.BadOutputError as error:
            if request.parse_text is not None:
                raise
            messages: Sequence[ChatMessage] = [
                *request.messages,
                *build_repair_messages(reply.text, error),
            ]
        again = replace(request, messages=messages)
        repairing = replace(attribution, purpose=attribution.purpose + REPAIR_SUFFIX)
        repaired = await self._reply(again, repairing, deadline, forced=forced)
        return self._given(repaired, request, first=reply)

    def _given(
        self, reply: CallResult, request: ModelRequest[A], first: CallResult | None = None
    ) -> ModelResponse:
        value = _read(reply, request)
        replies = [one for one in (first, reply) if one is not None]
        return ModelResponse(
            value,
            reply.model or self.config.model,
            reply.fingerprint,
            _sum([one.usage or Usage() for one in replies]),
            sum_known_costs([one.cost_usd for one in replies]),
        )

    async def _reply(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        deadline: float,
        *,
        forced: bool,
    ) -> CallResult:
        """Return the model's response, after as many tries as its failures are worth."""
        retrying = RetryPolicy(deadline, self._clock).retrying()
        return await retrying(self._try, request, attribution, deadline, forced=forced)

    async def _try(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        deadline: float,
        *,
        forced: bool,
    ) -> CallResult:
        # Whoever cannot be called is found out before a place in the queue is taken.
        self.breaker.check(forced=forced)
        async with self.concurrency.slot(latest=deadline):
            body = self._dialect.build_body(request)
            admission = await self._admit(body, deadline)
            try:
                # The wait for the turn may have used up the time.
                if self._clock() >= deadline:
                    raise errors.ModelTimeoutError("no time is left for a call")
                return await self._call(request, attribution, admission, deadline, forced=forced)
            finally:
                admission.release_probe()

    async def _admit(self, body: Mapping[str, Any], deadline: float) -> RateLimitPermit:
        latest = min(deadline, self._clock() + self._ceiling_s)
        try:
            return await self.limits.admit(
                self._estimate.estimate_prompt_tokens(body), latest=latest
            )
        except errors.RateLimitedError as error:
            raise errors.RateLimitWaitTooLongError(
                str(error), retry_after=error.retry_after
            ) from error

    async def _call(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        admission: RateLimitPermit,
        deadline: float,
        *,
        forced: bool,
    ) -> CallResult:
        probe, began = self.breaker.admit(forced=forced), self._blame.start_call()
        most_s = self.concurrency.first_token_timeout(self.config.first_token_s, probe=probe)
        reply = CallResult(on_headers=admission.record_headers)
        try:
            body = self._dialect.build_body(request)
            bill = CallLabels(attribution, request.prompt_version)
            async with self._accounts.account_for(body, bill, reply, latest=deadline):
                await self._send(request, reply, deadline, most_s)
        except BaseException as error:
            self._settle(reply, admission, error)
            shown = None if self._is_hurried(reply, error, deadline) else error
            has_failed = self._blame.has_failed(attribution)
            is_to_blame = self._is_to_blame(shown, attribution)
            self._report(shown, probe=probe, is_to_blame=is_to_blame)
            if isinstance(shown, ANSWERED):
                self._blame.record_success(attribution, began)
            if self.breaker.is_open and not is_to_blame and isinstance(error, ENDPOINT_FAILURES):
                if has_failed and forced:
                    admission.release_probe()
                    is_to_blame = await self._answers_others(attribution, deadline)
                # Once the breaker is open, a failure is everybody's: the message waits out the
                # outage and is not counted as failed.
                if not is_to_blame:
                    raise errors.ModelUnavailableError(str(error)) from error
            if is_to_blame and isinstance(error, errors.ModelTimeoutError):
                error.dependency_answers = True
            raise
        self._settle(reply, admission, None)
        self.concurrency.record_success(reply.first_token_s or reply.latency_s)
        self.breaker.record_success()
        self._blame.record_success(attribution, began)
        return reply

    async def _answers_others(self, attribution: CostAttribution, deadline: float) -> bool:
        """Return whether the endpoint answers a short question after a request failed again.

        Requests that are left alone with an endpoint, after all others were served, have nobody
        beside them who would show that it works. Nothing is learnt from the question that holds
        for real ones: patience, sizes, the dialect.
        """
        if attribution.purpose.removesuffix(REPAIR_SUFFIX) == REHEARSAL:
            return False  # which is not to cost more than was said
        until = min(deadline, self._clock() + AVAILABILITY_TIMEOUT_S)
        if self._clock() >= until:
            return False
        request, began = build_availability_request(), self._blame.start_call()
        body = self._dialect.build_body(request)
        checking = replace(attribution, purpose=AVAILABILITY_CHECK)
        try:
            latest = min(until, self._clock() + AVAILABILITY_TURN_S)
            tokens = self._estimate.estimate_prompt_tokens(body)
            admission = await self.limits.admit(tokens, latest=latest)
        except OnrecordError:
            return False
        try:
            self.breaker.admit(forced=True)
        except errors.ModelUnavailableError:  # another one probes
            admission.release_probe()
            return False
        reply, shown = CallResult(on_headers=admission.record_headers), None
        try:
            labels = CallLabels(checking, request.prompt_version)
            async with self._accounts.account_for(body, labels, reply, latest=until):
                await self._send(request, reply, until, AVAILABILITY_TIMEOUT_S, learns=False)
        except OnrecordError as error:
            shown = error
        finally:
            admission.release_probe()
            self.breaker.release_probe(probe=True)
        if reply.usage is not None:
            used = reply.usage.input_tokens + reply.usage.output_tokens
            admission.record_usage(used, answered=False)
        if isinstance(shown, errors.RateLimitedError):
            admission.record_throttled(reply.headers or {})
        elif shown is None or isinstance(shown, ANSWERED):
            admission.record_accepted()
            self.breaker.record_success()
            self._blame.record_available(began)
            return True
        return False

    async def _send(
        self,
        request: ModelRequest[A],
        reply: CallResult,
        deadline: float,
        first_token_s: float,
        *,
        learns: bool = True,
    ) -> None:
        without = self._dialect.unsupported
        # Each refusal leaves out at least one more parameter, so this comes to an end.
        while True:
            body = self._dialect.build_body(request, without)
            try:
                await self._caller.call(body, reply, until=deadline, first_token_s=first_token_s)
            except openai.APIStatusError as refused:
                reply.record_headers(refused.response.headers)
                reworded = self._dialect.adapt_to_refusal(refused, body, without)
                if reworded is None:
                    raise build_status_error(refused) from refused
                without = reworded
            else:
                if learns:
                    self._dialect.record_accepted(body, without, streamed=reply.streamed)
                if learns and reply.usage is not None:
                    self._estimate.calibrate(body, reply.usage)
                return

    def _is_hurried(self, reply: CallResult, error: BaseException, deadline: float) -> bool:
        """Return whether a timeout was the message's, which shows nothing about the endpoint."""
        if not isinstance(error, errors.ModelTimeoutError) or self._clock() < deadline:
            return False
        patience_s = self.concurrency.first_token_timeout(self.config.first_token_s)
        return reply.first_token_s is not None or reply.latency_s < patience_s

    def _settle(
        self, reply: CallResult, admission: RateLimitPermit, error: BaseException | None
    ) -> None:
        """Report to the limiters what the call used, or that it was throttled."""
        if isinstance(error, errors.RateLimitedError):
            admission.record_throttled(reply.headers or {})
            self.concurrency.record_throttled()
            self._show_hold()
            return
        if error is None or isinstance(error, ANSWERED):
            admission.record_accepted()
            self._show_hold()
        if reply.usage is not None:
            used = reply.usage.input_tokens + reply.usage.output_tokens
            admission.record_usage(used, answered=error is None)

    def _show_hold(self) -> None:
        hold = self.limits.hold
        until = 0.0 if hold is None else time.time() + hold.until - self._clock()
        metrics.LLM_THROTTLED_UNTIL.labels(self.config.model).set(until)

    def _is_to_blame(self, error: BaseException | None, attribution: CostAttribution) -> bool:
        """Return whether the request fails while others are served."""
        if not isinstance(error, ENDPOINT_FAILURES):
            return False
        return self._blame.record_failure(attribution)

    def _report(self, error: BaseException | None, *, probe: bool, is_to_blame: bool) -> None:
        """Report to concurrency limiter and breaker what a failed call showed; None: nothing."""
        if isinstance(error, errors.ModelTimeoutError) and not is_to_blame:
            self.concurrency.record_timeout()
        if isinstance(error, ENDPOINT_FAILURES) and not is_to_blame:
            self.breaker.record_failure(str(error), probe=probe)
        elif isinstance(error, errors.ModelUnavailableError):
            self.breaker.trip(str(error), probe=probe)
        elif isinstance(error, ANSWERED):
            self.breaker.record_success()
        else:
            self.breaker.release_probe(probe=probe)


def _read(reply: CallResult, request: ModelRequest[A]) -> A:
    if reply.refusal:
        raise errors.RefusalError("the model refused to answer")
    if reply.finish_reason == "content_filter":
        raise errors.ContentFilterError("the endpoint's content filter stopped the answer")
    if reply.finish_reason == "length":
        raise errors.TruncatedAnswerError("the answer was cut off at its length limit")
    if request.parse_text is not None:
        return request.parse_text(reply.written)
    return parse_answer(
        reply.text, request.response_model, requires_single_object=request.requires_single_object
    )


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(
        input_tokens=sum(one.input_tokens for one in usages),
        cached_tokens=sum(one.cached_tokens for one in usages),
        output_tokens=sum(one.output_tokens for one in usages),
    )
