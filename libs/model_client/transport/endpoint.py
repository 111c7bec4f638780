"""One model of the chain: its calls, within its limits, on somebody's account, with retries."""

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

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel

from contracts.notes import Usage
from model_client import errors, metrics
from model_client.durations import clock_time, seconds
from model_client.ledger.accounting import Accounts, Bill, sum_costs
from model_client.ledger.ledger import Ledger
from model_client.limits.adaptive_concurrency import Concurrency
from model_client.limits.circuit_breaker import Blame, Breaker
from model_client.limits.rate_limits import Admission, Limits
from model_client.requests import Account, Message, Question
from model_client.settings import ModelConfig
from model_client.transport.api_dialect import Dialect, TokenEstimate
from model_client.transport.http_call import Caller, Reply
from model_client.transport.http_errors import error_of
from model_client.transport.response_parser import read_answer, repair
from model_client.transport.retries import Tries

# openai looks at `httpx` whenever it is loaded. While another thread (spaCy's, for one) is half way
# through importing it, a call would fail for that; so it is loaded now, where it is installed.
if find_spec("httpx") is not None:
    import_module("httpx")

A = TypeVar("A", bound=BaseModel)

NO_KEY: Final = "no-key"
"""Sent where no key is set: local endpoints take any, and the client insists on one."""

ENDPOINT_FAILURES: Final = (errors.ServerError, errors.ModelTimeoutError)
"""Failures that may be the endpoint's for everybody; the breaker finds out."""

ANSWERED: Final = (
    errors.RateLimitedError,
    errors.PermanentError,
    errors.RefusalError,
    errors.CutOffError,
)
"""Failures that show that the endpoint is there."""

