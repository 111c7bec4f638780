"""JSON documents of a conversation; JSON strings fence the interviews' words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.events import ChunkReady
from contracts.transcript import Segment
from prompts.fencing import encode_safe_json


def build_chunk_document(chunk: ChunkReady) -> str:
    """Build the JSON document of a chunk of an interview for the note prompt.

    It holds what decides the answer and nothing else, so that the same passage under the same
    themes and questions is the same document, whatever the study is called.
    """
    study = chunk.study
    inputs = {
        "language": study.language,
        "themes": [theme.model_dump() for theme in study.themes],
        "questions": [question.model_dump() for question in study.questions],
    }
    return encode_safe_json({"study": inputs, **build_passage_fields(chunk)})


def build_feedback_document(feedback: str) -> str:
    """Build the JSON document that asks for another draft, with the reasons for the rejection."""
    return encode_safe_json({"feedback": feedback})


def build_passage_fields(chunk: ChunkReady) -> dict[str, Any]:
    """Build the fields of a prompt's JSON document that hold a chunk's segments and context."""
    return {"context": _turns(chunk.context), "segments": _turns(chunk.segments)}


def _turns(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    fields = {"number", "speaker", "role", "text"}
    return [segment.model_dump(mode="json", include=fields) for segment in segments]
