"""Read labelled pairs: passages, each with a note on it that is known to be true or false.

A file has a JSON object a line, or is one JSON array. The fields are SummEdits' (Laban et al.,
EMNLP 2023): ``doc`` (a line of it is ``Name: words``), ``summary``, ``label`` (1 for a summary that
the document bears out, else 0), and ``kind`` (a word) or ``edit_types`` (several). In place of
``doc``, ``source``, ``first`` and ``last`` may name turns of a file that lies elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from evaluation.errors import InputError
from evaluation.grounding.dialogues import THEME, Turn, build_document_chunk, split_turns
from evaluation.grounding.pair_sources import SourceFolder
from evaluation.inputs import read_text
from grounding.text.words import split_words

TRUE_KIND: Final = "true, of no kind"
FALSE_KIND: Final = "false, of no kind"


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A passage and a note that cites all of it, of which it is known whether it is true.

    Attributes:
        place: where it stands in its file, such as ``line 12``.
        chunk: the passage, a segment a turn.
        draft: the note.
        is_true: whether the passage bears it out.
        kinds: what kind of note it is; of a false one, how it is false. At least one.
    """

    place: str
    chunk: ChunkReady
    draft: DraftNote
    is_true: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairFile:
    """The pairs of a file.

    Attributes:
        pairs: those that could be read; at least one.
        absent: how many pairs were left out, by the file they are on that is not there.
    """

    pairs: tuple[LabelledPair, ...]
    absent: Mapping[str, int] = field(default_factory=dict)


def read_pairs(file: Path, data: Path) -> PairFile:
    """Read a file of labelled pairs.

    Args:
        file: JSON, an object a line or one array.
        data: the folder in which the files are that pairs name as their source.

    Raises:
        InputError: the file cannot be read, a pair in it has no doc, summary or label that can be
            used, or no pair is left; the message says in which line.
    """
    sources = SourceFolder(data)
    absent: Counter[str] = Counter()
    pairs: list[LabelledPair] = []
    for place, fields in _iter_objects(file):
        try:
            turns = _read_turns(fields, sources)
            if turns is None:
                absent[fields["source"]] += 1
            else:
                pairs.append(_build_pair(place, fields, turns))
        except ValueError as error:
            raise InputError(f"{file}: {place}: {error}") from error
    if not pairs and absent:
        raise InputError(f"{file}: no pair can be read, as {data} has none of their sources")
    if not pairs:
        raise InputError(f"{file}: no pairs")
    return PairFile(tuple(pairs), dict(absent))


def _iter_objects(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each pair's fields and its place in the file."""
    text = read_text(file)
    if text.lstrip().startswith("["):
        pairs = [(f"pair {at}", one) for at, one in enumerate(_load(text, f"{file}"), start=1)]
    else:
        lines = enumerate(text.split("\n"), start=1)
        pairs = [
            (f"line {at}", _load(line, f"{file}: line {at}", at))
            for at, line in lines
            if line.strip()
        ]
    for place, one in pairs:
        if not isinstance(one, dict):
            raise InputError(f"{file}: {place}: a pair is a JSON object, with doc, summary, label")
        yield place, one


def _load(text: str, where: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"column {error.colno:,}"
        at = at if line else f"line {error.lineno:,}, {at}"
        raise InputError(f"{where}: not JSON: {error.msg}, {at}") from error
    except (RecursionError, ValueError) as error:  # too deep, or a number of too many digits
        raise InputError(f"{where}: JSON that nobody reads: {error}") from error


def _read_turns(fields: Mapping[str, Any], sources: SourceFolder) -> tuple[Turn, ...] | None:
    """Return the turns that a pair is about; None if they are in a file that is not there.

    Raises:
        ValueError: the pair names no such turns.
    """
    if ("doc" in fields) == ("source" in fields):
        raise ValueError("a pair has doc, or source with first and last")
    if "doc" in fields:
        turns = _split_document(_take_text(fields, "doc"))
        if not turns:
            raise ValueError("doc has no words")
        return turns
    source = _take_text(fields, "source")
    first, last = _take_index(fields, "first"), _take_index(fields, "last")
    if first > last:
        raise ValueError(f"first is behind last: {first} > {last}")
    return sources.read_turns(source, first, last)


@lru_cache(maxsize=64)
def _split_document(document: str) -> tuple[Turn, ...]:
    return tuple(split_turns(document))


def _take_index(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is a whole number")  # noqa: TRY004 - as every fault of a pair
    return value


def _take_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is a text, and not empty")
    return value


def _build_pair(place: str, fields: Mapping[str, Any], turns: tuple[Turn, ...]) -> LabelledPair:
    is_true = _take_label(fields)
    summary = _take_text(fields, "summary")
    if not split_words(summary):
        raise ValueError("summary has no words")
    try:
        chunk = _build_chunk(turns)
        cited = tuple(DraftEvidence(segment=one.number) for one in chunk.segments)
        draft = DraftNote(statement=summary, evidence=cited, themes=(THEME.id,))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][-1]}: {first['msg']}") from error
    return LabelledPair(place, chunk, draft, is_true, _list_kinds(fields, is_true=is_true))


@lru_cache(maxsize=64)
def _build_chunk(turns: tuple[Turn, ...]) -> ChunkReady:
    return build_document_chunk(turns)


def _take_label(fields: Mapping[str, Any]) -> bool:
    value = fields.get("label")
    if not isinstance(value, int | float) or value not in {0, 1}:
        raise ValueError("label is 1 for a summary that is borne out, else 0")
    return bool(value)


def _list_kinds(fields: Mapping[str, Any], *, is_true: bool) -> tuple[str, ...]:
    """Return how a pair is classed, which it may say in one word or in several, or not at all."""
    given = fields.get("kind")
    given = fields.get("edit_types") if given is None else given
    kinds = [given] if isinstance(given, str) else given or []
    if not isinstance(kinds, list) or not all(isinstance(one, str) and one for one in kinds):
        raise ValueError("kind and edit_types are a word or a list of words")
    return tuple(dict.fromkeys(kinds)) or (TRUE_KIND if is_true else FALSE_KIND,)
