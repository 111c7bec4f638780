"""The one client that calls language models: cache, then the chain of models, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from contracts.errors import OnrecordError
from contracts.notes import Usage
from model_client import errors
from model_client.cache.response_cache import Answers, Kept, key
from model_client.ledger.ledger import Ledger
from model_client.requests import Account, Answer, Question
from model_client.settings import ModelSettings
from model_client.transport.endpoint import Endpoint, Given

log = structlog.get_logger(__name__)
A = TypeVar("A", bound=BaseModel)

MARGIN_S: Final = 0.1
"""A call ends this long before the message's deadline, so that it is known for what it is."""

NEXT_MAY_HELP: Final = (
    errors.ModelUnavailableError,
    errors.RateLimitedError,
    errors.ModelTimeoutError,
    errors.ServerError,
    errors.RefusalError,
    errors.BadOutputError,
    errors.PermanentError,
)
"""Failures with which a question goes on to the next model of the chain.

Not with an exceeded budget, which is everybody's, nor with an answer that was cut off: its question
is to be split, which costs less than another model's long answer.
"""

NEVER_TAKEN: Final = (errors.RequestRefusedError, errors.QuestionFilteredError)
"""Refusals of a model that say nothing of what another model, or a part of the question, may do."""


def _all_of_it() -> float:
    return 1.0


class ModelClient:
    """Asks the models of a chain, each within its limits, and pays for no answer twice.

    Args:
        settings: the chain.
        answers: keeps answers; without it every question is asked.
        ledger: accounts for calls and holds the budgets; without it nothing does.
        share: tells the share of the endpoints' limits that is this replica's, from 0 to 1.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        answers: Answers | None = None,
        ledger: Ledger | None = None,
        share: Callable[[], float] = _all_of_it,
    ) -> None:
        self._settings = settings
        self._answers = answers
        self._ledger = ledger
        self._share = share
        self._endpoints: tuple[Endpoint, ...] = ()

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The models in the order in which they are asked; empty until entered."""
        return self._endpoints

    @property
    def notice(self) -> str:
        """What keeps models from being asked now, and until when; empty if nothing does."""
        return "; ".join(filter(None, (endpoint.notice for endpoint in self._endpoints)))

    async def __aenter__(self) -> Self:
        """Get ready; connections are made when they are needed."""
        self._endpoints = tuple(
            Endpoint(
                config,
                ledger=self._ledger,
                share=self._share,
                rate_wait_ceiling_s=self._settings.rate_wait_ceiling_s,
                retry_after_ceiling_s=self._settings.retry_after_ceiling_s,
            )
            for config in self._settings.chain
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Settle all accounts and close all connections."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def ask(
        self,
        question: Question[A],
        account: Account,
        *,
        deadline: float = float("inf"),
        takes_cut_off: bool = False,
    ) -> Answer[A]:
        """The answer to a question: a kept one, or what the first model gives that can.

        Args:
            question: what is asked.
            account: who pays.
            deadline: when it all must have ended, retries, repair and fallback included, by the
                event loop's clock, in seconds.
            takes_cut_off: whether it helps to be told that the answer was cut off when it was asked
                for before; else it is asked for again, as the model may have been mended since.

        Raises:
            errors.ModelTimeoutError: no answer in time.
            errors.BadOutputError: not what was asked for, also when asked once more.
            errors.RefusalError: refused, or stopped by a content filter.
            errors.CutOffError: the answer is too long: ask for less.
            errors.ContextTooLongError: the question is too long: ask for less.
            errors.ServerError: the endpoint failed on this question again and again.
            errors.RateLimitedError: no model has a turn soon enough.
            errors.ModelUnavailableError: no model serves anybody.
            errors.RequestRefusedError: no model will ever take this question.
            errors.QuestionFilteredError: no model's content filter will ever let it pass.
            errors.BudgetExceededError: no budget for it.
            errors.PriceUnknownError: there is a budget for it, and nobody knows what it costs.
            DatabaseUnavailableError: there is a budget, and it cannot be asked.
        """
        until = deadline - MARGIN_S
        keys = {one: self._key(question, one) for one in self._endpoints}

        async def make() -> tuple[str, Kept]:
            endpoint, kept = await self._ask_in_turn(question, account, until)
            return keys[endpoint], kept

        if self._answers is None:
            _, kept = await make()
            return _answer(kept, question, cached=False)
        kept, cached = await self._answers.once(
            [*keys.values()], make, deadline=until, takes_cut_off=takes_cut_off
        )
        try:
            return _answer(kept, question, cached=cached)
        except ValidationError:
            # Kept by an earlier version of the code, whose answers were looked at less strictly.
            log.warning("kept_answer_outdated", model=kept.model)
            _, kept = await make()
            return _answer(kept, question, cached=False)

    def _key(self, question: Question[A], endpoint: Endpoint) -> str:
        return key(question, endpoint.config.model, endpoint.config.parameters)

    async def _ask_in_turn(
        self, question: Question[A], account: Account, deadline: float
    ) -> tuple[Endpoint, Kept]:
        fitting = [one for one in self._endpoints if one.fits(question)]
        if not fitting:
            raise errors.ContextTooLongError("the question is too long for every model")
        nobody_serves = all(one.breaker.is_open for one in fitting)
        failures: list[OnrecordError] = []
        for endpoint in fitting:
            try:
                given = await endpoint.answer(
                    question, account, deadline=deadline, forced=nobody_serves
                )
            except NEXT_MAY_HELP as error:
                failures.append(error)
                if endpoint is not fitting[-1]:
                    log.info("fallback", model=endpoint.config.model, code=error.code.value)
            except errors.CutOffError:
                return endpoint, Kept(None, endpoint.config.model, "", Usage(), None)
            else:
                return endpoint, _kept(given)
        if self._serves_shorter(fitting, failures):
            told = "the question is too long for the models that serve now"
            raise errors.ContextTooLongError(told)
        raise _decisive(failures)

    def _serves_shorter(
        self, fitting: Sequence[Endpoint], failures: Sequence[OnrecordError]
    ) -> bool:
        """Whether all that can take the question are away, and another would take half of it.

        An outage would hold up everybody for the sake of a question that is too long.
        """
        away = all(isinstance(one, errors.ModelUnavailableError) for one in failures)
        others = (one for one in self._endpoints if one not in fitting)
        return away and any(not one.breaker.is_open for one in others)


def _decisive(failures: Sequence[OnrecordError]) -> OnrecordError:
    """The failure that says what becomes of the message.

    Of the last model that was there at all: as long as one serves, nobody has to wait for the
    others. A rate limit goes before failures of the message's own, as its turn is still to come;
    and what may pass goes before what would be the same again.
    """
    served = [one for one in failures if not isinstance(one, errors.ModelUnavailableError)]
    throttled = [one for one in served if isinstance(one, errors.RateLimitedError)]
    passing = [one for one in served if not isinstance(one, NEVER_TAKEN)]
    return (throttled or passing or served or failures)[-1]


def _kept(given: Given) -> Kept:
    return Kept(
        content=given.value.model_dump_json(),
        model=given.model,
        fingerprint=given.fingerprint,
        usage=given.usage,
        cost_usd=given.cost_usd,
    )


def _answer(kept: Kept, question: Question[A], *, cached: bool) -> Answer[A]:
    if kept.content is None:
        raise errors.CutOffError("the answer was cut off at its length limit")
    return Answer(
        value=question.answer.model_validate_json(kept.content),
        model=kept.model,
        fingerprint=kept.fingerprint,
        usage=kept.usage,
        cached=cached,
    )
