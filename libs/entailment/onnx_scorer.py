"""Score pairs by an ONNX model on the CPU, with one thread, in batches of bounded size.

The packages of the extra ``entailment`` are imported when a model is opened. A model is a graph of
the runtime's own operators: no code comes with it, and custom operators are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from entailment.errors import ModelFolderError, NotInstalledError, ScoreError
from entailment.files import (
    HYPOTHESIS,
    MODEL_FILE,
    OPTIONS_FILE,
    PREMISE,
    TOKENIZER_FILE,
    ModelFolder,
)
from entailment.ports import TextPair

_PACKAGES: Final = ("onnxruntime", "tokenizers", "numpy")
_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
_INTEGERS: Final = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
_MAX_CLASSES: Final = 3
_MAX_BATCH_TOKENS: Final = 512
"""Tokens of a batch, padding included: they bound the memory that a batch takes."""
_MEASURED_TEXTS: Final = 4_096
_PROBE: Final = TextPair("Ann: We pay forty pounds.", "Ann pays forty pounds.")
_ERRORS_ONLY: Final = 3
_EXTERNAL_DATA: Final = b"\x0a\x08location\x12"
"""The key that a tensor has whose data is in another file, which nobody hashed, as bytes."""


def require_entailment_packages() -> None:
    """Raise ``NotInstalledError`` unless the packages of the extra ``entailment`` are installed.

    Raises:
        NotInstalledError: one of them is not.
    """
    if any(find_spec(name) is None for name in _PACKAGES):
        raise NotInstalledError(
            "an entailment model needs onnxruntime and tokenizers: install onrecord[entailment]"
        )


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
        require_entailment_packages()
        self._np = import_module("numpy")
        self._model = model
        self._tokenizer = _load_tokenizer(model.folder / TOKENIZER_FILE)
        self._special = _match_special_tokens(self._tokenizer)
        self._session = _load_session(model.folder / MODEL_FILE)
        self._inputs = _read_inputs(model, self._session)
        self._output = _find_output(model, self._session)
        self._pad_id, self._pad_type_id = self._take_padding()
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
        for batch in _make_batches([len(one.ids) for one in encoded]):
            found = self._compute_scores([encoded[at] for at in batch])
            for at, score in zip(batch, found, strict=True):
                scores[at] = score
        return scores

    def _find_token_ends(self, text: str) -> tuple[int, ...]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return tuple(end for _, end in encoded.offsets)

    def _encode(self, pair: TextPair) -> Any:
        # What people say or a drafting model writes must not look like the model's own separators.
        premise, hypothesis = (
            self._special.sub(" ", text) for text in (pair.premise, pair.hypothesis)
        )
        if self._model.template is None:
            encoded = self._tokenizer.encode(premise, hypothesis)
        else:
            encoded = self._tokenizer.encode(_fill(self._model.template, premise, hypothesis))
        # Windows fit; where a tokenizer joins texts into more tokens than it makes of each, the
        # last ones are left out rather than the model fail.
        encoded.truncate(self._model.max_tokens)
        return encoded

    def _compute_scores(self, batch: Sequence[Any]) -> list[float]:
        np = self._np
        shape = (len(batch), max(len(one.ids) for one in batch))
        columns = {
            "input_ids": np.full(shape, self._pad_id, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.full(shape, self._pad_type_id, dtype=np.int64),
        }
        for row, one in enumerate(batch):
            length = len(one.ids)
            columns["input_ids"][row, :length] = one.ids
            columns["attention_mask"][row, :length] = 1
            columns["token_type_ids"][row, :length] = one.type_ids
        feeds = {name: columns[name].astype(kind) for name, kind in self._inputs.items()}
        logits = np.asarray(self._run(feeds), dtype=np.float64)
        return self._turn_into_scores(logits.reshape(len(batch), -1))

    def _run(self, feeds: dict[str, Any]) -> Any:
        try:
            return self._session.run([self._output], feeds)[0]
        except Exception as error:  # as many classes as the runtime has error codes
            if "alloc" in str(error).casefold():  # bad_alloc, or an arena that cannot grow
                raise MemoryError(f"{self.name} ran out of memory") from error
            raise

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

    def _take_padding(self) -> tuple[int, int]:
        """Return the tokenizer's padding, and make it pad and cut nothing by itself."""
        padding = self._tokenizer.padding or {}
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        return padding.get("pad_id", 0), padding.get("pad_type_id", 0)

    def _probe(self) -> None:
        """Score one pair, so that a model that cannot is refused before notes are scored."""
        folder = self._model.folder
        np = self._np
        encoded = self._encode(_PROBE)
        columns = (encoded.ids, encoded.attention_mask, encoded.type_ids)
        known = dict(zip(_INPUTS, columns, strict=True))
        feeds = {name: np.array([known[name]], dtype=kind) for name, kind in self._inputs.items()}
        try:
            logits = np.asarray(self._run(feeds))
        except Exception as error:
            reason = _first_line(error)
            raise ModelFolderError(f"{folder}: the model scores no pair: {reason}") from error
        _validate_classes(self._model, logits.shape)
        if self.pair_tokens < _PROBE_ROOM:
            raise ModelFolderError(
                f"{folder}: inputs of {self._model.max_tokens} tokens leave no room for a pair"
            )
        self.score([_PROBE])


