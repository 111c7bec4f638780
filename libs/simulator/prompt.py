"""Reads the interview passage out of a chat request, forgiving whatever surrounds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.transcript import Role

D = TypeVar("D", bound=BaseModel)


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Theme(_Lenient):
    """A theme as the prompt names it."""

    id: str
    name: str = ""
    description: str = ""


class Question(_Lenient):
    """A research question as the prompt names it."""

    id: str
    text: str = ""


class Study(_Lenient):
    """What the notes are to be about."""

    name: str = ""
    language: str = "en"
    themes: tuple[Theme, ...] = ()
    questions: tuple[Question, ...] = ()


class Turn(_Lenient):
    """One segment of the interview as the prompt shows it."""

    number: int
    speaker: str = ""
    role: Role = Role.UNKNOWN
    text: str = ""


class Passage(_Lenient):
    """The document a prompt asks notes of: the segments to read, and earlier ones as context."""

    study: Study = Field(default_factory=Study)
    context: tuple[Turn, ...] = ()
    segments: tuple[Turn, ...]


class Quote(_Lenient):
    """Some words that a claim cites."""

    speaker: str = ""
    text: str = ""


class Claim(_Lenient):
    """The document a prompt asks to be ruled on: a claim, and the words it is to follow from."""

    claim: str
    quotes: tuple[Quote, ...]


def user_text(messages: list[Any]) -> str:
    """All that the user's messages say, in order; what fault rules are matched against."""
    return "\n".join(_contents(messages, "user"))


def full_text(messages: list[Any]) -> str:
    """All that any message says, in order; what the prompt's tokens are estimated from."""
    return "\n".join(_contents(messages, None))


def find_passage(messages: list[Any]) -> Passage | None:
    """The passage in the first user message that holds one, or nothing if none does."""
    return _first(messages, Passage)


def find_claim(messages: list[Any]) -> Claim | None:
    """The claim in the first user message that holds one, or nothing if none does."""
    return _first(messages, Claim)


def _first(messages: list[Any], kind: type[D]) -> D | None:
    parsed = (_parse(text, kind) for text in _contents(messages, "user"))
    return next((one for one in parsed if one is not None), None)


def _contents(messages: list[Any], role: str | None) -> Iterator[str]:
    for message in messages:
        if isinstance(message, dict) and role in {None, message.get("role")}:
            yield _text(message.get("content"))


def _text(content: Any) -> str:
    """A message's content: a string, or a list of parts of which the texts count."""
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
