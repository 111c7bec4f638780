"""Errors of the entailment library; each one's text is one line for people.

EntailmentError
├── NotInstalledError       onnxruntime, tokenizers or numpy is missing
├── ModelFolderError        a file of the model is missing, or is not what it has to be
├── ThresholdsError         the thresholds are missing, broken or of another model
├── CalibrationError        no threshold keeps the false rate on the labelled pairs
└── ScoreError              the model gave a score that is no number
"""

from __future__ import annotations


class EntailmentError(ValueError):
    """Base of all errors that this library raises."""


class NotInstalledError(EntailmentError):
    """Raised when the packages of the pip extra ``entailment`` are not installed."""


class ModelFolderError(EntailmentError):
    """Raised when a model's folder lacks a file, or one of its files is unusable."""


class ThresholdsError(EntailmentError):
    """Raised when a model has no score thresholds, or those of other model files."""


class CalibrationError(EntailmentError):
    """Raised when no threshold on the labelled pairs keeps to the allowed error rate."""


class ScoreError(EntailmentError):
    """Raised when a model's score of a pair is not a number."""
