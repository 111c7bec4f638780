"""The JSON documents a conversation is made of; JSON strings fence what was said in interviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.events import ChunkReady
from contracts.transcript import Segment
from prompts.fencing import fenced


def chunk_document(chunk: ChunkReady) -> str:
    """The chunk as the JSON document that the instructions describe.

    It holds what decides the answer and nothing else, so that the same passage under the same
    themes and questions is the same document, whatever the study is called.
    """
    study = chunk.study
    inputs = {
        "language": study.language,
        "themes": [theme.model_dump() for theme in study.themes],
        "questions": [question.model_dump() for question in study.questions],
    }
    return fenced({"study": inputs, **passage(chunk)})


def feedback_document(feedback: str) -> str:
    """The guardrail's reasons, as the JSON document that asks for another draft."""
    return fenced({"feedback": feedback})


def passage(chunk: ChunkReady) -> dict[str, Any]:
    """The interview's part of the document: the turns before, and those that may be cited."""
    return {"context": _turns(chunk.context), "segments": _turns(chunk.segments)}


def _turns(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    fields = {"number", "speaker", "role", "text"}
    return [segment.model_dump(mode="json", include=fields) for segment in segments]
