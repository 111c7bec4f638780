"""Judges behind a model client: one that is asked about several notes at once, one about each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from contracts.errors import ErrorCode
from judging.batch_requests import build_batch_document, build_multi_note_request, parse_rulings
from judging.control_questions import PretestedModelClient
from judging.note_requests import BuildJudgeRequest, make_note_request_builder
from judging.questions import Judge, JudgeQuestion, JudgeReply, NoteRuling
from model_client import CostAttribution, ModelClient
from model_client.errors import (
    BadOutputError,
    ModelTimeoutError,
    PermanentError,
    RefusalError,
    ServerError,
    TruncatedAnswerError,
)
from model_client.requests import ParsedResponse
from prompts.fact_checking import FactCheckPromptFormat

MAX_FUTILE_SPLITS: Final = 2
"""Times in a row that notes are halved without an answer on either half, before that is enough."""

_UNANSWERED: Final = (
    *(ModelTimeoutError, BadOutputError, RefusalError, TruncatedAnswerError, ServerError),
    PermanentError,
)
"""Failures of one request, timeouts included: its notes have no ruling, and others are not held up.

Others concern every request, such as an outage, a rate limit or a budget.
"""
_ANSWERED_IN_HALVES: Final = frozenset(
    {
        ErrorCode.LLM_BAD_OUTPUT,
        ErrorCode.LLM_REFUSED,
        ErrorCode.LLM_CONTENT_FILTERED,
        ErrorCode.LLM_CUT_OFF,
        ErrorCode.LLM_CONTEXT_TOO_LONG,
    }
)
"""Failures that one note, or the number of them, may be the cause of."""
_UNNAMED: Final = "an unnamed model"
"""The name of a model that the endpoint does not name."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits of one call of a judging model: the number of notes, and of characters.

    Attributes:
        notes: most notes.
        characters: most characters of the notes and of what was said; a single note may have more.
    """

    notes: int = 16
    characters: int = 24_000


DEFAULT_LIMITS: Final = BatchLimits()

JudgeClient = ModelClient | PretestedModelClient
"""Calls a judging model; of one that checks facts, perhaps only once it has passed a control."""


def build_judge(
    client: JudgeClient,
    judge_format: FactCheckPromptFormat | None,
    attempt: int = 1,
    limits: BatchLimits = DEFAULT_LIMITS,
) -> Judge:
    """Build the judge of a model: it asks about several notes per call, or about one.

    Args:
        client: calls the model.
        judge_format: the format of a model that was trained to check facts; None to ask in the
            project's own words.
        attempt: which of several times the same is asked, from 1; each is answered by itself.
        limits: what one call may be about, where several notes go in one.
    """
    if judge_format is None:
        return MultiNoteJudge(client, attempt, limits)
    return SingleNoteJudge(client, make_note_request_builder(judge_format), attempt)


@dataclass(frozen=True, slots=True)
class MultiNoteJudge:
    """Judge that asks a model about several notes of an interview chunk in one call.

    Attributes:
        client: calls the model.
        attempt: which of several times the same model is asked the same, from 1.
        limits: what one call may be about.
    """

    client: JudgeClient
    attempt: int = 1
    limits: BatchLimits = DEFAULT_LIMITS

    @property
    def name(self) -> str:
        """The name of the model; of a chain, of the first one."""
        return self.client.name

    async def rule(
        self, questions: Sequence[JudgeQuestion], attribution: CostAttribution, *, deadline: float
    ) -> JudgeReply:
        """Rule on each note; what cannot be answered together is asked in halves.

        Raises:
            model_client.errors: what keeps the model from answering at all.
        """

        async def ask(batch: Sequence[JudgeQuestion]) -> JudgeReply:
            return await self._ask(batch, attribution, deadline)

        batches = _make_batches(questions, self.limits)
        return _join(await _gather(_ask_or_halve(ask, one) for one in batches))

    async def _ask(
        self, questions: Sequence[JudgeQuestion], attribution: CostAttribution, deadline: float
    ) -> JudgeReply:
        request = build_multi_note_request(questions, attempt=self.attempt)
        try:
            answer = await self.client.ask(request, attribution, deadline=deadline)
        except _UNANSWERED as error:
            return _build_unanswered_reply(error.code, len(questions))
        rulings = parse_rulings(answer.value, questions, answer.model or _UNNAMED)
        return JudgeReply(rulings, (None,) * len(questions), (answer,), calls=not answer.cached)


AskBatch = Callable[[Sequence[JudgeQuestion]], Awaitable[JudgeReply]]
"""Asks about some notes in one call; the reply has an error where there was no answer."""


async def _ask_or_halve(ask: AskBatch, questions: Sequence[JudgeQuestion]) -> JudgeReply:
    reply = await ask(questions)
    if not _may_be_halved(reply):
        return reply
    return _add_calls(await _ask_halves(ask, questions), reply)


async def _ask_halves(
    ask: AskBatch, questions: Sequence[JudgeQuestion], futile: int = 0
) -> JudgeReply:
    """Ask about both halves of some notes, and about halves of those without an answer.

    One note may be what the model refuses, or runs out of words with; the others are not to go
    without a ruling for it. A model that answers neither half, time after time, is not asked on.
    """
    middle = len(questions) // 2
    halves = (questions[:middle], questions[middle:])
    replies = await _gather(ask(one) for one in halves)
    futile = futile + 1 if all(_is_futile(one) for one in replies) else 0
    if futile == MAX_FUTILE_SPLITS:
        return _join(replies)

    async def split_further(half: Sequence[JudgeQuestion], reply: JudgeReply) -> JudgeReply:
        if not _may_be_halved(reply):
            return reply
        return _add_calls(await _ask_halves(ask, half, futile), reply)

    pairs = zip(halves, replies, strict=True)
    return _join(await _gather(split_further(half, reply) for half, reply in pairs))


def _may_be_halved(reply: JudgeReply) -> bool:
    return reply.error in _ANSWERED_IN_HALVES and len(reply.rulings) > 1


def _add_calls(reply: JudgeReply, earlier: JudgeReply) -> JudgeReply:
    return replace(reply, calls=reply.calls + earlier.calls)


def _is_futile(reply: JudgeReply) -> bool:
    """Return whether a call was paid for and brought no answer; too long a one is not made."""
    return reply.error not in {None, ErrorCode.LLM_CONTEXT_TOO_LONG}


@dataclass(frozen=True, slots=True)
class SingleNoteJudge:
    """Judge that asks a model about one note per call, such as a fact-checking model.

    Attributes:
        client: calls the model.
        build_request: makes the request about a note.
        attempt: which of several times the same model is asked the same, from 1.
    """

    client: JudgeClient
    build_request: BuildJudgeRequest
    attempt: int = 1

    @property
    def name(self) -> str:
        """The name of the model; of a chain, of the first one."""
        return self.client.name

    async def rule(
        self, questions: Sequence[JudgeQuestion], attribution: CostAttribution, *, deadline: float
    ) -> JudgeReply:
        """Rule on each note, all at once, as far as the client lets them.

        Raises:
            model_client.errors: what keeps the model from answering at all.
        """
        return _join(await _gather(self._rule_one(one, attribution, deadline) for one in questions))

    async def _rule_one(
        self, question: JudgeQuestion, attribution: CostAttribution, deadline: float
    ) -> JudgeReply:
        request = replace(self.build_request(question), attempt=self.attempt)
        try:
            answer = await self.client.ask(request, attribution, deadline=deadline)
        except _UNANSWERED as error:
            return _build_unanswered_reply(error.code, 1)
        value = answer.value
        ruling = NoteRuling(
            value.verdict, answer.model or _UNNAMED, value.reason, probability=value.probability
        )
        return JudgeReply((ruling,), (None,), (answer,), calls=not answer.cached)


def _build_unanswered_reply(error: ErrorCode, notes: int) -> JudgeReply:
    # A prompt that fits no model's context is not sent.
    calls = error is not ErrorCode.LLM_CONTEXT_TOO_LONG
    return JudgeReply((None,) * notes, (error,) * notes, calls=calls)


def _make_batches(
    questions: Sequence[JudgeQuestion], limits: BatchLimits
) -> Iterator[Sequence[JudgeQuestion]]:
    """Yield questions in order, as many at a time as fit one call."""
    batch: list[JudgeQuestion] = []
    for one in questions:
        grown = [*batch, one]
        is_too_large = len(build_batch_document(grown)) > limits.characters
        if batch and (len(grown) > limits.notes or is_too_large):
            yield batch
            grown = [one]
        batch = grown
    if batch:
        yield batch


async def _gather(calls: Iterable[Awaitable[JudgeReply]]) -> list[JudgeReply]:
    """Wait for all calls, whatever becomes of one: an answer that is paid for is kept."""
    replies: list[JudgeReply] = []
    for one in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(one, BaseException):
            raise one
        replies.append(one)
    return replies


def _join(replies: Sequence[JudgeReply]) -> JudgeReply:
    responses: tuple[ParsedResponse[Any], ...] = tuple(
        response for one in replies for response in one.responses
    )
    return JudgeReply(
        rulings=tuple(ruling for one in replies for ruling in one.rulings),
        errors=tuple(error for one in replies for error in one.errors),
        responses=responses,
        calls=sum(one.calls for one in replies),
    )
