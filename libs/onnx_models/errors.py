"""Errors of models that an operator supplies; each one's text is one line for people.

ModelError
├── NotInstalledError       onnxruntime, tokenizers or numpy is missing
├── ModelFolderError        a file of the model is missing, or is not what it has to be
└── ScoreError              the model gave what is no number
"""

from __future__ import annotations


class ModelError(ValueError):
    """Base of all errors of models in ONNX's format."""


class NotInstalledError(ModelError):
    """Raised when packages of a pip extra that runs such models are not installed."""


class ModelFolderError(ModelError):
    """Raised when a model's folder lacks a file, or one of its files is unusable."""


class ScoreError(ModelError):
    """Raised when what a model returned for a text is not a number."""
