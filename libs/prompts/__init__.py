"""Registry of all prompts, versioned: those that ask for notes, and the judge's.

A version is a file (``notes-1.md``, ``judge-2.md``) or a folder of files (``notes-2/``). One that
was released is never changed: responses are cached, and notes marked, by its name.
``prompts.notes`` has the versions that ask for notes, ``prompts.judge`` the one that asks for a
verdict, and ``prompts.fencing`` keeps interviews apart from instructions.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

FOLDER: Final = resources.files("prompts")


@cache
def load_note_instructions() -> tuple[str, ...]:
    """Load the instructions of all versions of the note prompt, without their examples."""
    return tuple(file.read_text("utf-8") for file in _notes_files() if file.name.endswith(".md"))


@cache
def load_note_example_texts() -> tuple[str, ...]:
    """Load all texts that occur in the examples of all versions of the note prompt."""
    files = (file for file in _notes_files() if file.name.endswith(".json"))
    return tuple(text for file in files for text in _texts(json.loads(file.read_text("utf-8"))))


def _notes_files() -> list[Traversable]:
    versions = (one for one in FOLDER.iterdir() if one.name.startswith("notes-"))
    ordered = sorted(versions, key=lambda one: one.name)
    return [file for one in ordered for file in (_files(one) if one.is_dir() else [one])]


def _files(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        found += _files(one) if one.is_dir() else [one]
    return found


def _texts(value: Any) -> list[str]:
    """Return all strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]