NOTEWORTHY_S: Final = 5.0
"""A told wait that is shorter is over before anybody has read of it, in seconds."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a model gave.

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


class Endpoint:
    """A model at an endpoint.

    Args:
        config: which, and how patient to be.
        ledger: where calls are accounted for; without one they are not.
        share: tells the share of the endpoint's limits that is this replica's, from 0 to 1.
        rate_wait_ceiling_s: longest wait for the rate limit, in seconds.
        retry_after_ceiling_s: longest wait that a 429 may tell; then one call finds out.
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
        self.breaker = Breaker(clock=clock)
        self._blame = Blame()
        self.limits = Limits(
            clock=clock,
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
            share=share,
            ceiling_s=retry_after_ceiling_s,
        )
        self.concurrency = Concurrency(most=config.concurrency)
        self._dialect = Dialect(config)
        self._estimate = TokenEstimate()
        self._accounts = Accounts(config, ledger, self._estimate)
        self._ceiling_s = rate_wait_ceiling_s
        self._client = AsyncOpenAI(
            base_url=config.base_url,
            api_key=config.key or NO_KEY,
            max_retries=0,
            timeout=config.timeout_s,
        )
        self._caller = Caller(config, self._client)

    async def close(self) -> None:
        """Bring the accounts to their end, and close all connections."""
        await self._accounts.close()
        await self._client.close()

    @property
    def notice(self) -> str:
        """What keeps the model from being asked now, and until when; empty if nothing does."""
        config, hold = self.config, self.limits.hold
        name = f"{config.model} at {urlsplit(config.base_url).hostname}"
        if hold is not None and hold.told_s >= NOTEWORTHY_S:
            now = datetime.now(UTC)
            until, probe_at = (
                clock_time(now + timedelta(seconds=one - self._clock()), now)
                for one in (hold.until, max(hold.probe_at, self._clock()))
            )
            told = f"throttled until {until} UTC by {name}: retry-after {seconds(hold.told_s)}"
            return told if until == probe_at else f"{told}; one call tries at {probe_at} UTC"
        return f"{name} is down: {self.breaker.reason}" if self.breaker.is_open else ""

    def fits(self, question: Question[A]) -> bool:
        """Whether the question and the longest answer fit into the model's context."""
        config = self.config
        if config.context_tokens is None:
            return True
        request = self._dialect.request(question)
        return self._estimate.fits(request, config.max_output_tokens, config.context_tokens)

    async def answer(
        self, question: Question[A], account: Account, *, deadline: float, forced: bool = False
    ) -> Given:
        """Ask, again where that may help, until there is a valid answer.

        Args:
            question: what is asked.
            account: who pays.
            deadline: when it all must have ended, by the loop's clock, in seconds.
            forced: ask although the breaker is open, as nobody else can be asked.

        Raises:
            errors: whatever keeps the model from answering well.
        """
        reply = await self._reply(question, account, deadline, forced=forced)
        try:
            return self._given(reply, question)
        except errors.BadOutputError as error:
            messages: Sequence[Message] = [*question.messages, *repair(reply.text, error)]
        again = replace(question, messages=messages)
        repairing = replace(account, purpose=f"{account.purpose}-repair")
        repaired = await self._reply(again, repairing, deadline, forced=forced)
        return self._given(repaired, question, first=reply)

    def _given(self, reply: Reply, question: Question[A], first: Reply | None = None) -> Given:
        value = _read(reply, question)
        replies = [one for one in (first, reply) if one is not None]
        return Given(
            value,
            reply.model or self.config.model,
            reply.fingerprint,
            _sum([one.usage or Usage() for one in replies]),
            sum_costs([one.cost_usd for one in replies]),
        )

    async def _reply(
        self, question: Question[A], account: Account, deadline: float, *, forced: bool
    ) -> Reply:
        """What the model says, after as many tries as its failures are worth."""
        retrying = Tries(deadline, self._clock).retrying()
        return await retrying(self._try, question, account, deadline, forced=forced)

    async def _try(
        self, question: Question[A], account: Account, deadline: float, *, forced: bool
    ) -> Reply:
        # Whoever cannot be called is found out before a place in the queue is taken.
        self.breaker.check(forced=forced)
        async with self.concurrency.slot(latest=deadline):
            request = self._dialect.request(question)
            admission = await self._admit(request, deadline)
            try:
                if self._clock() >= deadline:
                    raise errors.ModelTimeoutError("no time is left for a call")
                return await self._call(question, account, admission, deadline, forced=forced)
            finally:
                admission.given_up()

    async def _admit(self, request: Mapping[str, Any], deadline: float) -> Admission:
        latest = min(deadline, self._clock() + self._ceiling_s)
        try:
            return await self.limits.admit(self._estimate.tokens(request), latest=latest)
        except errors.RateLimitedError as error:
            raise errors.TurnTooFarError(str(error), retry_after=error.retry_after) from error

    async def _call(
        self,
        question: Question[A],
        account: Account,
        admission: Admission,
        deadline: float,
        *,
        forced: bool,
    ) -> Reply:
        probe, began = self.breaker.admit(forced=forced), self._blame.begin()
        most_s = self.concurrency.patience(self.config.first_token_s, probe=probe)
        reply = Reply(on_headers=admission.heard)
        try:
            request = self._dialect.request(question)
            bill = Bill(account, question.prompt_version)
            async with self._accounts.entry(request, bill, reply, latest=deadline):
                await self._send(question, reply, deadline, most_s)
        except BaseException as error:
            self._settle(reply, admission, error)
            shown = None if self._is_hurried(reply, error, deadline) else error
            is_to_blame = self._is_to_blame(shown, account)
            self._report(shown, probe=probe, is_to_blame=is_to_blame)
            if isinstance(shown, ANSWERED):
                self._blame.served(account, began)
            is_outage = self.breaker.is_open and not is_to_blame
            if is_outage and isinstance(error, ENDPOINT_FAILURES):
                raise errors.ModelUnavailableError(str(error)) from error
            raise
        self._settle(reply, admission, None)
        self.concurrency.answered(reply.first_token_s or reply.latency_s)
        self.breaker.succeeded()
        self._blame.served(account, began)
        return reply

    async def _send(
        self, question: Question[A], reply: Reply, deadline: float, first_token_s: float
    ) -> None:
        without = self._dialect.lacks
        while True:
            request = self._dialect.request(question, without)
            try:
                await self._caller.call(request, reply, until=deadline, first_token_s=first_token_s)
            except openai.APIStatusError as refused:
                reply.begin(refused.response.headers)
                reworded = self._dialect.reword(refused, request, without)
                if reworded is None:
                    raise error_of(refused) from refused
                without = reworded
            else:
                self._dialect.took(request, without, streamed=reply.streamed)
                if reply.usage is not None:
                    self._estimate.correct(request, reply.usage)
                return

    def _is_hurried(self, reply: Reply, error: BaseException, deadline: float) -> bool:
        """Whether it was the message that had no time, which says nothing of the endpoint."""
        if not isinstance(error, errors.ModelTimeoutError) or self._clock() < deadline:
            return False
        patience_s = self.concurrency.patience(self.config.first_token_s)
        return reply.first_token_s is not None or reply.latency_s < patience_s

    def _settle(self, reply: Reply, admission: Admission, error: BaseException | None) -> None:
        """Tell the limits what the call used, or that it was one too many."""
        if isinstance(error, errors.RateLimitedError):
            admission.refused(reply.headers or {})
            self.concurrency.throttled()
            self._show_hold()
            return
        if error is None or isinstance(error, ANSWERED):
            admission.let_in()
            self._show_hold()
        if reply.usage is not None:
            used = reply.usage.input_tokens + reply.usage.output_tokens
            admission.settled(used, answered=error is None)

    def _show_hold(self) -> None:
        hold = self.limits.hold
        until = 0.0 if hold is None else time.time() + hold.until - self._clock()
        metrics.THROTTLED_UNTIL.labels(self.config.model).set(until)

    def _is_to_blame(self, error: BaseException | None, account: Account) -> bool:
        """Whether a question fails while others are served."""
        if not isinstance(error, ENDPOINT_FAILURES):
            return False
        return self._blame.failed(account)

    def _report(self, error: BaseException | None, *, probe: bool, is_to_blame: bool) -> None:
        """Tell concurrency and breaker what a call showed that failed; None: nothing."""
        if isinstance(error, errors.ModelTimeoutError):
            self.concurrency.timed_out()
        if isinstance(error, ENDPOINT_FAILURES) and not is_to_blame:
            self.breaker.failed(str(error), probe=probe)
        elif isinstance(error, errors.ModelUnavailableError):
            self.breaker.broken(str(error), probe=probe)
        elif isinstance(error, ANSWERED):
            self.breaker.succeeded()
        else:
            self.breaker.given_up(probe=probe)


def _read(reply: Reply, question: Question[A]) -> A:
    if reply.refusal:
        raise errors.RefusalError("the model refused to answer")
    if reply.finish_reason == "content_filter":
        raise errors.ContentFilterError("the endpoint's content filter stopped the answer")
    if reply.finish_reason == "length":
        raise errors.CutOffError("the answer was cut off at its length limit")
    return read_answer(reply.text, question.answer, is_alone=question.is_alone)


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(
        input_tokens=sum(one.input_tokens for one in usages),
        cached_tokens=sum(one.cached_tokens for one in usages),
        output_tokens=sum(one.output_tokens for one in usages),
    )
