"""Compute vectors of texts by an ONNX model on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import file_digest
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from onnx_models import ModelFolderError, OnnxTextModel, ScoreError, make_batches
from onnx_models.text_model import get_first_line

MODEL_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"

MAX_TOKENS: Final = 256
"""Tokens of a text that are read: what all-MiniLM-L6-v2 reads of one, by its model card."""

MAX_CHARACTERS: Final = 8_192
"""Characters of a text that are made into tokens: the longest takes no longer than others."""

MAX_DIMENSIONS: Final = 2_000
"""Most dimensions of a vector; pgvector's limit for an index (its README, "HNSW")."""

_MAX_BATCH_TOKENS: Final = 2_048
_PROBE: Final = "We pay forty pounds a month."
_NAME_LENGTH: Final = 12
_RANK: Final = 3


@lru_cache(maxsize=2)
def open_embedding_model(folder: Path) -> EmbeddingModel:
    """Open a folder's model, once for each folder.

    Raises:
        ModelError: see ``EmbeddingModel``.
    """
    return EmbeddingModel(folder)


class EmbeddingModel:
    """Embedding model in a folder with ``model.onnx`` and ``tokenizer.json``.

    A text's vector is the mean of the model's vectors of its tokens, of length 1, as models of
    sentence-transformers have it.

    Args:
        folder: where the files are.

    Attributes:
        name: the beginnings of the hashes of both files, wherever they are: vectors of another
            name are not comparable.
        dimensions: numbers of a vector.

    Raises:
        NotInstalledError: onnxruntime, tokenizers or numpy is not installed.
        ModelFolderError: a file is missing, or the model gives no vectors of tokens.
    """

    def __init__(self, folder: Path) -> None:
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ModelFolderError(f"{folder}: there is no {name}")
        self._onnx = OnnxTextModel(
            folder / MODEL_FILE,
            folder / TOKENIZER_FILE,
            output="last_hidden_state",
            purpose="an embedding model",
        )
        self._np = import_module("numpy")
        self.name: Final = "-".join(
            _hash_file(folder / name)[:_NAME_LENGTH] for name in (MODEL_FILE, TOKENIZER_FILE)
        )
        self.dimensions: Final = self._probe(folder)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vector of each text, in order; of long texts, of their beginning.

        Raises:
            ScoreError: the model fails, or a vector is no vector of numbers.
            MemoryError: a batch takes more memory than there is.
        """
        encoded = [self._encode(text) for text in texts]
        vectors: list[list[float]] = [[]] * len(texts)
        for batch in make_batches([len(one.ids) for one in encoded], _MAX_BATCH_TOKENS):
            computed = self._compute([encoded[at] for at in batch])
            for at, vector in zip(batch, computed, strict=True):
                vectors[at] = vector
        return vectors

    def _encode(self, text: str) -> Any:
        encoded = self._onnx.tokenizer.encode(
            self._onnx.special_tokens.sub(" ", text[:MAX_CHARACTERS])
        )
        encoded.truncate(MAX_TOKENS)
        return encoded

    def _compute(self, batch: Sequence[Any]) -> list[list[float]]:
        np = self._np
        output, mask = self._run(batch)
        weights = mask[..., np.newaxis]
        mean = (output * weights).sum(axis=1) / weights.sum(axis=1)
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        if not np.isfinite(mean).all() or not length.all():
            raise ScoreError(f"{self.name} gave a vector that is none")
        return [[float(number) for number in row] for row in mean / length]

    def _run(self, batch: Sequence[Any]) -> tuple[Any, Any]:
        try:
            return self._onnx.run(batch)
        except MemoryError:
            raise
        except Exception as error:  # as many classes as the runtime has error codes
            raise ScoreError(f"{self.name} failed: {get_first_line(error)}") from error

    def _probe(self, folder: Path) -> int:
        """Return the dimensions of one text's vector, so that a model that has none is refused."""
        try:
            output, _ = self._onnx.run([self._encode(_PROBE)])
        except Exception as error:
            reason = get_first_line(error)
            raise ModelFolderError(f"{folder}: the model reads no text: {reason}") from error
        if output.ndim != _RANK or not 1 <= output.shape[2] <= MAX_DIMENSIONS:
            raise ModelFolderError(
                f"{folder}: the model gives {'x'.join(map(str, output.shape))} for one text, and "
                f"no vector of at most {MAX_DIMENSIONS:,} numbers for each token"
            )
        return int(output.shape[2])


def _hash_file(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
