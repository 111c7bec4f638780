"""The one client that calls language models."""

from model_client.cache.freshness import use_only_answers_since
from model_client.client import ModelClient
from model_client.ledger.plan_budgets import charge_calls_to_plan
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
    "charge_calls_to_plan",
    "use_only_answers_since",
]
