from decimal import Decimal

from prometheus_client import REGISTRY

from contracts.notes import Usage
from model_client.metrics import record_call_metrics
from model_client.transport.http_call import CallResult
from telemetry.metrics import MODELS

MODEL = "counted-here"


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"onrecord_llm_{name}_total", {"model": MODEL, **labels})


def test_a_call_counts_by_outcome_tokens_by_kind_and_dollars() -> None:
    MODELS.register(MODEL)
    usage = Usage(input_tokens=100, cached_tokens=60, output_tokens=7)
    record_call_metrics(MODEL, "answered", CallResult(usage=usage, cost_usd=Decimal("0.25")))
    record_call_metrics(MODEL, "llm_timeout", CallResult())
    assert value("calls", outcome="answered") == 1
    assert value("calls", outcome="llm_timeout") == 1
    assert value("tokens", kind="input") == 40
    assert value("tokens", kind="cached") == 60
    assert value("tokens", kind="output") == 7
    assert value("dollars") == 0.25
