"""Asks a second model about notes that the checks leave in doubt.

The model only ever gets to say whether quotes bear out a claim. Why it thinks so is told in its
words beside the refused note, as what it said, and decides nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, Protocol

from pydantic import BaseModel

from contracts.events import NotesDrafted
from contracts.notes import CheckFailure
from grounding import CheckedNote
from grounding.text.words import truncate
from grounding.uncertainty import Uncertainty, classify_uncertainty
from guardrail.policy import NOT_ENTAILED
from model_client import ChatMessage, CostAttribution, ModelClient, ModelRequest
from model_client.errors import (
    SPLITTABLE_ERRORS,
    BadOutputError,
    PromptFilteredError,
    RefusalError,
)
from prompts import judge as judge_prompt
from prompts.fencing import fenced

PURPOSE: Final = "judge"
"""What the ledger books these calls under."""

_UNANSWERED: Final = (
    BadOutputError,
    RefusalError,
    PromptFilteredError,
    *SPLITTABLE_ERRORS,
)
_LONGEST_REASON: Final = 300
"""Characters kept of a judging model's reason."""

_WHOLE: Final = 2**32


class Opinion(StrEnum):
    """What the judge may say."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not_supported"


class Ruling(BaseModel):
    """The judge's answer, validated here whatever the endpoint promised."""

    reason: str
    verdict: Opinion


class Review(Protocol):
    """A second look at a draft's notes."""

    async def __call__(
        self, drafted: NotesDrafted, weighed: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """The notes in the same order."""
        ...


SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": [one.value for one in Opinion]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
"""The strict JSON schema of an answer; the reason comes first, so that it is thought of first."""


def question_about(weighed: CheckedNote) -> ModelRequest[Ruling]:
    """What the judge is asked about a note."""
    quotes = [
        {"speaker": one.speaker, "role": one.role.value, "text": one.quote}
        for one in weighed.evidence
    ]
    messages: list[ChatMessage] = [
        {"role": "system", "content": judge_prompt.instructions()},
        {"role": "user", "content": fenced({"claim": weighed.draft.statement, "quotes": quotes})},
    ]
    return ModelRequest(
        messages=messages,
        schema=SCHEMA,
        response_model=Ruling,
        prompt_version=judge_prompt.VERSION,
        # One of several may be what a quote says, and no word of the judge's.
        requires_single_object=True,
    )


class Judge:
    """Reviews drafts.

    Args:
        client: calls the judging model.
        share: of the notes in doubt, how many are asked about, from 0 to 1; the others stay as the
            checks left them. The same note is always asked about, or never.
    """

    def __init__(self, client: ModelClient, *, share: float) -> None:
        self._client = client
        self._share = share

    @property
    def notice(self) -> str:
        """What keeps the judging model from being asked now; empty if nothing does."""
        return self._client.notice

    async def __call__(
        self, drafted: NotesDrafted, weighed: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Ask about each note in doubt; all at once, as far as the client lets them.

        A note is let through only on a clear word: an answer that cannot be read counts as none.

        Args:
            drafted: the draft the notes are of.
            weighed: its notes, weighed.
            deadline: when all calls must have ended, by the event loop's clock, in seconds.

        Raises:
            model_client.errors: what keeps the model from answering at all.
        """
        attribution = CostAttribution(drafted.chunk.study.study_id, drafted.chunk.key, PURPOSE)
        reviews = (self._review(one, attribution, deadline) for one in weighed)
        # All are waited for whatever becomes of one: an answer that is paid for is kept.
        results = await asyncio.gather(*reviews, return_exceptions=True)
        return tuple(_result(one) for one in results)

    async def _review(
        self, weighed: CheckedNote, attribution: CostAttribution, deadline: float
    ) -> CheckedNote:
        doubt = classify_uncertainty(weighed)
        if doubt is None or not self._is_sampled(weighed):
            return weighed
        try:
            answer = await self._client.ask(question_about(weighed), attribution, deadline=deadline)
        except _UNANSWERED:
            return _refused(weighed, "The second model gave no answer that could be read.")
        ruling = answer.value
        if ruling.verdict is not Opinion.SUPPORTED:
            return _refused(weighed, _WORDED[ruling.verdict], ruling.reason)
        if doubt is Uncertainty.MAYBE_FALSE:
            return replace(weighed, is_judged=True)
        flags = _settled(weighed, answer.model)
        return replace(weighed, failures=(), flags=flags, is_judged=True)

    def _is_sampled(self, weighed: CheckedNote) -> bool:
        told = f"{weighed.chunk_id}\x1f{weighed.draft.statement}".encode()
        drawn = int.from_bytes(hashlib.sha256(told).digest()[:4])
        return drawn < self._share * _WHOLE


_WORDED: Final = {
    Opinion.CONTRADICTED: "A second model found that the cited words say otherwise.",
    Opinion.NOT_SUPPORTED: "A second model found that the cited words do not bear it out.",
}


def _refused(weighed: CheckedNote, reason: str, said: str = "") -> CheckedNote:
    """The note with the judge's check failed; its own words are told as such, not as evidence."""
    quotes = [one.masked_quote or one.quote for one in weighed.evidence]
    # Its words are the one part that was never searched for personal data.
    is_masked = any(one.masked_quote is not None for one in weighed.evidence)
    told = "" if is_masked else truncate(" ".join(said.split()), _LONGEST_REASON)
    failure = CheckFailure(
        check=NOT_ENTAILED,
        reason=f"{reason} It says: “{told}”" if told else reason,
        claim=truncate(weighed.statement),
        evidence=truncate(" … ".join(quotes)),
    )
    return replace(weighed, failures=(*weighed.failures, failure))


def _settled(weighed: CheckedNote, model: str) -> tuple[CheckFailure, ...]:
    """The checks that doubted, as flags that say who let the note pass."""
    return tuple(
        one.model_copy(update={"reason": f"{one.reason} {model} found it borne out all the same."})
        for one in weighed.failures
    )


def _result(one: CheckedNote | BaseException) -> CheckedNote:
    if isinstance(one, BaseException):
        raise one
    return one