_PROBE_ROOM: Final = 16


def _match_special_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Return a pattern that matches a tokenizer's special tokens where a text has them."""
    added = tokenizer.get_added_tokens_decoder().values()
    contents = sorted((one.content for one in added if one.special), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, contents)) or r"(?!)")


def _fill(template: str, premise: str, hypothesis: str) -> str:
    """Put both texts into a template; braces in the texts mean nothing."""
    texts = {PREMISE: premise, HYPOTHESIS: hypothesis}
    first, second = sorted(texts, key=template.index)
    before, rest = template.split(first)
    between, after = rest.split(second)
    return f"{before}{texts[first]}{between}{texts[second]}{after}"


def _make_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the numbers of inputs of like length, so many that with padding they stay bounded."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[at] > _MAX_BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _load_tokenizer(file: Path) -> Any:
    try:
        return import_module("tokenizers").Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain exceptions
        raise ModelFolderError(f"{file}: is no tokenizer: {_first_line(error)}") from error


def _load_session(file: Path) -> Any:
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Memory that a batch took goes back, so that a process does not look as if it leaked.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    graph = file.read_bytes()
    if _EXTERNAL_DATA in graph:
        raise ModelFolderError(f"{file}: has weights in other files; export it into one")
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as many classes as the runtime has error codes
        raise ModelFolderError(f"{file}: is no ONNX model: {_first_line(error)}") from error


def _read_inputs(model: ModelFolder, session: Any) -> dict[str, str]:
    """Return the type of each of the model's inputs."""
    file = model.folder / MODEL_FILE
    inputs = {one.name: one.type for one in session.get_inputs()}
    unknown = [name for name in inputs if name not in _INPUTS]
    if unknown or "input_ids" not in inputs:
        raise ModelFolderError(
            f"{file}: takes the inputs {', '.join(inputs)}; known are {', '.join(_INPUTS)}"
        )
    for name, kind in inputs.items():
        if kind not in _INTEGERS:
            raise ModelFolderError(f"{file}: the input {name} is {kind}, and no whole numbers")
    return {name: _INTEGERS[kind] for name, kind in inputs.items()}


def _find_output(model: ModelFolder, session: Any) -> str:
    names = [str(one.name) for one in session.get_outputs()]
    if "logits" in names:
        return "logits"
    if len(names) > 1:
        raise ModelFolderError(
            f"{model.folder / MODEL_FILE}: has the outputs {', '.join(names)}, and no logits"
        )
    return names[0]


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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
