"""Cost of a model's calls, by genai-prices' table, another model's prices, or configured ones."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import genai_prices

from contracts.notes import Usage
from model_client.settings import TokenPrices

MILLION: Final = Decimal(1_000_000)

BATCH: Final[Mapping[str, str]] = {"processing": "batch"}
"""Name of the table's variant for work handed in as a batch."""

BATCH_SHARE: Final = Decimal("0.5")
"""Share of the usual price where the table knows no variant for batches: OpenAI's Batch API
(platform.openai.com/docs/guides/batch), as Anthropic's, Google's and Mistral's."""


class PriceCalculator:
    """Calculator of the cost of one model's calls, in US dollars, from token counts.

    Args:
        model: its name.
        priced_as: another model by whose prices it goes, whoever serves that.
        base_url: its endpoint. One that the table knows has its own prices; behind any other, such
            as a gateway, the model is priced by its name.
        own: its prices; they go before all others.
    """

    def __init__(
        self,
        model: str,
        *,
        priced_as: str | None = None,
        base_url: str | None = None,
        own: TokenPrices | None = None,
    ) -> None:
        self._own = own
        self._model = priced_as or model
        self._url = None if priced_as else _known_provider(base_url)

    @property
    def are_known(self) -> bool:
        """Whether calls of the model have a price."""
        return self.cost(Usage()) is not None

    def cost(self, usage: Usage, *, batch: bool = False) -> Decimal | None:
        """Return what a call cost, in US dollars; None if no price is known.

        Args:
            usage: tokens of the call; cached ones are part of the prompt's, at a price of their
                own.
            batch: whether it was handed in as part of a batch; given prices do not change by that.
        """
        if self._own is not None:
            return _by_own(self._own, usage)
        try:
            return self._by_table(usage, batch=batch)
        except LookupError:
            return None

    def max_cost(self, prompt_tokens: int, max_output_tokens: int) -> Decimal | None:
        """Return the most a call can cost, in US dollars; None if no price is known.

        Args:
            prompt_tokens: the most tokens its prompt can have.
            max_output_tokens: the longest answer allowed.
        """
        # A few providers ask more for cached tokens than for others.
        cases = [
            self.cost(
                Usage(
                    input_tokens=prompt_tokens,
                    cached_tokens=cached,
                    output_tokens=max_output_tokens,
                )
            )
            for cached in (0, prompt_tokens)
        ]
        return max((one for one in cases if one is not None), default=None)

    def _by_table(self, usage: Usage, *, batch: bool) -> Decimal:
        counted = genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
            output_tokens=usage.output_tokens,
        )
        priced = genai_prices.calc_price(
            counted,
            self._model,
            provider_api_url=self._url,
            price_context=dict(BATCH) if batch else None,
        )
        if not batch or any(one.when == BATCH for one in priced.model.price_variants or ()):
            return priced.total_price
        return priced.total_price * BATCH_SHARE


def _known_provider(url: str | None) -> str | None:
    """Return the URL if the price table has a provider for it, else None."""
    if url is None:
        return None
    try:
        genai_prices.data_snapshot.get_snapshot().find_provider(None, None, url)
    except LookupError:
        return None
    return url


def _by_own(own: TokenPrices, usage: Usage) -> Decimal:
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_price = own.input if own.cached_input is None else own.cached_input
    dollars = (
        own.input * (usage.input_tokens - cached)
        + cached_price * cached
        + own.output * usage.output_tokens
    )
    return dollars / MILLION
