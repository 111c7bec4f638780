"""Drafter of notes: the adapter between chunks and ``model_client``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from contracts.events import ChunkReady, NotesDrafted
from contracts.notes import Usage
from enrichment import domain
from model_client import ChatMessage, CostAttribution, ModelClient, ModelRequest
from model_client.errors import ContextTooLongError, TruncatedAnswerError
from prompts.documents import build_feedback_document
from prompts.notes import CURRENT, NotePrompt


def build_draft_request(
    chunk: ChunkReady, *, attempt: int, feedback: str = "", prompt: NotePrompt = CURRENT
) -> ModelRequest[domain.DraftAnswer]:
    """Build the model request for notes on a chunk of an interview.

    Args:
        chunk: what to read.
        attempt: which draft of this chunk it is, from 1.
        feedback: why the draft before was refused, if there was one.
        prompt: the version of the prompt to ask with.
    """
    messages: list[ChatMessage] = [
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": prompt.document(chunk)},
    ]
    if feedback:
        messages.append({"role": "user", "content": build_feedback_document(feedback)})
    return ModelRequest(
        messages=messages,
        schema=domain.build_answer_schema(chunk),
        response_model=domain.DraftAnswer,
        prompt_version=prompt.version,
        attempt=attempt,
    )


class NoteDrafter:
    """Drafter that asks a language model for notes on a chunk of an interview.

    Args:
        client: calls the model.
    """

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def draft(
        self,
        chunk: ChunkReady,
        *,
        attempt: int,
        deadline: float,
        feedback: str = "",
        is_replay: bool = False,
    ) -> NotesDrafted:
        """Return the draft for a chunk; asks about both halves if it or its answer is too long.

        Args:
            chunk: what to read.
            attempt: which draft of this chunk it is, from 1.
            deadline: when all calls must have ended, by the event loop's clock, in seconds.
            feedback: why the draft before was refused, if there was one.
            is_replay: whether an operator put the chunk back: what was cut off before is then
                asked anew, as the model may have been mended.

        Raises:
            model_client.errors: whatever keeps the model from answering well.
        """
        request = build_draft_request(chunk, attempt=attempt, feedback=feedback)
        attribution = CostAttribution(chunk.study.study_id, str(chunk.chunk_id))
        parts = domain.split_chunk_in_halves(chunk)
        draft = partial(
            self.draft, attempt=attempt, deadline=deadline, feedback=feedback, is_replay=is_replay
        )
        try:
            answer = await self._client.ask(
                request,
                attribution,
                deadline=deadline,
                # Known to be cut off, it is split at once; what cannot be split is asked again.
                accepts_truncated=parts is not None and not is_replay,
                models=chunk.study.models,
            )
        except TruncatedAnswerError:
            if parts is None:
                raise
            # Both are waited for whatever becomes of one: an answer that is paid for is kept.
            drafts = await asyncio.gather(*map(draft, parts), return_exceptions=True)
            return merge_drafts(chunk, drafts)
        except ContextTooLongError:
            if parts is None:
                raise
            # One by one: where not even the shortest part fits, the others need not be asked.
            return merge_drafts(chunk, [await draft(part) for part in parts])
        return NotesDrafted(
            chunk=chunk,
            attempt=attempt,
            notes=answer.value.notes,
            model=answer.model,
            model_fingerprint=answer.fingerprint,
            prompt_version=request.prompt_version,
            usage=answer.usage,
        )


def merge_drafts(chunk: ChunkReady, drafts: Iterable[NotesDrafted | BaseException]) -> NotesDrafted:
    """Merge the drafts on two halves of a chunk into one; sum their token counts.

    Models that differ are all named. Tokens are added up.

    Raises:
        BaseException: the first of the halves that is one.
    """
    done: list[NotesDrafted] = []
    for one in drafts:
        if isinstance(one, BaseException):
            raise one
        done.append(one)
    used = [one.usage for one in done]
    return done[0].model_copy(
        update={
            "chunk": chunk,
            "notes": tuple(dict.fromkeys(note for one in done for note in one.notes)),
            "model": _named(one.model for one in done),
            "model_fingerprint": _named(one.model_fingerprint for one in done),
            "usage": Usage(
                input_tokens=sum(one.input_tokens for one in used),
                cached_tokens=sum(one.cached_tokens for one in used),
                output_tokens=sum(one.output_tokens for one in used),
            ),
        }
    )


def _named(names: Iterable[str]) -> str:
    """Return names that may be lists of names themselves, each once, in order."""
    parts = (part for name in names for part in name.split(", ") if part)
    return ", ".join(dict.fromkeys(parts))
