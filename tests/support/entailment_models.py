"""Small entailment models, made on the spot: real graphs that the real runtime runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_UNKNOWN = 1
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_LABELS = {1: ("score",), 2: ("not_entailment", "entailment"), 3: ("ENTAILMENT", "NEUTRAL", "NO")}

Example = tuple[str, str, bool]
"""A premise, a hypothesis, and whether it follows."""


@dataclass
class Graph:
    """A graph that is built node by node."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype=kind), name))
        return name

    def write(
        self,
        file: Path,
        output: str,
        *,
        inputs: Sequence[str] = _INPUTS,
        name: str = "logits",
        shape: Sequence[str | int] = ("batch", "classes"),
    ) -> None:
        self.nodes.append(helper.make_node("Identity", [output], [name]))
        sizes = ("batch", "length")
        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info(one, TensorProto.INT64, sizes) for one in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        file.write_bytes(model.SerializeToString())


def write_word_model(folder: Path, examples: Sequence[Example], *, classes: int = 1) -> Path:
    """Train a model on examples and write its folder, but no thresholds.

    It compares each token of either text with all of the other, and weighs those that the other
    does not have; the weights are those of a logistic regression.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _build_tokenizer([text for one in examples for text in one[:2]])
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    weights = _train(tokenizer, examples, size)
    graph = Graph()
    score = _add_word_comparison(graph, weights[:size], weights[size : 2 * size], weights[-1])
    graph.write(folder / "model.onnx", _add_classes(graph, score, classes))
    write_config(folder, _LABELS[classes])
    return folder


def write_config(folder: Path, labels: Sequence[str], **fields: Any) -> None:
    """Write a configuration as exported models have it."""
    names = {str(at): label for at, label in enumerate(labels)}
    config = {"id2label": names, "max_position_embeddings": 128} | fields
    (folder / "config.json").write_text(json.dumps(config))


def _build_tokenizer(texts: Iterable[str]) -> Tokenizer:
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]+", text.lower())})
    vocabulary = {word: at for at, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def _train(tokenizer: Tokenizer, examples: Sequence[Example], size: int) -> Any:
    """Return the weights of tokens missing from the premise, from the hypothesis, and the bias."""
    rows = np.zeros((len(examples), 2 * size + 1))
    for row, (premise, hypothesis, _) in zip(rows, examples, strict=True):
        said, claimed = (
            tokenizer.encode(text, add_special_tokens=False).ids for text in (premise, hypothesis)
        )
        for token in claimed:
            row[token] += token not in said
        for token in said:
            row[size + token] += token not in claimed
        row[-1] = 1
    labels = np.array([float(one[2]) for one in examples])
    weights = np.zeros(rows.shape[1])
    for _ in range(1_500):
        chances = 1 / (1 + np.exp(-rows @ weights))
        weights += 0.5 * (rows.T @ (labels - chances) / len(labels) - 1e-4 * weights)
    return weights


def _add_word_comparison(graph: Graph, unsaid: Any, unclaimed: Any, bias: float) -> str:
    """Add the comparison of both texts' tokens; return the logit, one a row."""
    first, last = graph.constant([1], np.int64), graph.constant([2], np.int64)
    rows = graph.add("Unsqueeze", "input_ids", last)
    columns = graph.add("Unsqueeze", "input_ids", first)
    same = graph.add("Cast", graph.add("Equal", rows, columns), to=TensorProto.FLOAT)
    plain = graph.add("Greater", "input_ids", graph.constant(3, np.int64))
    plain = graph.add(
        "Or", plain, graph.add("Equal", "input_ids", graph.constant(_UNKNOWN, np.int64))
    )
    plain = graph.add("Cast", plain, to=TensorProto.FLOAT)
    kinds = graph.add("Cast", "token_type_ids", to=TensorProto.FLOAT)
    claimed = graph.add("Mul", plain, kinds)
    said = graph.add("Sub", plain, claimed)
    total = graph.constant([[bias]])
    for own, other, weights in ((claimed, said, unsaid), (said, claimed, unclaimed)):
        found = graph.add("Mul", same, graph.add("Unsqueeze", other, first))
        found = graph.add("ReduceMax", found, axes=[2], keepdims=0)
        missing = graph.add("Mul", own, graph.add("Sub", graph.constant(1.0), found))
        each = graph.add("Gather", graph.constant(weights), "input_ids")
        part = graph.add("ReduceSum", graph.add("Mul", each, missing), first, keepdims=1)
        total = graph.add("Add", total, part)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)  # takes part, changes nothing
    zero = graph.add("Mul", graph.add("ReduceMin", mask, axes=[1], keepdims=1), graph.constant(0.0))
    return graph.add("Add", total, zero)


def _add_classes(graph: Graph, score: str, classes: int) -> str:
    zero = graph.add("Mul", score, graph.constant(0.0))
    low = graph.add("Sub", zero, score)
    order = {1: (score,), 2: (zero, score), 3: (score, zero, low)}[classes]
    return graph.add("Concat", *order, axis=1)


