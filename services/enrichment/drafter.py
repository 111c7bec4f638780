"""Asks the model for notes: the adapter between chunks and ``model_client``."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.events import ChunkReady, NotesDrafted
from enrichment import domain
from model_client import ModelClient
from model_client.client import Message


class Drafter:
    """Drafts notes on chunks.

    Args:
        client: calls the model.
    """

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def draft(
        self, chunk: ChunkReady, *, attempt: int, feedback: str = "", deadline: float
    ) -> NotesDrafted:
        """Ask for notes on a chunk.

        Args:
            chunk: what to read.
            attempt: which draft of this chunk it is, from 1.
            feedback: why the draft before was refused, if there was one.
            deadline: when the call must have ended, by the event loop's clock, in seconds.

        Raises:
            model_client.errors: whatever keeps the model from answering well.
        """
        answer = await self._client.ask(
            _conversation(chunk, feedback),
            domain.answer_schema(chunk),
            domain.DraftAnswer,
            deadline=deadline,
        )
        return NotesDrafted(
            chunk=chunk,
            attempt=attempt,
            notes=answer.value.notes,
            model=answer.model,
            model_fingerprint=answer.fingerprint,
            prompt_version=domain.PROMPT_VERSION,
            usage=answer.usage,
        )


def _conversation(chunk: ChunkReady, feedback: str) -> Sequence[Message]:
    messages: list[Message] = [
        {"role": "system", "content": domain.instructions()},
        {"role": "user", "content": domain.chunk_document(chunk)},
    ]
    if feedback:
        messages.append({"role": "user", "content": domain.feedback_document(feedback)})
    return messages
