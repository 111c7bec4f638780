"""Client for a chain of language models: cache first, then one model after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Final, Self, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from contracts.call_purposes import REHEARSAL
from contracts.errors import OnrecordError
from contracts.notes import Usage
from model_client import errors
from model_client.cache.response_cache import CachedResponse, ResponseCache, build_cache_key
from model_client.ledger.accounting import sum_known_costs
from model_client.ledger.ledger import Ledger
from model_client.requests import CostAttribution, ModelRequest, ParsedResponse
from model_client.settings import ModelConfig, ModelSettings
from model_client.transport.endpoint import ModelEndpoint, ModelResponse
from rehearsal import get_rehearsal, outside_rehearsal

log = structlog.get_logger(__name__)
A = TypeVar("A", bound=BaseModel)

DEADLINE_MARGIN_S: Final = 0.1
"""Seconds by which a call ends before the message's deadline, so that the timeout is reported as
the model's and not as messaging's."""

FALLBACK_ERRORS: Final = (
    errors.ModelUnavailableError,
    errors.RateLimitedError,
    errors.ModelTimeoutError,
    errors.ServerError,
    errors.RefusalError,
    errors.BadOutputError,
    errors.PermanentError,
)
"""Failures after which a request goes on to the next model of the chain.

Not an exceeded budget, which is everybody's, nor a truncated answer: that request is to be split,
which costs less than another model's long answer.
"""

REQUEST_REFUSALS: Final = (errors.RequestRefusedError, errors.PromptFilteredError)
"""Refusals by one model that do not predict what another model, or a part of the request, gets."""


CALLS_OF_ONE: Final = 2
"""Calls of one model that a request may be charged for: the answer, and its repair."""


def _all_of_it() -> float:
    return 1.0


class ModelClient:
    """Client of a language model and its fallback models, with a response cache and budgets.

    Args:
        settings: the chain.
        cache: stores responses; without it every request is sent.
        ledger: accounts for calls and holds the budgets; without it nothing does.
        share: returns the share of the endpoints' limits that is this replica's, from 0 to 1.
        chain: the models to ask; those of the settings if None.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        cache: ResponseCache | None = None,
        ledger: Ledger | None = None,
        share: Callable[[], float] = _all_of_it,
        chain: Sequence[ModelConfig] | None = None,
    ) -> None:
        self._settings = settings
        self._chain = settings.chain if chain is None else tuple(chain)
        self._cache = cache
        self._ledger = ledger
        self._share = share
        self._endpoints: tuple[ModelEndpoint, ...] = ()

    @property
    def endpoints(self) -> Sequence[ModelEndpoint]:
        """Models in the order in which they are asked; empty until entered."""
        return self._endpoints

    @property
    def name(self) -> str:
        """The name of the chain's first model."""
        return self._chain[0].model

    @property
    def notice(self) -> str:
        """What keeps models from being asked now or calls from being booked; empty if nothing."""
        ledger = self._ledger.notice if self._ledger is not None else ""
        return "; ".join(filter(None, (*(one.notice for one in self._endpoints), ledger)))

    async def check_dependencies(self) -> None:
        """Check that budgets can be asked, as far as there may be any: every call needs that.

        Raises:
            DatabaseUnavailableError: they cannot be asked, so that every call would be refused.
        """
        if self._ledger is not None:
            await self._ledger.check_availability()

    async def __aenter__(self) -> Self:
        """Build the endpoints; connections are made when they are needed."""
        self._endpoints = tuple(
            ModelEndpoint(
                config,
                ledger=self._ledger,
                share=self._share,
                rate_wait_ceiling_s=self._settings.rate_wait_ceiling_s,
                retry_after_ceiling_s=self._settings.retry_after_ceiling_s,
            )
            for config in self._chain
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Settle all calls in the ledger and close all connections."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def ask(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        *,
        deadline: float = float("inf"),
        accepts_truncated: bool = False,
        models: Sequence[str] = (),
    ) -> ParsedResponse[A]:
        """Return the answer to a request: a cached one, or that of the first model that gives one.

        Args:
            request: what is asked.
            attribution: who pays.
            deadline: when it all must have ended, retries, repair and fallback included, by the
                event loop's clock, in seconds.
            accepts_truncated: whether a cached truncation is raised as such; else the model is
                asked again, as it may have been mended since.
            models: names of those of the chain to ask, in this order; all if empty. Names that the
                chain does not have are left out.

        Raises:
            errors.ModelNotConfiguredError: the chain has none of these models.
            errors.ModelTimeoutError: no answer in time.
            errors.BadOutputError: not what was asked for, also when asked once more.
            errors.RefusalError: refused, or stopped by a content filter.
            errors.TruncatedAnswerError: the answer is too long: ask for less.
            errors.ContextTooLongError: the question is too long: ask for less.
            errors.ServerError: the endpoint failed on this question again and again.
            errors.RateLimitedError: no model has a turn soon enough.
            errors.ModelUnavailableError: no model serves anybody.
            errors.RequestRefusedError: no model will ever take this question.
            errors.PromptFilteredError: no model's content filter will ever let it pass.
            errors.BudgetExceededError: no budget for it.
            errors.PriceUnknownError: there is a budget for it, and the model has no known price.
            DatabaseUnavailableError: there is a budget, and it cannot be asked.
        """
        until = deadline - DEADLINE_MARGIN_S
        chain = self._select(models)
        keys = {one: self._key(request, one) for one in chain}
        if (rehearsal := get_rehearsal()) is not None:
            recorded = await self._find_recorded(
                request, [*keys.values()], accepts_truncated=accepts_truncated
            )
            if recorded is not None:
                rehearsal.calls_cached += 1
                return recorded
            reserved = rehearsal.reserve_call(_max_cost(chain, request))
            booked = replace(attribution, purpose=REHEARSAL)
            try:
                with outside_rehearsal(paying=rehearsal):  # a call that is made counts
                    return await self.ask(
                        request,
                        booked,
                        deadline=deadline,
                        accepts_truncated=accepts_truncated,
                        models=models,
                    )
            finally:
                rehearsal.release_call(reserved)

        async def make() -> tuple[str, CachedResponse]:
            endpoint, response = await self._ask_chain(chain, request, attribution, until)
            return keys[endpoint], response

        if self._cache is None:
            _, response = await make()
            return _to_parsed(response, request, cached=False)
        response, cached = await self._cache.get_or_create(
            [*keys.values()],
            make,
            deadline=until,
            accepts_truncated=accepts_truncated,
            subject=attribution.subject,
        )
        try:
            return _to_parsed(response, request, cached=cached)
        except ValidationError:
            # Stored by an earlier version of the code, whose validation was less strict.
            log.warning("cached_response_outdated", model=response.model)
            _, response = await make()
            return _to_parsed(response, request, cached=False)

    async def _find_recorded(
        self, request: ModelRequest[A], keys: Sequence[str], *, accepts_truncated: bool
    ) -> ParsedResponse[A] | None:
        """Return the recorded answer to a request; None if there is none that holds."""
        if self._cache is None:
            return None
        with outside_rehearsal():  # it only reads
            found = await self._cache.find(keys, accepts_truncated=accepts_truncated)
        try:
            return None if found is None else _to_parsed(found, request, cached=True)
        except ValidationError:
            return None  # a call would be made

    def _select(self, models: Sequence[str]) -> Sequence[ModelEndpoint]:
        if not models:
            return self._endpoints
        chosen = [
            one
            for name in dict.fromkeys(models)
            for one in self._endpoints
            if one.config.model == name
        ]
        if not chosen:
            raise errors.ModelNotConfiguredError(
                "none of the study's models is in the settings (ONRECORD_MODEL, ONRECORD_MODELS): "
                "configure one, or edit the study's"
            )
        return chosen

    def _key(self, request: ModelRequest[A], endpoint: ModelEndpoint) -> str:
        return build_cache_key(request, endpoint.config.model, endpoint.config.parameters)

    async def _ask_chain(
        self,
        chain: Sequence[ModelEndpoint],
        request: ModelRequest[A],
        attribution: CostAttribution,
        deadline: float,
    ) -> tuple[ModelEndpoint, CachedResponse]:
        fitting = [one for one in chain if one.fits(request)]
        if not fitting:
            raise errors.ContextTooLongError("the question is too long for every model")
        nobody_serves = all(one.breaker.is_open for one in fitting)
        failures: list[OnrecordError] = []
        for endpoint in fitting:
            try:
                response = await endpoint.answer(
                    request, attribution, deadline=deadline, forced=nobody_serves
                )
            except FALLBACK_ERRORS as error:
                failures.append(error)
                if endpoint is not fitting[-1]:
                    log.info("fallback", model=endpoint.config.model, code=error.code.value)
            except errors.TruncatedAnswerError:
                return endpoint, CachedResponse(None, endpoint.config.model, "", Usage(), None)
            else:
                return endpoint, _to_cached(response)
        if _serves_shorter(chain, fitting, failures):
            reason = "the question is too long for the models that serve now"
            raise errors.ContextTooLongError(reason)
        raise _deciding_failure(failures)


