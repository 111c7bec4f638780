"""A model of texts in ONNX's format, on the CPU with one thread, in batches of bounded size.

A model is a graph of the runtime's own operators: no code comes with it, and custom operators are
refused. The packages of the extra ``entailment`` are imported when a model is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from onnx_models.errors import ModelFolderError, NotInstalledError

PACKAGES: Final = ("onnxruntime", "tokenizers", "numpy")
"""What a model needs to run; the extra ``entailment`` has them."""

_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
_INTEGERS: Final = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
_ERRORS_ONLY: Final = 3
_EXTERNAL_DATA: Final = b"\x0a\x08location\x12"
"""The key that a tensor has whose data is in another file, which nobody hashed, as bytes."""


class OnnxTextModel:
    """ONNX model that takes token ids, with its tokenizer.

    Args:
        graph: the model's file.
        tokenizer: the tokenizer's file, as Hugging Face's ``tokenizers`` writes it.
        output: name of the output that is asked for, if the model has more than one.
        purpose: what the model is for, as in "an entailment model", for the error's text.

    Attributes:
        tokenizer: the tokenizer; it neither pads nor cuts by itself.
        special_tokens: matches the tokenizer's special tokens where a text has them.

    Raises:
        NotInstalledError: a package that it needs is not installed.
        ModelFolderError: a file cannot be loaded, or the model asks for other inputs.
    """

    def __init__(self, graph: Path, tokenizer: Path, *, output: str, purpose: str) -> None:
        require_packages(purpose)
        self._np = import_module("numpy")
        self.tokenizer = _load_tokenizer(tokenizer)
        self.special_tokens = _match_special_tokens(self.tokenizer)
        self._session = _load_session(graph)
        self._inputs = _read_inputs(graph, self._session)
        self._output = _find_output(graph, self._session, output)
        self._name = graph.parent.name
        padding = self.tokenizer.padding or {}
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self._padding = {
            "input_ids": padding.get("pad_id", 0),
            "attention_mask": 0,
            "token_type_ids": padding.get("pad_type_id", 0),
        }

    def run(self, batch: Sequence[Any]) -> tuple[Any, Any]:
        """Run the model on texts that its tokenizer encoded.

        Args:
            batch: encodings; shorter ones are padded.

        Returns:
            The output, as a numpy array with one row a text, and the attention mask.

        Raises:
            MemoryError: the batch takes more memory than there is.
        """
        np = self._np
        shape = (len(batch), max(len(one.ids) for one in batch))
        columns = {
            name: np.full(shape, padding, dtype=np.int64) for name, padding in self._padding.items()
        }
        for row, one in enumerate(batch):
            length = len(one.ids)
            columns["input_ids"][row, :length] = one.ids
            columns["attention_mask"][row, :length] = 1
            columns["token_type_ids"][row, :length] = one.type_ids
        feeds = {name: columns[name].astype(kind) for name, kind in self._inputs.items()}
        return np.asarray(self._ask(feeds)), columns["attention_mask"]

    def _ask(self, feeds: Mapping[str, Any]) -> Any:
        try:
            return self._session.run([self._output], feeds)[0]
        except Exception as error:  # as many classes as the runtime has error codes
            if "alloc" in str(error).casefold():  # bad_alloc, or an arena that cannot grow
                raise MemoryError(f"{self._name} ran out of memory") from error
            raise


def require_packages(purpose: str) -> None:
    """Raise unless the packages that run models are installed.

    Args:
        purpose: what the model is for, as in "an entailment model", for the error's text.

    Raises:
        NotInstalledError: one of them is not.
    """
    if any(find_spec(name) is None for name in PACKAGES):
        raise NotInstalledError(
            f"{purpose} needs onnxruntime and tokenizers: install onrecord[entailment]"
        )


def make_batches(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Yield the numbers of inputs of like length, so many that with padding they stay bounded.

    Args:
        lengths: how many tokens each input has.
        max_tokens: tokens that a batch of more than one input may have, padding included.
    """
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[at] > max_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def get_first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _match_special_tokens(tokenizer: Any) -> re.Pattern[str]:
    added = tokenizer.get_added_tokens_decoder().values()
    contents = sorted((one.content for one in added if one.special), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, contents)) or r"(?!)")


def _load_tokenizer(file: Path) -> Any:
    try:
        return import_module("tokenizers").Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain exceptions
        raise ModelFolderError(f"{file}: is no tokenizer: {get_first_line(error)}") from error


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
        raise ModelFolderError(f"{file}: is no ONNX model: {get_first_line(error)}") from error


def _read_inputs(file: Path, session: Any) -> dict[str, str]:
    """Return the type of each of the model's inputs."""
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


def _find_output(file: Path, session: Any, wanted: str) -> str:
    names = [str(one.name) for one in session.get_outputs()]
    if wanted in names:
        return wanted
    if len(names) > 1:
        raise ModelFolderError(f"{file}: has the outputs {', '.join(names)}, and no {wanted}")
    return names[0]
