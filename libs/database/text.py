"""Replacement of characters that PostgreSQL cannot store in text or jsonb."""

from __future__ import annotations

from typing import Any, Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def replace_nul(value: Any) -> Any:
    """Replace each U+0000 in the texts of JSON-like data by U+FFFD.

    For text that is kept for people (a model's refused draft, an error's message), where losing
    one unprintable character is better than losing the record. Never for a transcript's words.
    """
    if isinstance(value, str):
        return value.replace("\0", REPLACEMENT)
    if isinstance(value, list):
        return [replace_nul(item) for item in value]
    if isinstance(value, dict):
        return {replace_nul(key): replace_nul(item) for key, item in value.items()}
    return value


def make_storable_text(text: str, *, max_length: int | None = None) -> str:
    """Make a text storable in PostgreSQL: replace U+0000 and lone surrogates, and truncate it.

    For text that others made up, such as what an endpoint calls itself.
    """
    clean: str = replace_nul(text[:max_length])
    return clean.encode(errors="replace").decode()
