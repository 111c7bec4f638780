"""Schema of an answer about a chunk, and the split of a chunk whose answer is too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from contracts.events import ChunkReady
from contracts.notes import DraftNote
from contracts.study import Identifier
from contracts.transcript import Segment
from prompts.notes import CURRENT
from transcripts import estimate_size_in_english_characters, is_question_turn, select_context_turns

PROMPT_VERSION: Final = CURRENT.version
"""Version of the prompt in use."""

CONTEXT_CHARACTERS: Final = 800
"""Most text in the context of a second half, as ingestion has it by default: about 200 tokens."""


class DraftAnswer(BaseModel):
    """Answer of the model on a chunk of an interview: draft notes, parsed from JSON."""

    notes: tuple[DraftNote, ...]


def build_answer_schema(chunk: ChunkReady) -> dict[str, Any]:
    """Build the strict JSON schema of the model's answer on an interview chunk.

    Segment numbers, themes and questions are enumerations of what the chunk has, so an endpoint
    that keeps to the schema cannot name anything else. Strict mode wants every property required
    and no others (OpenAI, Structured Outputs).
    """
    study = chunk.study
    evidence = _strict(
        segment={"type": "integer", "enum": [one.number for one in chunk.segments]},
        first_words={"type": "string"},
        last_words={"type": "string"},
    )
    note = _strict(
        statement={"type": "string"},
        evidence={"type": "array", "items": evidence},
        themes=_ids([theme.id for theme in study.themes]),
        questions=_ids([question.id for question in study.questions]),
    )
    return _strict(notes={"type": "array", "items": note})


def split_chunk_in_halves(chunk: ChunkReady) -> tuple[ChunkReady, ChunkReady] | None:
    """Split a chunk into two of similar length, after an answer on the whole was truncated.

    Both keep the chunk's ids, as their notes are the chunk's. The second one's context is what was
    said before it.

    Returns:
        The halves; nothing if the chunk is one segment, which is never cut here.
    """
    segments = chunk.segments
    if len(segments) == 1:
        return None
    place = _middle(segments)
    first, second = segments[:place], segments[place:]
    context = select_context_turns((*chunk.context, *first), CONTEXT_CHARACTERS)
    return (
        chunk.model_copy(update={"segments": first}),
        chunk.model_copy(update={"segments": second, "context": context}),
    )


def _middle(segments: Sequence[Segment]) -> int:
    """Return how many segments the first half has: at least one, and not all."""
    sizes = [estimate_size_in_english_characters(one.text) for one in segments]
    total, before, place = sum(sizes), 0, 0
    while place < len(segments) - 1 and before + sizes[place] / 2 < total / 2:
        before += sizes[place]
        place += 1
    place = max(place, 1)
    # A question goes with its answer.
    return place - 1 if is_question_turn(segments[place - 1]) and place > 1 else place


def _ids(ids: Sequence[Identifier]) -> dict[str, Any]:
    # An empty enumeration is no valid schema; the guardrail refuses unknown ids anyway.
    items = {"type": "string", "enum": list(ids)} if ids else {"type": "string"}
    return {"type": "array", "items": items}


def _strict(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
