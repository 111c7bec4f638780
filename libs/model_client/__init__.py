"""The one client that calls language models."""

from model_client.client import ModelClient
from model_client.requests import Account, Answer, Message, Question
from model_client.settings import ModelConfig, ModelSettings

__all__ = [
    "Account",
    "Answer",
    "Message",
    "ModelClient",
    "ModelConfig",
    "ModelSettings",
    "Question",
]
