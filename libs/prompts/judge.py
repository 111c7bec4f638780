"""Prompt that asks a second model whether quotes support a claim."""

from __future__ import annotations

from typing import Final

from prompts import FOLDER

VERSION: Final = "judge-1"
"""Version in use."""


def load_judge_instructions() -> str:
    """Return the instructions of the prompt for the judging model."""
    return FOLDER.joinpath(f"{VERSION}.md").read_text("utf-8")