Dense = Callable[[str, int, int], str]
"""Adds a dense layer to an input, of so many numbers before it and behind it."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a transformer."""

    layers: int = 2
    hidden: int = 32
    heads: int = 2
    words: int = 64
    positions: int = 128
    classes: int = 2


SMALL = Sizes()
MINI_LM = Sizes(layers=6, hidden=384, heads=12, words=30_522, positions=512)
"""22.7 million parameters, 10.6 of them in the layers: the sizes of MiniLM-L6."""


def write_transformer(folder: Path, sizes: Sizes = SMALL, *, seed: int = 7) -> Path:
    """Write a cross-encoder of BERT's architecture with random weights; no thresholds."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"w{at}" for at in range(sizes.words - len(_SPECIAL))]
    _build_tokenizer(words).save(str(folder / "tokenizer.json"))
    draw = np.random.default_rng(seed)
    graph = Graph()

    def weights(*shape: int) -> str:
        return graph.constant(draw.normal(0, 0.08, shape))

    def dense(x: str, before: int, behind: int) -> str:
        return graph.add("Add", graph.add("MatMul", x, weights(before, behind)), weights(behind))

    def normalized(x: str) -> str:
        ones, zeros = np.ones(sizes.hidden), np.zeros(sizes.hidden)
        return graph.add("LayerNormalization", x, graph.constant(ones), graph.constant(zeros))

    places = graph.add("CumSum", "attention_mask", graph.constant(1, np.int64))
    places = graph.add("Sub", places, graph.constant(1, np.int64))
    parts = (
        graph.add("Gather", weights(sizes.words, sizes.hidden), "input_ids"),
        graph.add("Gather", weights(sizes.positions, sizes.hidden), places),
        graph.add("Gather", weights(2, sizes.hidden), "token_type_ids"),
    )
    x = normalized(graph.add("Sum", *parts))
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Mul", graph.add("Sub", mask, graph.constant(1.0)), graph.constant(1e4))
    mask = graph.add("Unsqueeze", mask, graph.constant([1, 2], np.int64))
    for _ in range(sizes.layers):
        x = normalized(graph.add("Add", x, _add_attention(graph, x, mask, sizes, dense)))
        inner = dense(x, sizes.hidden, 4 * sizes.hidden)
        half = graph.add("Erf", graph.add("Mul", inner, graph.constant(2**-0.5)))
        half = graph.add("Mul", graph.add("Add", half, graph.constant(1.0)), graph.constant(0.5))
        inner = dense(graph.add("Mul", inner, half), 4 * sizes.hidden, sizes.hidden)
        x = normalized(graph.add("Add", x, inner))
    first = graph.add("Gather", x, graph.constant(0, np.int64), axis=1)
    first = graph.add("Tanh", dense(first, sizes.hidden, sizes.hidden))
    graph.write(folder / "model.onnx", dense(first, sizes.hidden, sizes.classes))
    write_config(folder, _LABELS[sizes.classes], max_position_embeddings=sizes.positions)
    return folder


def write_quantised(model: Path, folder: Path) -> Path:
    """Write a model's folder again with 8-bit weights, as docs/entailment.md says it is done."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "config.json"):
        shutil.copy(model / name, folder)
    quantize_dynamic(model / "model.onnx", folder / "model.onnx", weight_type=QuantType.QInt8)
    return folder


def _add_attention(graph: Graph, x: str, mask: str, sizes: Sizes, dense: Dense) -> str:
    size = sizes.hidden // sizes.heads

    def split(y: str) -> str:
        shape = graph.constant([0, 0, sizes.heads, size], np.int64)
        return graph.add("Transpose", graph.add("Reshape", y, shape), perm=[0, 2, 1, 3])

    query, key, value = (split(dense(x, sizes.hidden, sizes.hidden)) for _ in range(3))
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    scores = graph.add("Mul", scores, graph.constant(size**-0.5))
    probabilities = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
    joined = graph.add("Transpose", graph.add("MatMul", probabilities, value), perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", joined, graph.constant([0, 0, sizes.hidden], np.int64))
    return dense(joined, sizes.hidden, sizes.hidden)


def write_constant_model(
    folder: Path,
    logits: Sequence[Sequence[float]],
    *,
    labels: Sequence[str] = (),
    inputs: Sequence[str] = ("input_ids",),
) -> Path:
    """Write a model that gives every pair these logits, for what a model may do wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    _build_tokenizer(["some words"]).save(str(folder / "tokenizer.json"))
    graph = Graph()
    ids = graph.add("Cast", inputs[0], to=TensorProto.FLOAT)
    zero = graph.add("ReduceSum", ids, graph.constant([1], np.int64), keepdims=1)
    zero = graph.add("Mul", zero, graph.constant(0.0))
    graph.write(
        folder / "model.onnx", graph.add("Add", zero, graph.constant(logits)), inputs=inputs
    )
    write_config(folder, labels)
    return folder


def write_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Write `entailment.json`."""
    (folder / "entailment.json").write_text(json.dumps(options))
