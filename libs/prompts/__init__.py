"""The prompts' own text: what enrichment asks with, and what no note may repeat.

A file a version (``notes-1.md``) or a folder of files (``notes-2/``). Services never import each
other, and both enrichment and the guardrail's checks need these texts, so they lie here; what a
version means is told in ``enrichment.prompting``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

FOLDER: Final = resources.files("prompts")


@cache
def instructions() -> tuple[str, ...]:
    """What all versions tell the model, examples left out."""
    return tuple(file.read_text("utf-8") for file in _files(FOLDER) if file.name.endswith(".md"))


@cache
def examples() -> tuple[str, ...]:
    """All that the examples of all versions have somebody say."""
    files = (file for file in _files(FOLDER) if file.name.endswith(".json"))
    return tuple(text for file in files for text in _texts(json.loads(file.read_text("utf-8"))))


def _files(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        found += _files(one) if one.is_dir() else [one]
    return found


def _texts(value: Any) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]
