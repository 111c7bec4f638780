"""Prompt that asks a judging model whether what was said supports the notes on it."""

from __future__ import annotations

from typing import Final

from prompts import FOLDER

VERSION: Final = "judge-2"
"""Version in use."""


def load_judge_instructions() -> str:
    """Load the instructions of the prompt for judging models."""
    return FOLDER.joinpath(f"{VERSION}.md").read_text("utf-8")
