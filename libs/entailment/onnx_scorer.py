"""Score pairs by an ONNX model on the CPU, with one thread, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from entailment.files import (
    HYPOTHESIS,
    MODEL_FILE,
    OPTIONS_FILE,
    PREMISE,
    TOKENIZER_FILE,
    ModelFolder,
)
from entailment.ports import TextPair
from onnx_models import ModelFolderError, OnnxTextModel, ScoreError, make_batches
from onnx_models.text_model import get_first_line

_MAX_CLASSES: Final = 3
_MAX_BATCH_TOKENS: Final = 512
"""Tokens of a batch, padding included: they bound the memory that a batch takes."""
_MEASURED_TEXTS: Final = 4_096
_PROBE: Final = TextPair("Ann: We pay forty pounds.", "Ann pays forty pounds.")
_PROBE_ROOM: Final = 16
PURPOSE: Final = "an entailment model"


class OnnxScorer:
    """Entailment scorer of text pairs, by an ONNX classifier with one, two or three classes.

    A score is the probability of the class that means "follows": the logistic function of a single
    logit, or the softmax over two or three. A pair is one input of the model: two texts as its
    tokenizer joins them, or one text by the folder's template.

    Args:
        model: the model's folder, read.

    Raises:
        NotInstalledError: the extra is not installed.
        ModelFolderError: the model or the tokenizer cannot be loaded, asks for other inputs, has
            other classes, or gives a score that is no number for a plain pair.
    """

    def __init__(self, model: ModelFolder) -> None:
        self._onnx = OnnxTextModel(
            model.folder / MODEL_FILE,
            model.folder / TOKENIZER_FILE,
            output="logits",
            purpose=PURPOSE,
        )
        self._np = import_module("numpy")
        self._model = model
        self._pair_overhead = len(self._encode(TextPair("", "")).ids)
        self._measure = lru_cache(maxsize=_MEASURED_TEXTS)(self._find_token_ends)
        self._probe()

    @property
    def name(self) -> str:
        """The model's name with the beginning of the hash of its file."""
        return self._model.name

    @property
    def pair_tokens(self) -> int:
        """Tokens that a premise and a hypothesis may have together."""
        return self._model.max_tokens - self._pair_overhead

    @property
    def window_tokens(self) -> int:
        """Tokens of a premise at most."""
        return self._model.window_tokens

    def find_token_ends(self, text: str) -> Sequence[int]:
        """Return for each token of a text where it ends, in characters."""
        return self._measure(text)

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """Return for each pair how likely its hypothesis follows from its premise, from 0 to 1.

        Raises:
            ScoreError: a score is no number.
            MemoryError: a batch takes more memory than there is.
        """
        encoded = [self._encode(one) for one in pairs]
        scores = [0.0] * len(pairs)
        for batch in make_batches([len(one.ids) for one in encoded], _MAX_BATCH_TOKENS):
            found = self._compute_scores([encoded[at] for at in batch])
            for at, score in zip(batch, found, strict=True):
                scores[at] = score
        return scores

    def _find_token_ends(self, text: str) -> tuple[int, ...]:
        encoded = self._onnx.tokenizer.encode(text, add_special_tokens=False)
        return tuple(end for _, end in encoded.offsets)

    def _encode(self, pair: TextPair) -> Any:
        # What people say or a drafting model writes must not look like the model's own separators.
        premise, hypothesis = (
            self._onnx.special_tokens.sub(" ", text) for text in (pair.premise, pair.hypothesis)
        )
        if self._model.template is None:
            encoded = self._onnx.tokenizer.encode(premise, hypothesis)
        else:
            encoded = self._onnx.tokenizer.encode(_fill(self._model.template, premise, hypothesis))
        # Windows fit; where a tokenizer joins texts into more tokens than it makes of each, the
        # last ones are left out rather than the model fail.
        encoded.truncate(self._model.max_tokens)
        return encoded

    def _compute_scores(self, batch: Sequence[Any]) -> list[float]:
        output, _ = self._onnx.run(batch)
        logits = self._np.asarray(output, dtype=self._np.float64)
        return self._turn_into_scores(logits.reshape(len(batch), -1))

    def _turn_into_scores(self, logits: Any) -> list[float]:
        np = self._np
        if not np.isfinite(logits).all():
            raise ScoreError(f"{self.name} gave a score that is no number")
        if logits.shape[1] == 1:
            with np.errstate(over="ignore"):
                scores = 1.0 / (1.0 + np.exp(-logits[:, 0]))
        else:
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores = powers[:, self._model.entailed_class] / powers.sum(axis=1)
        return [float(one) for one in scores]

    def _probe(self) -> None:
        """Score one pair, so that a model that cannot is refused before notes are scored."""
        folder = self._model.folder
        try:
            logits, _ = self._onnx.run([self._encode(_PROBE)])
        except Exception as error:
            reason = get_first_line(error)
            raise ModelFolderError(f"{folder}: the model scores no pair: {reason}") from error
        _validate_classes(self._model, logits.shape)
        if self.pair_tokens < _PROBE_ROOM:
            raise ModelFolderError(
                f"{folder}: inputs of {self._model.max_tokens} tokens leave no room for a pair"
            )
        self.score([_PROBE])


def _fill(template: str, premise: str, hypothesis: str) -> str:
    """Put both texts into a template; braces in the texts mean nothing."""
    texts = {PREMISE: premise, HYPOTHESIS: hypothesis}
    first, second = sorted(texts, key=template.index)
    before, rest = template.split(first)
    between, after = rest.split(second)
    return f"{before}{texts[first]}{between}{texts[second]}{after}"


def _validate_classes(model: ModelFolder, shape: tuple[int, ...]) -> None:
    """Raise unless a single pair's output is the logits of known classes."""
    file, classes = model.folder / MODEL_FILE, shape[-1] if shape else 0
    is_flat = shape in {(1,), (1, classes)}
    if not is_flat or not 1 <= classes <= _MAX_CLASSES:
        raise ModelFolderError(
            f"{file}: gives {'x'.join(map(str, shape)) or 'one number'} for one pair; a sequence "
            "classifier gives 1x1, 1x2 or 1x3"
        )
    if model.labels and len(model.labels) != classes:
        raise ModelFolderError(
            f"{file}: has {classes} classes, and id2label names {len(model.labels)}"
        )
    if classes > 1 and model.entailed_class is None:
        labels = ", ".join(model.labels) or "without names"
        raise ModelFolderError(
            f"{file}: which of the classes ({labels}) means that the hypothesis follows? Set "
            f"entailed_class in {OPTIONS_FILE}, from 0"
        )
    if model.entailed_class is not None and model.entailed_class >= classes:
        raise ModelFolderError(
            f"{file}: has {classes} classes, and none with the number {model.entailed_class}"
        )
