"""Drafter of notes: the adapter between chunks and ``model_client``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from contracts.errors import ErrorCode, ParkedError
from contracts.events import ChunkReady, NotesDrafted
from contracts.notes import Usage
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from contracts.study import Study
from enrichment import domain
from model_client import (
    ChatMessage,
    CostAttribution,
    ModelClient,
    ModelRequest,
    PlanBudget,
    charge_calls_to_plan,
    use_only_answers_since,
)
from model_client.errors import (
    ContextTooLongError,
    ModelNotConfiguredError,
    TruncatedAnswerError,
)
from prompts.documents import build_feedback_document
from prompts.notes import CURRENT, PROMPTS, NotePrompt


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


class PromptVersionUnknownError(ParkedError):
    """Raised when a replay names a version of the prompt that does not exist."""

    code = ErrorCode.MODEL_NOT_CONFIGURED


class NoteDrafter:
    """Drafter that asks a language model for notes on a chunk of an interview.

    Args:
        client: calls the model.
    """

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def draft(  # noqa: PLR0913 - all are named
        self,
        chunk: ChunkReady,
        *,
        attempt: int,
        deadline: float,
        feedback: str = "",
        is_replay: bool = False,
        overrides: ReplayOverrides = NO_OVERRIDES,
    ) -> NotesDrafted:
        """Return the draft for a chunk; asks about both halves if it or its answer is too long.

        Args:
            chunk: what to read.
            attempt: which draft of this chunk it is, from 1.
            deadline: when all calls must have ended, by the event loop's clock, in seconds.
            feedback: why the draft before was refused, if there was one.
            is_replay: whether an operator put the chunk back: what was cut off before is then
                asked anew, as the model may have been mended.
            overrides: the model and the prompt's version of this chunk alone, and since when kept
                answers count, if a replay sets them.

        Raises:
            PromptVersionUnknownError: a replay asks for a prompt that this version has not.
            model_client.errors: whatever keeps the model from answering well.
        """
        request = build_draft_request(
            chunk, attempt=attempt, feedback=feedback, prompt=choose_prompt(overrides)
        )
        models = choose_models(chunk.study, overrides)
        attribution = CostAttribution(chunk.study.study_id, str(chunk.chunk_id))
        parts = domain.split_chunk_in_halves(chunk)
        draft = partial(
            self.draft,
            attempt=attempt,
            deadline=deadline,
            feedback=feedback,
            is_replay=is_replay,
            overrides=overrides,
        )
        try:
            budget = PlanBudget.find(overrides.plan_id, overrides.budget_usd)
            with use_only_answers_since(overrides.fresh_since), charge_calls_to_plan(budget):
                answer = await self._client.ask(
                    request,
                    attribution,
                    deadline=deadline,
                    # Known to be cut off, it is split at once; what cannot be split is asked again.
                    accepts_truncated=parts is not None and (not is_replay or overrides.fresh),
                    models=models,
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


def choose_prompt(overrides: ReplayOverrides) -> NotePrompt:
    """Return the prompt to ask with: the current one, or the version that a replay names.

    Raises:
        PromptVersionUnknownError: there is no such version.
    """
    if overrides.prompt_version is None:
        return CURRENT
    if (found := PROMPTS.get(overrides.prompt_version)) is None:
        raise PromptVersionUnknownError(
            "the replay asks for a prompt version that there is not; there are "
            f"{', '.join(PROMPTS)}"
        )
    return found


def choose_models(study: Study, overrides: ReplayOverrides) -> Sequence[str]:
    """Return the names of the models to ask: the study's, or the one that a replay names.

    Raises:
        ModelNotConfiguredError: the study names its models, and that one is none of them.
    """
    if overrides.model is None:
        return study.models
    if study.models and overrides.model not in study.models:
        raise ModelNotConfiguredError(
            "the replay asks for a model that the study does not name: edit the study's models, or "
            "replay without it"
        )
    return (overrides.model,)


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
