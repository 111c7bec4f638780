"""Prompts that ask a model for notes, by version: instructions, examples, document.

A version is files under ``libs/prompts``: instructions, and from ``notes-2`` on examples. A version
that was released is never changed: responses are cached, and notes marked, by its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Any, Final

from contracts.events import ChunkReady
from prompts import FOLDER
from prompts.documents import build_chunk_document, build_passage_fields
from prompts.fencing import encode_safe_json


@dataclass(frozen=True)
class NotePrompt:
    """Version of the prompt that asks a model for notes: instructions, examples, JSON schema.

    Attributes:
        version: its name, which is also that of its files.
        document: words a chunk as the document that the instructions describe.
    """

    version: str
    document: Callable[[ChunkReady], str] = build_chunk_document

    @cached_property
    def files(self) -> tuple[Traversable, ...]:
        """Files that it is made of, in order of name."""
        folder = FOLDER.joinpath(self.version)
        if not folder.is_dir():
            return (FOLDER.joinpath(f"{self.version}.md"),)
        return tuple(sorted(folder.iterdir(), key=lambda file: file.name))

    @cached_property
    def instructions(self) -> str:
        """Static part: the same for every chunk, and first, so that prefix caches hit."""
        return "".join(
            file.read_text("utf-8") for file in self.files if file.name.endswith(".md")
        ) + "".join(_shown(number, one) for number, one in enumerate(self.examples, start=1))

    @cached_property
    def examples(self) -> tuple[dict[str, Any], ...]:
        """Documents with the answers they ought to get, each ``{"document": …, "answer": …}``."""
        files = (file for file in self.files if file.name.endswith(".json"))
        return tuple(one for file in files for one in json.loads(file.read_text("utf-8")))


def _shown(number: int, example: dict[str, Any]) -> str:
    document, answer = encode_safe_json(example["document"]), encode_safe_json(example["answer"])
    return f"\nExample {number}, the document:\n{document}\nThe answer:\n{answer}\n"


def _first_document(chunk: ChunkReady) -> str:
    """Return the document of ``notes-1``, which named the study and fenced by JSON alone."""
    study = chunk.study
    inputs = {
        "name": study.name,
        "language": study.language,
        "themes": [theme.model_dump() for theme in study.themes],
        "questions": [question.model_dump() for question in study.questions],
    }
    return json.dumps({"study": inputs, **build_passage_fields(chunk)}, ensure_ascii=False)


PROMPTS: Final = {
    prompt.version: prompt
    for prompt in (
        NotePrompt("notes-1", document=_first_document),
        NotePrompt("notes-2"),
        NotePrompt("notes-3"),
    )
}
"""All versions by name; the last one is in use."""

CURRENT: Final = [*PROMPTS.values()][-1]
