"""What the model is asked about a chunk, and what its answer has to look like."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel

from contracts.events import ChunkReady
from contracts.notes import DraftNote
from contracts.study import Identifier
from contracts.transcript import Segment

PROMPT_VERSION: Final = "notes-1"
"""Names the file in ``prompts/``; a changed prompt is a new version."""

_INSTRUCTIONS: Final = (
    resources.files("enrichment").joinpath("prompts", f"{PROMPT_VERSION}.md").read_text("utf-8")
)


class DraftAnswer(BaseModel):
    """The model's answer, validated here whatever the endpoint promised."""

    notes: tuple[DraftNote, ...]


def instructions() -> str:
    """The static part of the prompt; it comes first, so that prefix caches hit."""
    return _INSTRUCTIONS


def chunk_document(chunk: ChunkReady) -> str:
    """The chunk as the JSON document the instructions describe.

    JSON strings fence the transcript: whatever was said stays inside its quotes.
    """
    study = chunk.study
    document = {
        "study": {
            "name": study.name,
            "language": study.language,
            "themes": [theme.model_dump() for theme in study.themes],
            "questions": [question.model_dump() for question in study.questions],
        },
        "context": _turns(chunk.context),
        "segments": _turns(chunk.segments),
    }
    return json.dumps(document, ensure_ascii=False)


def feedback_document(feedback: str) -> str:
    """The guardrail's reasons, as the JSON document that asks for another draft."""
    return json.dumps({"feedback": feedback}, ensure_ascii=False)


def answer_schema(chunk: ChunkReady) -> dict[str, Any]:
    """The strict JSON schema of an answer about this chunk.

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


def _turns(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    fields = {"number", "speaker", "role", "text"}
    return [segment.model_dump(mode="json", include=fields) for segment in segments]


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
