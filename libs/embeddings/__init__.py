"""Vectors of texts by a model that the operator supplies: texts of like meaning have near ones."""

from embeddings.model import EmbeddingModel, open_embedding_model

__all__ = ["EmbeddingModel", "open_embedding_model"]
