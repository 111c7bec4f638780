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
    """Theme of a study, as parsed from a prompt."""

    id: str
    name: str = ""
    description: str = ""


class PromptQuestion(_Lenient):
    """Research question of a study, as parsed from a prompt."""

    id: str
    text: str = ""


class PromptStudy(_Lenient):
    """Study, as parsed from a prompt."""

    name: str = ""
    language: str = "en"
    themes: tuple[PromptTheme, ...] = ()
    questions: tuple[PromptQuestion, ...] = ()


class PromptSegment(_Lenient):
    """Segment of an interview, as parsed from a prompt."""

    number: int
    speaker: str = ""
    role: Role = Role.UNKNOWN
    text: str = ""


class PromptPassage(_Lenient):
    """Part of an interview, with its study, as parsed from a prompt that asks for notes."""

    study: PromptStudy = Field(default_factory=PromptStudy)
    context: tuple[PromptSegment, ...] = ()
    segments: tuple[PromptSegment, ...]


class PromptQuote(_Lenient):
    """Quote that a claim cites, as parsed from a prompt."""

    speaker: str = ""
    text: str = ""


class PromptClaim(_Lenient):
    """Claim for a fact-checking model, with its quotes, as parsed from a prompt."""

    claim: str
    quotes: tuple[PromptQuote, ...]


class PromptCitation(_Lenient):
    """Citation of a note to be judged, as parsed from a prompt: a segment and words of it."""

    segment: int
    words: str


class PromptNote(_Lenient):
    """Note to be judged, with its citations, as parsed from a prompt."""

    note: int
    claim: str
    cites: tuple[PromptCitation, ...]


class ParsedJudgingPrompt(_Lenient):
    """Notes to be judged, with their transcript, as parsed from a prompt for a judging model."""

    segments: tuple[PromptSegment, ...]
    notes: tuple[PromptNote, ...]


def join_user_text(messages: list[Any]) -> str:
    """Join the text of all user messages of a chat request, to match fault rules with."""
    return "\n".join(_contents(messages, "user"))


def join_instructions(messages: list[Any]) -> str:
    """Join the text of all system messages of a chat request, to match fault rules with."""
    return "\n".join(_contents(messages, "system"))


def join_all_text(messages: list[Any]) -> str:
    """Join the text of all messages of a chat request, to estimate its tokens."""
    return "\n".join(_contents(messages, None))


def parse_notes_prompt(messages: list[Any]) -> PromptPassage | None:
    """Parse the part of an interview from a request for notes; None for other requests."""
    return _first(messages, PromptPassage)


def parse_judging_prompt(messages: list[Any]) -> ParsedJudgingPrompt | None:
    """Parse the notes to judge from a request to a judging model; None otherwise."""
    return _first(messages, ParsedJudgingPrompt)


def _first(messages: list[Any], kind: type[D]) -> D | None:
    parsed = (_parse(text, kind) for text in _contents(messages, "user"))
    return next((one for one in parsed if one is not None), None)


def _contents(messages: list[Any], role: str | None) -> Iterator[str]:
    for message in messages:
        if isinstance(message, dict) and (role is None or message.get("role") == role):
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
