"""ONNX models of texts on the CPU: their files, their tokenizer, their inputs, and batches."""

from onnx_models.errors import ModelError, ModelFolderError, NotInstalledError, ScoreError
from onnx_models.text_model import OnnxTextModel, make_batches

__all__ = [
    "ModelError",
    "ModelFolderError",
    "NotInstalledError",
    "OnnxTextModel",
    "ScoreError",
    "make_batches",
]
