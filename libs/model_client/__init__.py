"""The one client that calls language models."""

from model_client.cache.freshness import answers_kept_since
from model_client.client import ModelClient
from model_client.ledger.paying_plans import calls_paid_by
from model_client.requests import (
    ChatMessage,
    CostAttribution,
    ModelRequest,
    ParsedResponse,
    PlanBudget,
)
from model_client.settings import ModelConfig, ModelSettings

__all__ = [
    "ChatMessage",
    "CostAttribution",
    "ModelClient",
    "ModelConfig",
    "ModelRequest",
    "ModelSettings",
    "ParsedResponse",
    "PlanBudget",
    "answers_kept_since",
    "calls_paid_by",
]
