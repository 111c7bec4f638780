"""Conversion of verbs' docstrings to help texts."""

from __future__ import annotations

import inspect
import re
from typing import Final

import typer

_INDENTED: Final = re.compile(r"(?:^ {4}.*\n?)+", re.MULTILINE)


def format_help_texts(app: typer.Typer) -> None:
    """Set the help text of each command to its docstring, without rewrapping its examples.

    Typer removes the common indentation of all paragraphs after the first, so that examples that
    come right after it would become one paragraph of running text.

    Args:
        app: with all its verbs; those of its groups are changed too.
    """
    for command in app.registered_commands:
        if command.callback is not None and command.help is None:
            command.help = fence_examples(inspect.getdoc(command.callback) or "")
    for group in app.registered_groups:
        if group.typer_instance is not None:
            format_help_texts(group.typer_instance)


def fence_examples(docstring: str) -> str:
    """Convert a docstring to Markdown, with its indented examples in code fences."""
    return _INDENTED.sub(lambda block: f"```\n{_flush(block[0])}\n```\n", docstring)


def _flush(block: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in block.rstrip().splitlines())
