"""Counting of model calls in metrics."""

from __future__ import annotations

from model_client.transport.http_call import CallResult
from telemetry.metrics import LLM_CALLS, LLM_DOLLARS, LLM_TOKENS


def record_call_metrics(model: str, outcome: str, reply: CallResult) -> None:
    """Record Prometheus metrics of a finished model call: outcome, tokens and cost.

    Args:
        model: the model that was called.
        outcome: how it ended.
        reply: what came back; its usage and cost count if they are known.
    """
    LLM_CALLS.labels(model, outcome).inc()
    if (usage := reply.usage) is not None:
        LLM_TOKENS.labels(model, "input").inc(usage.input_tokens - usage.cached_tokens)
        LLM_TOKENS.labels(model, "cached").inc(usage.cached_tokens)
        LLM_TOKENS.labels(model, "output").inc(usage.output_tokens)
    if reply.cost_usd is not None:
        LLM_DOLLARS.labels(model).inc(float(reply.cost_usd))
