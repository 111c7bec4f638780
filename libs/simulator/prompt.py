"""Parser of the interview passage or claim in a chat request, lenient about what surrounds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.transcript import Role

D = TypeVar("D", bound=BaseModel)


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class PromptTheme(_Lenient):
    """Theme of a study, as the prompt describes it."""

    id: str
    name: str = ""
    description: str = ""


class PromptQuestion(_Lenient):
    """Research question, as the prompt describes it."""

    id: str
    text: str = ""


class PromptStudy(_Lenient):
    """Study, as the prompt describes it."""

    name: str = ""
    language: str = "en"
    themes: tuple[PromptTheme, ...] = ()
    questions: tuple[PromptQuestion, ...] = ()


class PromptSegment(_Lenient):
    """Segment of the interview, as the prompt shows it."""

    number: int
    speaker: str = ""
    role: Role = Role.UNKNOWN
    text: str = ""


class PromptPassage(_Lenient):
    """Document in a prompt that asks for notes: segments to read, and context before them."""

    study: PromptStudy = Field(default_factory=PromptStudy)
    context: tuple[PromptSegment, ...] = ()
    segments: tuple[PromptSegment, ...]


class PromptQuote(_Lenient):
    """Quote that a claim in the prompt cites."""

    speaker: str = ""
    text: str = ""


class PromptClaim(_Lenient):
    """Document in a prompt that asks for a verdict: a claim, with the quotes it cites."""

    claim: str
    quotes: tuple[PromptQuote, ...]


def join_user_text(messages: list[Any]) -> str:
    """Return the text of all user messages, which fault rules are matched against."""
    return "\n".join(_contents(messages, "user"))


def join_all_text(messages: list[Any]) -> str:
    """Return the text of all messages, from which prompt tokens are estimated."""
    return "\n".join(_contents(messages, None))


def parse_passage(messages: list[Any]) -> PromptPassage | None:
    """Parse the passage in the first user message that contains one; return None if none does."""
    return _first(messages, PromptPassage)


def parse_claim(messages: list[Any]) -> PromptClaim | None:
    """Parse the claim in the first user message that contains one; return None if none does."""
    return _first(messages, PromptClaim)


def _first(messages: list[Any], kind: type[D]) -> D | None:
    parsed = (_parse(text, kind) for text in _contents(messages, "user"))
    return next((one for one in parsed if one is not None), None)


def _contents(messages: list[Any], role: str | None) -> Iterator[str]:
    for message in messages:
        if isinstance(message, dict) and role in {None, message.get("role")}:
            yield _text(message.get("content"))


def _text(content: Any) -> str:
    """Return a message's text: a string, or the text parts of a list."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _parse(text: str, kind: type[D]) -> D | None:
    """Decode the JSON document in ``text``, which may stand between fences or sentences."""
    begin = text.find("{")
    if begin < 0:
        return None
    try:
        document, _ = json.JSONDecoder().raw_decode(text, begin)
        return kind.model_validate(document)
    except (ValueError, RecursionError, ValidationError):
        return None
