"""Prometheus metrics of model calls, the ledger and the response cache."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

from model_client.transport.http_call import CallResult

CALLS: Final = Counter(
    "onrecord_llm_calls",
    "Calls that ended, by how: answered, or an error's code.",
    ["model", "outcome"],
)
TOKENS: Final = Counter(
    "onrecord_llm_tokens",
    "Tokens used: of prompts without what the provider had cached (input), what it had (cached), "
    "of answers (output).",
    ["model", "kind"],
)
DOLLARS: Final = Counter("onrecord_llm_dollars", "US dollars spent, where known.", ["model"])
BUDGET_REFUSALS: Final = Counter(
    "onrecord_llm_budget_refusals", "Calls a budget did not allow: a study's or a day's.", ["scope"]
)
THROTTLED_UNTIL: Final = Gauge(
    "onrecord_llm_throttled_until_timestamp_seconds",
    "Unix time until which the endpoint asked not to be called; 0 or past: it may be called.",
    ["model"],
)
LEDGER_UNWRITTEN: Final = Gauge(
    "onrecord_llm_ledger_unwritten", "Entries of the ledger that wait for the database."
)
LEDGER_DROPPED: Final = Counter(
    "onrecord_llm_ledger_dropped", "Entries of the ledger that could not be written."
)
CACHE_HITS: Final = Counter(
    "onrecord_llm_cache_hits", "Requests that were answered from the cache.", ["model"]
)
CACHE_MISSES: Final = Counter(
    "onrecord_llm_cache_misses",
    "Requests that were not in the cache, by the model that answered.",
    ["model"],
)
CACHE_SAVED_DOLLARS: Final = Counter(
    "onrecord_llm_cache_saved_dollars", "US dollars that cached responses saved.", ["model"]
)
CACHE_FAILURES: Final = Counter(
    "onrecord_llm_cache_failures",
    "Cache operations that failed, as the database was away, slow or refused.",
)


def record_call_metrics(model: str, outcome: str, reply: CallResult) -> None:
    """Record Prometheus metrics of a finished model call: outcome, tokens and cost.

    Args:
        model: the model that was called.
        outcome: how it ended.
        reply: what came back; its usage and cost count if they are known.
    """
    CALLS.labels(model, outcome).inc()
    if (usage := reply.usage) is not None:
        TOKENS.labels(model, "input").inc(usage.input_tokens - usage.cached_tokens)
        TOKENS.labels(model, "cached").inc(usage.cached_tokens)
        TOKENS.labels(model, "output").inc(usage.output_tokens)
    if reply.cost_usd is not None:
        DOLLARS.labels(model).inc(float(reply.cost_usd))
