"""Read the folder of an entailment model: which files it has, and how the model is to be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from onnx_models.errors import ModelFolderError

MODEL_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
CONFIG_FILE: Final = "config.json"
OPTIONS_FILE: Final = "entailment.json"

_LIMITS: Final = {
    MODEL_FILE: 2**31 - 1,
    TOKENIZER_FILE: 64 * 2**20,
    CONFIG_FILE: 2**20,
    OPTIONS_FILE: 2**20,
}
"""Files that scores depend on, each with the bytes that it may have at most."""

_MAX_PAIR_TOKENS: Final = 8_192
_DEFAULT_PAIR_TOKENS: Final = 512
_POSITIONS_KEPT: Final = {"roberta": 2, "xlm-roberta": 2, "camembert": 2}
"""Positions that a kind of model keeps for itself, of those that its configuration counts."""
_ENTAILED: Final = frozenset(
    {"entailment", "entailed", "entails", "supported", "support", "consistent", "factual"}
)
PREMISE: Final = "{premise}"
HYPOTHESIS: Final = "{hypothesis}"


class ModelOptions(BaseModel):
    """Options of an entailment model in its `entailment.json`, such as the most tokens it reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    entailed_class: Annotated[int, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=32, le=_MAX_PAIR_TOKENS)] | None = None
    window_tokens: Annotated[int, Field(ge=16, le=_MAX_PAIR_TOKENS)] = 256
    template: str | None = None

    @field_validator("template")
    @classmethod
    def _has_both_texts_once(cls, template: str | None) -> str | None:
        if template is not None and any(template.count(one) != 1 for one in (PREMISE, HYPOTHESIS)):
            raise ValueError(f"needs {PREMISE} once and {HYPOTHESIS} once")
        return template


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Folder of an entailment model: its files' hashes, its classes and its input limits.

    Attributes:
        folder: where its files are.
        name: its name with the beginning of the hash of its file.
        hashes: the SHA-256 of each file that scores depend on, by name.
        labels: the classes' names in order; empty if they have none.
        entailed_class: the number of the class that means that the hypothesis follows; None for a
            model that has one class only.
        max_tokens: tokens that one input may have.
        window_tokens: tokens of a premise at most.
        template: the one text in which a model wants both; None for a model that takes pairs.
    """

    folder: Path
    name: str
    hashes: Mapping[str, str]
    labels: tuple[str, ...]
    entailed_class: int | None
    max_tokens: int
    window_tokens: int
    template: str | None


def read_model_folder(folder: Path) -> ModelFolder:
    """Read an entailment model's settings, and hash its files, without loading the model.

    Raises:
        ModelFolderError: the folder or a file is missing, too large or not what it has to be.
    """
    if not folder.is_dir():
        found = "is no folder" if folder.exists() else "there is no such folder"
        raise ModelFolderError(f"{folder}: {found}")
    hashes = {name: one for name in _LIMITS if (one := _hash_file(folder / name)) is not None}
    for name in (MODEL_FILE, TOKENIZER_FILE):
        if name not in hashes:
            raise ModelFolderError(f"{folder}: there is no {name}")
    if CONFIG_FILE not in hashes and OPTIONS_FILE not in hashes:
        raise ModelFolderError(f"{folder}: there is neither {CONFIG_FILE} nor {OPTIONS_FILE}")
    config, options = _read_json(folder / CONFIG_FILE), _read_options(folder / OPTIONS_FILE)
    labels = _read_labels(folder / CONFIG_FILE, config)
    return ModelFolder(
        folder=folder,
        name=f"{options.name or folder.resolve().name[:100]}@{hashes[MODEL_FILE][:12]}",
        hashes=hashes,
        labels=labels,
        entailed_class=_find_entailed_class(labels, options),
        max_tokens=options.max_tokens or _read_max_tokens(config),
        window_tokens=options.window_tokens,
        template=options.template,
    )


def _hash_file(file: Path) -> str | None:
    """Return a file's SHA-256; None if there is no such file."""
    try:
        if not file.is_file():
            return None
        size, limit = file.stat().st_size, _LIMITS[file.name]
        if size > limit:
            raise ModelFolderError(f"{file}: {size:,} bytes; at most {limit:,} are read")
        with file.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ModelFolderError(f"{file}: cannot be read: {error.strerror}") from error


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        read = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{file}: is no JSON") from error
    if not isinstance(read, dict):
        raise ModelFolderError(f"{file}: is no JSON object")
    return read


def _read_options(file: Path) -> ModelOptions:
    try:
        return ModelOptions.model_validate(_read_json(file))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelFolderError(f"{file}: {where}: {first['msg']}") from error


def _read_labels(file: Path, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of the classes, in order, as ``id2label`` has them."""
    labels = config.get("id2label", {})
    try:
        numbered = sorted((int(number), str(label)) for number, label in labels.items())
    except (AttributeError, ValueError) as error:
        raise ModelFolderError(f"{file}: id2label does not number the labels") from error
    if [number for number, _ in numbered] != list(range(len(numbered))):
        raise ModelFolderError(f"{file}: id2label does not number the labels from 0")
    return tuple(label for _, label in numbered)


def _find_entailed_class(labels: tuple[str, ...], options: ModelOptions) -> int | None:
    if options.entailed_class is not None:
        return options.entailed_class
    entailed = [at for at, label in enumerate(labels) if label.strip().casefold() in _ENTAILED]
    return entailed[0] if len(entailed) == 1 else None


def _read_max_tokens(config: Mapping[str, Any]) -> int:
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return _DEFAULT_PAIR_TOKENS
    kept = _POSITIONS_KEPT.get(str(config.get("model_type")), 0)
    return max(32, min(positions - kept, _MAX_PAIR_TOKENS))
