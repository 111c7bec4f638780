"""The one client that calls a language model."""

from model_client.client import Answer, ModelClient
from model_client.settings import ModelSettings

__all__ = ["Answer", "ModelClient", "ModelSettings"]
