"""A small embedding model, made on the spot: a real graph that the real runtime runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from onnx import TensorProto
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from support.entailment_models import Graph

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_FAINT: Final = 0.05
"""What words without a meaning add to a vector, on an axis of their own."""


def write_synonym_model(folder: Path, *meanings: Sequence[str]) -> Path:
    """Write a model for which words are alike that stand in one of some lists.

    Args:
        folder: gets ``model.onnx`` and ``tokenizer.json``.
        meanings: words of each meaning; all others mean nothing.
    """
    folder.mkdir(parents=True)
    words = [word for meaning in meanings for word in meaning]
    tokenizer = Tokenizer(
        models.WordLevel(
            {word: at for at, word in enumerate((*_SPECIAL, *words))}, unk_token="[UNK]"
        )
    )
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.zeros((len(_SPECIAL) + len(words), len(meanings) + 1))
    table[:, -1] = _FAINT
    at = len(_SPECIAL)
    for axis, meaning in enumerate(meanings):
        table[at : at + len(meaning), axis] = 1
        at += len(meaning)
    graph = Graph()
    found = graph.add("Gather", graph.constant(table), "input_ids")
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Unsqueeze", mask, graph.constant([2], np.int64))
    graph.write(
        folder / "model.onnx",
        graph.add("Mul", found, mask),
        inputs=("input_ids", "attention_mask"),
        name="last_hidden_state",
        shape=("batch", "length", len(meanings) + 1),
    )
    return folder
