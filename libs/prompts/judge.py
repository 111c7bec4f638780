"""The prompt that asks a second model whether quotes support a claim."""

from __future__ import annotations

from typing import Final

from prompts import FOLDER

VERSION: Final = "judge-1"
"""The version in use."""


def instructions() -> str:
    """Return the static part of the prompt."""
    return FOLDER.joinpath(f"{VERSION}.md").read_text("utf-8")
