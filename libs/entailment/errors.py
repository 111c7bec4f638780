"""Errors of the entailment library, beside those of ``onnx_models``; each text is one line.

ModelError                  of onnx_models
├── NotInstalledError       of onnx_models: onnxruntime, tokenizers or numpy is missing
├── ModelFolderError        of onnx_models: a file is missing, or is not what it has to be
├── ScoreError              of onnx_models: the model gave a score that is no number
├── ThresholdsError         the thresholds are missing, broken or of another model
└── CalibrationError        no threshold keeps the false rate on the labelled pairs
"""

from __future__ import annotations

from onnx_models.errors import ModelError


class ThresholdsError(ModelError):
    """Raised when a model has no score thresholds, or those of other model files."""


class CalibrationError(ModelError):
    """Raised when no threshold on the labelled pairs keeps to the allowed error rate."""