def _serves_shorter(
    chain: Sequence[ModelEndpoint],
    fitting: Sequence[ModelEndpoint],
    failures: Sequence[OnrecordError],
) -> bool:
    """Return whether all models that fit are away while another serves shorter requests.

    An outage would hold up everybody for the sake of one request that is too long.
    """
    away = all(isinstance(one, errors.ModelUnavailableError) for one in failures)
    others = (one for one in chain if one not in fitting)
    return away and any(not one.breaker.is_open for one in others)


def _max_cost(chain: Sequence[ModelEndpoint], request: ModelRequest[A]) -> Decimal | None:
    """Return the most that a request can cost in US dollars; None if a price is not known.

    Every model of the chain may be asked, and asked to repair its answer.

    Raises:
        errors.ContextTooLongError: no model can be asked.
    """
    fitting = [one for one in chain if one.fits(request)]
    if not fitting:
        raise errors.ContextTooLongError("the question is too long for every model")
    costs = [one.estimate_max_cost(request) for one in fitting]
    total = sum_known_costs(costs)
    return None if total is None else CALLS_OF_ONE * total


def _deciding_failure(failures: Sequence[OnrecordError]) -> OnrecordError:
    """Return the failure that decides what becomes of the message.

    That of the last model that was reachable: as long as one serves, nobody has to wait for the
    others. A rate limit goes before failures of the message's own, as its turn is still to come;
    and what may pass goes before what would be the same again.
    """
    served = [one for one in failures if not isinstance(one, errors.ModelUnavailableError)]
    throttled = [one for one in served if isinstance(one, errors.RateLimitedError)]
    passing = [one for one in served if not isinstance(one, REQUEST_REFUSALS)]
    return (throttled or passing or served or failures)[-1]


def _to_cached(response: ModelResponse) -> CachedResponse:
    return CachedResponse(
        content=response.value.model_dump_json(),
        model=response.model,
        fingerprint=response.fingerprint,
        usage=response.usage,
        cost_usd=response.cost_usd,
    )


def _to_parsed(
    response: CachedResponse, request: ModelRequest[A], *, cached: bool
) -> ParsedResponse[A]:
    if response.content is None:
        raise errors.TruncatedAnswerError("the answer was cut off at its length limit")
    return ParsedResponse(
        value=request.response_model.model_validate_json(response.content),
        model=response.model,
        fingerprint=response.fingerprint,
        usage=response.usage,
        cached=cached,
        cost_usd=response.cost_usd,
    )
